# SPDX-License-Identifier: GPL-3.0-or-later
"""Variants: what the user may name, what the file has, the colors in it, the page, the plan, and the export."""

import io
import json
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photoreal_set.catalogue import freezing as planning
from photoreal_set.catalogue.lock_file import read_lock
from photoreal_set.command_line.channel_sources import sources_in
from photoreal_set.command_line.main import parser_of_commands
from photoreal_set.command_line.visible_runs import working_in
from photoreal_set.fal_bridge.jobs import Kind
from photoreal_set.files.lock import FileLock
from photoreal_set.gltf.colors import (
    color,
    coverage_of,
    parse_colors,
    replaced_pictures,
    slots_of,
    with_colors,
)
from photoreal_set.gltf.document import Gltf, read_gltf
from photoreal_set.gltf.edits import usual_variant, with_variant, without_variants
from photoreal_set.imaging.set_page import build_report
from photoreal_set.messages.errors import FieldError, InputError
from photoreal_set.messages.events import Event
from photoreal_set.messages.progress import PlainReporter
from photoreal_set.optics.angles import ANGLES
from photoreal_set.optics.spin import Spin
from photoreal_set.photo_set.cancel_mark import CancelMark, leave_mark
from photoreal_set.photo_set.choices import Engine
from photoreal_set.photo_set.folder import SetFolder, SetState
from photoreal_set.photo_set.living_run import lock_of
from photoreal_set.photo_set.part_states import variant_states
from photoreal_set.photo_set.plan import SetPlan
from photoreal_set.photo_set.plan_record import options_from, options_record, plan_from, plan_record
from photoreal_set.photo_set.source import Source, SourceKind, source_from
from photoreal_set.photo_set.variant_folders import (
    list_variants,
    prepared_variant,
    record_variant,
    set_folders,
    set_of_variant,
    share,
    variants_in,
)
from photoreal_set.photo_set.variants import Variant, kept_variants, plans_of_variants, variants_for
from tests.catalogue_desk import Desk
from tests.painted_mug import painted_mug
from tests.patience import PATIENCE_SECONDS
from tests.unit.test_export import export, make_set

HOSTILE = """<script>alert(1)</script>'"><img src=x onerror=alert(2)>"""


class _Waiting:
    """A reporter that sets ``told`` when something is told."""

    def __init__(self, told: threading.Event) -> None:
        self._told = told

    def tell(self, event: Event) -> None:
        self._told.set()

    def detail(self, event: Event) -> None:
        raise AssertionError(event)

    def result(self, found: object, text: str) -> None:
        raise AssertionError(text)


def no_blend(path: Path) -> Gltf:
    raise AssertionError("there is no .blend file")


def chosen(
    tmp_path: Path, text: str, *colors: str, names: tuple[str, ...] = ("Red", "Blue", "Green")
) -> dict[str, Any]:
    source = source_from([painted_mug(names).write(tmp_path / "mug.glb")], "")
    return variants_for(text, colors, source, tmp_path / "set", no_blend)


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as refused:
        call()
    return str(refused.value)


# --- what the user writes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "colors"),
    [
        ("Body=#a01020", "", {"Body": "#A01020"}),
        ("Body = #A12", "", {"Body": "#AA1122"}),
        ("Body=#A01020,Sole=#000 as Cherry", "Cherry", {"Body": "#A01020", "Sole": "#000000"}),
        ("rig:Body, left=side=#FFFFFF", "", {"rig:Body, left=side": "#FFFFFF"}),
        ("Body=#A01020 as Black as coal, shiny", "Black as coal, shiny", {"Body": "#A01020"}),
        ("worn as new=#123456", "", {"worn as new": "#123456"}),
    ],
)
def test_colors_are_read(text: str, name: str, colors: dict[str, str]):
    assert parse_colors(text) == (name, colors)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Body=red", "gives Body 'red', which is not a color such as #A01020"),
        ("Body=#12345", "gives Body '#12345', which is not a color"),
        ("Body=#12345678", "which is not a color"),
        ("Body", "is not SLOT=#RRGGBB"),
        ("", "is not SLOT=#RRGGBB"),
        ("=#123456", "is not SLOT=#RRGGBB"),
        ("Body=#123456 as ", "is not SLOT=#RRGGBB"),
        ("Body=#123456,Body=#654321", "names the slot 'Body' twice"),
    ],
)
def test_what_is_no_color_is_refused(text: str, message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_colors(text)


def test_both_spellings_add_to_one_list():
    for order in (("--color", "--colour"), ("--colour", "--color")):
        parsed = parser_of_commands().parse_args(
            ["set", "mug.glb", "--out", "x", order[0], "A=#111", order[1], "B=#222"]
        )
        assert parsed.color == ["A=#111", "B=#222"]


@pytest.mark.parametrize("value", ["A01020", "#A0102", "#A010200", "#GGGGGG", None, 7])
def test_a_color_in_a_file_follows_the_same_rule(value: object):
    with pytest.raises(ValueError, match="is not a color"):
        color(value)


# --- which variants -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["all", " All "])
def test_all_variants_begin_with_the_one_of_the_default_materials(tmp_path: Path, text: str):
    found = chosen(tmp_path, text)
    assert found["variant"] == "", "pictures of the default materials that exist stay up to date"
    assert [(one.name, one.material, one.folder) for one in found["variants"]] == [
        ("Red", "", "variants/Red"),
        ("Blue", "Blue", "variants/Blue"),
        ("Green", "Green", "variants/Green"),
    ]


def test_named_variants_keep_their_order(tmp_path: Path):
    found = chosen(tmp_path, "green, Red")
    assert found["variant"] == "Green"
    assert [(one.name, one.material) for one in found["variants"]] == [("Green", "Green"), ("Red", "Red")]


def test_a_variant_may_be_named_all(tmp_path: Path):
    assert chosen(tmp_path, "all", names=("Red", "All")) == {"variant": "All"}


@pytest.mark.parametrize("text", ["Blue", "Blue,", "walnut, oiled"])
def test_one_variant_is_a_set_as_before(tmp_path: Path, text: str):
    found = chosen(tmp_path, text, names=("Red", "Blue", "Walnut, oiled"))
    assert "variants" not in found
    assert found["variant"].casefold() == text.strip(",").casefold(), "a variant may have a comma in its name"


def test_colors_are_further_variants_of_the_first(tmp_path: Path):
    found = chosen(tmp_path, "", "handle=#123", "Handle=#FFFFFF,Paint 1=#000000 as Panda")
    assert found["variant"] == ""
    assert found["variants"] == (
        Variant(name="Red"),
        Variant(name="Handle 112233", colors={"Handle": "#112233"}),
        Variant(name="Panda", colors={"Handle": "#FFFFFF", "Paint 1": "#000000"}),
    )
    blue = chosen(tmp_path, "Blue", "Paint 2=#123456")
    assert [one.material for one in blue["variants"]] == ["Blue", "Blue"]


@pytest.mark.parametrize(
    ("text", "colors", "names", "message"),
    [
        ("Red,Pink", (), (), "mug.glb has no variant 'Pink'. It has 'Red', 'Blue', 'Green'."),
        (",", (), (), "mug.glb has no variant ','."),
        ("", ("Lid=#fff",), (), "mug.glb has no material 'Lid'. It has 'Paint 1', 'Handle'."),
        ("Red,red", (), (), "There are two variants named 'Red'."),
        ("all", (), ("Red", "Red"), "There are two variants named 'Red'."),
        ("all", (), ("A/B", "A:B"), "The variants 'A/B' and 'A:B' of mug.glb would both be in the folder variants/A-B."),
        ("all", (), ("a", "A"), "would both be in the folder"),
        ("all", (), ("A", ""), "mug.glb has a variant named '', which is empty."),
        ("all", (), ("A", "B\x1b[2J"), "which has characters that are not text."),
        ("all", ("Handle=#fff as Blue",), (), "There are two variants named 'Blue'."),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(
    tmp_path: Path, text: str, colors: tuple[str, ...], names: tuple[str, ...], message: str
):
    more = {"names": names} if names else {}
    assert message in refusal(lambda: chosen(tmp_path, text, *colors, **more))


def test_a_file_without_variants_has_no_all(tmp_path: Path):
    assert "mug.glb has no material variants. Leave it out." in refusal(
        lambda: chosen(tmp_path, "all", names=())
    )


def test_the_materials_of_a_model_that_is_not_made_are_not_known(tmp_path: Path):
    source = Source(kind=SourceKind.TEXT, text="a mug")
    wanted = lambda text, *colors: variants_for(text, colors, source, tmp_path, no_blend)  # noqa: E731
    assert "not made yet are not known. Make the set first." in refusal(lambda: wanted("", "Handle=#fff"))
    assert "has no material variants" in refusal(lambda: wanted("all"))
    (tmp_path / "model").mkdir()
    painted_mug().write(tmp_path / "model/product.glb")
    assert [one.name for one in wanted("", "Handle=#fff as White")["variants"]] == ["Red", "White"]


@pytest.mark.parametrize("name", ["../../etc", "CON", "a/b\\c", "x" * 250, HOSTILE, " . ", "\u202eexe"])
def test_every_name_gives_a_folder_inside_the_set(name: str):
    folder = Variant(name=name).folder
    assert folder.startswith("variants/")
    last = folder.removeprefix("variants/")
    assert last.strip(" .") and "/" not in last and "\\" not in last and "<" not in last
    assert len(last.encode()) <= 255 and last.upper() != "CON"


def test_a_variant_keeps_what_fal_needs_for_its_photos(tmp_path: Path):
    texts = {Kind.PHOTO: {"guidance_scale": "3"}, Kind.VIDEO: {"cfg_scale": "0.5"}}
    plan = plan_in(tmp_path, **chosen(tmp_path, "all"))
    plan = replace(
        plan,
        engine=Engine.FAL,
        video=Engine.FAL,
        service=emulated(),
        seed=7,
        prompt="On linen.",
        option_texts=texts,
    )
    plan.check()
    variants = plans_of_variants(plan)
    assert [variant.name for variant, _own in variants] == ["Blue", "Green"]
    for variant, own in variants:
        own.check()
        assert own.out == plan.out / variant.folder
        assert (own.service, own.seed, own.prompt) == (plan.service, 7, "On linen.")
        assert list(own.endpoint_ids) == [Kind.PHOTO], "there is one video, of the first variant"
        assert own.option_texts == {Kind.PHOTO: texts[Kind.PHOTO]}
    free = replace(plan, engine=Engine.CYCLES)
    assert [own.service for _variant, own in plans_of_variants(free)] == [None, None]


def test_the_folders_of_a_set_are_those_with_a_journal(tmp_path: Path):
    for name in ("Blue", "Old"):
        (tmp_path / "variants" / name / ".journal").mkdir(parents=True)
    (tmp_path / "variants" / "Green").mkdir()
    assert [folder.relative_to(tmp_path).as_posix() for folder in set_folders(tmp_path)] == [
        ".",
        "variants/Blue",
        "variants/Old",
    ]
    (tmp_path / "variants" / "Evil").mkdir()
    (tmp_path / "variants" / "Evil" / ".journal").symlink_to(tmp_path / "variants" / "Old" / ".journal")
    with pytest.raises(InputError, match="link"):
        set_folders(tmp_path)


def test_runs_of_a_variant_and_of_its_set_lock_each_other_out(tmp_path: Path):
    blue = tmp_path / "set" / "variants" / "Blue"
    blue.mkdir(parents=True)
    assert set_of_variant(blue) is None, "there is no set around it"
    (tmp_path / "set" / "set.json").write_text("{}")
    assert set_of_variant(blue) == tmp_path / "set"
    (tmp_path / "link").symlink_to(blue, target_is_directory=True)
    assert set_of_variant(tmp_path / "link") == tmp_path / "set", "`cancel` refuses it too"
    reporter = PlainReporter(io.StringIO())
    with working_in(blue, reporter):
        assert FileLock.taken(lock_of(tmp_path / "set")) is None
    with working_in(tmp_path / "set", reporter):
        told = threading.Event()
        waiting = _Waiting(told)

        def work() -> None:
            with working_in(blue, waiting):
                pass

        thread = threading.Thread(target=work)
        thread.start()
        assert told.wait(PATIENCE_SECONDS), "the run of the variant waits"
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_a_run_of_a_variant_is_cancelled_with_its_set(tmp_path: Path):
    blue = tmp_path / "variants" / "Blue"
    for folder in (tmp_path, blue):
        (folder / ".journal").mkdir(parents=True)
    (tmp_path / "set.json").write_text("{}")
    leave_mark(tmp_path)
    mark, of_set = CancelMark(blue), CancelMark(tmp_path)
    assert not mark.is_new, "that was before it began"
    leave_mark(tmp_path)
    assert mark.is_new and of_set.is_new


# --- colors in the file -------------------------------------------------------------------------


def gltf_in(tmp_path: Path, **last: Any) -> Gltf:
    return read_gltf(painted_mug(**last).write(tmp_path / "mug.glb"))


def test_a_color_replaces_what_colored_the_material(tmp_path: Path):
    glb = painted_mug()
    picture = tmp_path / "print.png"
    Image.new("RGB", (4, 4), "red").save(picture)
    paint = glb.document["materials"][0]
    paint["pbrMetallicRoughness"]["baseColorTexture"] = {"index": glb.add_image(picture.read_bytes())}
    primitive = glb.document["meshes"][0]["primitives"][0]
    primitive["attributes"]["COLOR_0"] = primitive["attributes"]["POSITION"]
    before = without_variants(read_gltf(glb.write(tmp_path / "mug.glb")))
    assert slots_of(before) == ("Paint 1", "Handle")
    after = with_colors(before, {"Paint 1": "#FF8000"})
    surface = after.entries("materials")[0]["pbrMetallicRoughness"]
    assert surface["baseColorFactor"] == pytest.approx([1.0, 0.2158605, 0.0, 1.0])
    assert "baseColorTexture" not in surface
    assert surface["roughnessFactor"] == 0.6
    assert "COLOR_0" not in after.entries("meshes")[0]["primitives"][0]["attributes"]
    assert after.entries("materials")[1:] == before.entries("materials")[1:]
    assert "baseColorTexture" in before.entries("materials")[0]["pbrMetallicRoughness"]
    (finding,) = replaced_pictures(before, {"Paint 1": "#FF8000", "Handle": "#FFFFFF"})
    assert finding.text.startswith("Paint 1: the color #FF8000 replaces the picture")
    assert coverage_of(after) == coverage_of(before)


def test_a_picture_that_makes_a_material_transparent_cannot_be_replaced(tmp_path: Path):
    surface = {"baseColorTexture": {"index": 0}}
    gltf = gltf_in(tmp_path, alphaMode="MASK", pbrMetallicRoughness=surface)
    with pytest.raises(FieldError, match="'Paint 3' takes its transparency from a picture"):
        with_colors(with_variant(gltf, "Green"), {"Paint 3": "#FFFFFF"})


@pytest.mark.parametrize(
    "last",
    [
        {"alphaMode": "BLEND"},
        {"alphaMode": "MASK", "alphaCutoff": 0.9},
        {"doubleSided": True},
        {"extensions": {"KHR_materials_transmission": {"transmissionFactor": 1.0}}},
    ],
)
def test_materials_that_cover_other_parts_are_told_from_colors(tmp_path: Path, last: dict[str, Any]):
    gltf = gltf_in(tmp_path, **last)
    red, blue, green = (coverage_of(with_variant(gltf, name)) for name in ("Red", "Blue", "Green"))
    assert red == blue != green
    assert coverage_of(gltf) == red, "as the file is, with its default materials"
    assert usual_variant(gltf) == "Red"


def test_damaged_materials_are_no_crash(tmp_path: Path):
    glb = painted_mug()
    glb.document["materials"][0] = {"name": 7, "pbrMetallicRoughness": [], "extensions": "x"}
    glb.document["meshes"][1]["primitives"][0]["material"] = ["x"]
    gltf = without_variants(read_gltf(glb.write(tmp_path / "mug.glb")))
    assert slots_of(gltf) == ("7",)
    assert coverage_of(with_colors(gltf, {"7": "#FFFFFF"}))


# --- the plan -----------------------------------------------------------------------------------


def emulated() -> Any:
    from photoreal_set.fal_bridge.network.service import Service

    return Service.emulator("http://127.0.0.1:9")


def plan_in(tmp_path: Path, **members: Any) -> SetPlan:
    source = source_from([painted_mug().write(tmp_path / "mug.glb")], "")
    angles = (ANGLES["front"],)
    return SetPlan(source=source, out=tmp_path / "set", angles=angles, **members)


def test_variants_are_kept_and_older_plans_stay_as_they_are(tmp_path: Path):
    plan = plan_in(tmp_path)
    assert not {"variants", "colors", "title"} & options_record(plan).keys()
    several = replace(plan, **chosen(tmp_path, "all", "Handle=#fff as Snow"))
    kept = json.loads(json.dumps(options_record(several)))
    assert options_from(kept, tmp_path)["variants"] == several.variants


@pytest.mark.parametrize(
    "value",
    [
        [{"name": ""}],
        [{"name": "a", "folder": "x"}],
        [{"name": "a", "colors": {"Body": "red"}}],
        [{"name": "a/b"}, {"name": "a:b"}],
        [{"name": f"v{number}"} for number in range(101)],
    ],
)
def test_variants_on_disk_follow_the_rules_of_the_command_line(value: Any):
    with pytest.raises(ValueError):
        kept_variants(value)


def first_set(tmp_path: Path, **members: Any) -> tuple[SetFolder, SetPlan]:
    """The set of the first variant, as if it were rendered."""
    plan = plan_in(tmp_path, spin=Spin(count=24), **members)
    folder = SetFolder.prepare(
        plan.out,
        product=plan.product,
        source=plan.source.record(),
        tool={"name": "x", "version": "1", "blender": "4"},
        plan=plan_record(plan),
    )
    folder.model.parent.mkdir()
    painted_mug().write(folder.model)
    mask = folder.store("masks/front.png", b"a mask")
    camera = {"matrix_world": [[1.0, 0.0, 0.0, 0.0]] * 4, "lens_mm": 50.0, "sensor_mm": 36.0}
    camera |= {"shift_x": 0.0, "shift_y": 0.0, "clip_start": 0.1, "clip_end": 9.0}
    angle = {"name": "front", "azimuth": 0.0, "elevation": 15.0, "camera": camera, "fill": 0.9}
    with folder.change() as record:
        record["model"] = {**folder.entry(folder.model), "standing_matrix": [[1.0, 0.0, 0.0, 0.0]] * 4}
        record["angles"] = [
            {**angle, "mask": mask["path"], "depth": folder.store("depth/front.png", b"depth")}
        ]
    list_variants(folder, plan.variants)
    return folder, plan


def test_a_variant_gets_camera_masks_and_passes_of_the_first(tmp_path: Path):
    folder, plan = first_set(tmp_path, **chosen(tmp_path, "all"))
    own, own_plan = prepared_variant(folder, plan, plan.variants[1])
    assert own.root == plan.out / "variants/Blue"
    assert (own_plan.variant, own_plan.video, own_plan.spin, own_plan.variants) == ("Blue", None, None, ())
    own_plan.check()
    assert plan_from(own, None).title == "mug, Blue"
    own.model.parent.mkdir()
    painted_mug().write(own.model)
    with own.change() as record:
        record["model"] = own.entry(own.model)
    share(folder, own, ["front"])
    (entry,) = own.record["angles"]
    assert entry["camera"] == folder.record["angles"][0]["camera"]
    assert entry["shared_mask"] is True
    assert (own.root / entry["mask"]).read_bytes() == b"a mask"
    assert own.has(entry["depth"])
    painted_mug(doubleSided=True, names=("Red",)).write(own.model)
    share(folder, own, ["front"])
    (entry,) = own.record["angles"]
    assert not {"shared_mask", "mask", "depth", "fill"} & entry.keys()


def test_what_variants_have_is_in_the_manifest_of_the_first(tmp_path: Path):
    folder, plan = first_set(tmp_path, **chosen(tmp_path, "all"))
    assert variant_states(folder.record) == ["waiting", "waiting"]
    own, _plan = prepared_variant(folder, plan, plan.variants[1])
    with own.change() as record:
        record["angles"] = [{"name": "front", "render": {"path": "renders/front.png", "samples": 8}}]
    record_variant(folder, plan.variants[1], own, SetState.DONE)
    record_variant(folder, plan.variants[2], None, SetState.FAILED, error="It cannot be read.")
    assert variant_states(folder.record) == ["done", "failed"]
    reopened = SetFolder.open(folder.root)
    picture = {"name": "front", "kind": "render", "path": "variants/Blue/renders/front.png"}
    assert reopened.record["variants"][1]["angles"] == [picture]
    assert [one.folder for one in variants_in(reopened)][:2] == [folder.root, folder.root / "variants/Blue"]
    list_variants(folder, ())
    assert "variants" not in folder.record


def test_a_manifest_cannot_lead_out_of_the_folder(tmp_path: Path):
    folder, _plan = first_set(tmp_path, **chosen(tmp_path, "all"))
    record = json.loads(folder.manifest.read_text())
    record["variants"][1]["folder"] = "../other"
    folder.manifest.write_text(json.dumps(record))
    assert "which is not the path of a file inside the folder" in refusal(lambda: SetFolder.open(folder.root))


def test_a_link_in_place_of_a_variant_is_not_followed(tmp_path: Path):
    folder, plan = first_set(tmp_path, **chosen(tmp_path, "all"))
    (tmp_path / "elsewhere").mkdir()
    (folder.root / "variants").mkdir()
    (folder.root / "variants/Blue").symlink_to(tmp_path / "elsewhere")
    refusal(lambda: prepared_variant(folder, plan, plan.variants[1]))
    assert list((tmp_path / "elsewhere").iterdir()) == []


# --- the page and the export --------------------------------------------------------------------


def test_the_page_has_a_row_for_each_variant(tmp_path: Path):
    angles = [{"name": name, "photo": {"path": f"photos/{name}.png"}} for name in ("front", "side")]
    folder = Variant(name=HOSTILE).folder
    pictures = [{"name": "front", "kind": "photo", "path": f"{folder}/photos/front.png"}]
    hostile = {"name": HOSTILE, "folder": folder, "colors": {HOSTILE: "#FFFFFF"}, "angles": pictures}
    record = {"product": "mug", "angles": angles, "variants": [{"name": "Red", "folder": ""}, hostile]}
    page = build_report(record)
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "alt='Red, front'" in page and "alt='Red, side'" in page
    matrix = page[page.index("class='wide variants'") :].split("</table>")[0]
    assert matrix.count("<tr>") == 3 and matrix.count("<th scope='col'>") == 2
    assert matrix.count("class='empty'") == 1, "one picture is not made yet"
    assert "not complete" in matrix
    alone = build_report({"product": "mug", "angles": angles})
    assert "wide variants" not in alone and "All variants" not in alone
    assert "href='../../index.html'" in build_report({"product": "mug", "plan": {"title": "mug, Blue"}})


def test_an_export_names_variants(tmp_path: Path):
    first = make_set(tmp_path / "set", product="mug")
    make_set(tmp_path / "set/variants/Blue", product="mug, Blue")
    with first.change() as record:
        record["variants"] = [
            {"name": "Red", "folder": ""},
            {"name": "Blue", "folder": "variants/Blue", "state": "done"},
        ]
    assert [(one.sku, one.variant) for one in sources_in(first.root)] == [
        ("mug", "Red"),
        ("mug-Blue", "Blue"),
    ]
    code, text = export(first.root, "--channel", "amazon-main")
    assert code == 0, text
    target = first.root / "export/amazon-main"
    assert sorted(path.name for path in target.glob("*.jpg")) == ["mug-Blue.MAIN.jpg", "mug.MAIN.jpg"]
    listed = (target / "files.csv").read_text(encoding="utf-8")
    assert "mug-Blue" in listed and '"mug, Blue, three quarter view"' in listed
    assert '"mug, Red, three quarter view"' in listed
    code, text = export(first.root, "--channel", "amazon-main", "--name", "{sku}_{variant}_{angle}.jpg")
    assert code == 0, text
    names = sorted(path.name for path in target.glob("*.jpg"))
    assert names == ["mug_Blue_three-quarter.jpg", "mug_Red_three-quarter.jpg"]


def test_a_catalogue_freezes_the_variants_of_its_rows(tmp_path: Path):
    desk = Desk(tmp_path / "shop")
    painted_mug().write(desk.folder / "mug.glb")
    row = {"source": "mug.glb", "angles": "front"}
    good = {**row, "sku": "all", "variants": "all", "colors": "Handle=#fff as Snow; handle=#000"}
    bad = (
        {**row, "sku": "a", "variants": "Red,Pink"},
        {**row, "sku": "b", "colors": "Lid=#fff"},
        {**row, "sku": "c", "colors": "Handle=white"},
        {**row, "sku": "d", "variant": "Red", "variants": "all"},
        {"sku": "e", "text": "a mug", "colors": "Handle=#fff"},
    )
    desk.table(good, *bad)
    run = desk.make("--engine", "cycles", "--video", "none", "--freeze", "--skip-bad-rows")
    assert run.exit_code in (0, 2), run.events
    lock = read_lock(desk.out)
    plan = planning.Catalogue(root=desk.out, lock=lock, service=None).plan(lock.rows[0])
    assert [one.name for one in plan.variants] == ["Red", "Blue", "Green", "Snow", "Handle 000000"], run.error
    assert [row.row.errors for row in lock.rows[1:]] == [
        ("variants: mug.glb has no variant 'Pink'. It has 'Red', 'Blue', 'Green'",),
        ("colors: mug.glb has no material 'Lid'. It has 'Paint 1', 'Handle'",),
        ("colors 'Handle=white' gives Handle 'white', which is not a color such as #A01020",),
        ("it has both variant and variants: name all of them under variants",),
        (
            "colors: The materials of a 3D model that is not made yet are not known. Make the set first. Then run the "
            "same command again with the colors: the model is not paid again",
        ),
    ]
    desk.table(row | {"sku": "all", "variants": "Blue,Red"})
    desk.make("--engine", "cycles", "--video", "none", "--freeze")
    assert read_lock(desk.out).rows[0].digest != lock.rows[0].digest
