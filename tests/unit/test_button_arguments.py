# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar's settings become a valid command line."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from command_line.bootstrap import load_package

load_package()

from photoreal_set.background_run import button_arguments  # noqa: E402  The package has to be loaded first.
from photoreal_set.background_run.button_arguments import Settings, Source, View, free_folder, price_key  # noqa: E402
from photoreal_set.command_line.commands import catalogue, estimate  # noqa: E402
from photoreal_set.command_line.commands import set as one_set  # noqa: E402
from photoreal_set.imaging.choices import Pass  # noqa: E402
from photoreal_set.optics.angles import ANGLES, chosen_angles  # noqa: E402

USUAL = tuple(
    View(name=angle.name, azimuth=angle.azimuth, elevation=angle.elevation, fill=angle.fill)
    for angle in ANGLES.values()
)
FULL = Settings(
    source=Source.FILE,
    files=("jar.glb",),
    engine="fal",
    video="fal",
    views=USUAL[:2],
    rig="three-point",
    rig_rotation=30.0,
    rig_intensity=1.5,
    width=512,
    height=640,
    samples=8,
    device="cpu",
    background="grey",
    passes=("depth",),
    lens=50.0,
    photo_size=2048,
    fidelity="gate",
    retries=3,
    lock="labels",
    photo_endpoint="fal-ai/flux-pro/kontext",
    video_endpoint="fal-ai/veo3.1",
    look="glass",
    prompt="dawn light",
    seed=7,
    motion="light-sweep",
    seconds=6,
    loop=True,
    expiration="keep",
    private=True,
    max_cost=2.5,
    max_cost_per_day=10.0,
    fal_url="http://127.0.0.1:8123",
)


def test_a_catalogue_gets_the_settings_of_a_set(tmp_path: Path):
    views = (*USUAL[:1], View(name="top", azimuth=0.0, elevation=80.0))
    wanted = replace(FULL, source=Source.OBJECTS, files=(), views=views)
    arguments = button_arguments.catalogue_arguments(wanted, tmp_path / "out", tmp_path / "products.csv")
    parser = argparse.ArgumentParser()
    catalogue.add(parser)
    options = parser.parse_args(arguments[1:])
    assert (options.file, options.out) == (tmp_path / "products.csv", tmp_path / "out")
    assert (options.engine, options.prompt, options.seed, options.max_cost) == ("fal", "dawn light", 7, 2.5)
    assert options.angles == str(tmp_path / "angles.json"), "it stays beside the table, for resume"


def parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(exit_on_error=False)
    commands = parser.add_subparsers()
    for name, command in (("set", one_set), ("estimate", estimate)):
        command.add(commands.add_parser(name))
    return parser.parse_args(arguments)


def set_options(settings: Settings, folder: Path) -> argparse.Namespace:
    return parsed(button_arguments.set_arguments(settings, folder / "out", settings.files, folder))


def test_every_setting_reaches_its_option(tmp_path: Path):
    options = set_options(FULL, tmp_path)
    assert options.source == ["jar.glb"]
    assert (options.engine, options.video) == ("fal", "fal")
    assert options.angles == "front,three-quarter"
    assert (options.rig, options.rig_rotation, options.rig_intensity) == ("three-point", 30.0, 1.5)
    assert tuple(options.resolution) == (512, 640)
    assert (options.samples, options.device, options.background) == (8, "cpu", "grey")
    assert (options.passes, options.lens, options.photo_size) == ((Pass.DEPTH,), 50.0, 2048)
    assert (options.photo_endpoint, options.video_endpoint) == ("fal-ai/flux-pro/kontext", "fal-ai/veo3.1")
    assert (options.fidelity, options.retries, options.lock) == ("gate", 3, "labels")
    assert (options.look, options.prompt, options.seed) == ("glass", "dawn light", 7)
    assert (options.motion, options.seconds, options.loop) == ("light-sweep", 6, True)
    assert (str(options.max_cost), str(options.max_cost_per_day)) == ("2.50", "10.00")
    assert options.expiration is None
    assert options.private
    assert options.json
    assert options.fal_url == "http://127.0.0.1:8123"


def test_fal_options_are_omitted_from_a_free_set(tmp_path: Path):
    arguments = button_arguments.set_arguments(
        replace(FULL, engine="cycles", video="none"), tmp_path / "out", FULL.files, tmp_path
    )
    paid = (
        "--prompt",
        "--seed",
        "--loop",
        "--seconds",
        "--fal-url",
        "--look",
        "--keep-uploads",
        "--photo-size",
        "--fidelity",
        "--retries",
        "--lock",
    )
    for option in paid:
        assert option not in arguments


def test_the_pose_of_a_file_and_what_is_left_out_reach_the_command_line(tmp_path: Path):
    wanted = Settings(files=("a.glb",), pose="1.5", without=("floor", "crumbs"))
    options = set_options(wanted, tmp_path)
    assert (options.pose, options.without) == ("1.5", ("floor", "crumbs"))
    for source in (Source.OBJECTS, Source.PHOTOS, Source.TEXT):
        options = set_options(replace(wanted, source=source), tmp_path)
        assert (options.pose, options.without) == ("rest", ("floor", "crumbs"))


def test_the_variants_of_a_file_reach_the_command_line_and_are_priced_by_the_file(tmp_path: Path):
    wanted = Settings(engine="fal", files=("a.glb",), variant="Red,Blue")
    assert set_options(wanted, tmp_path).variant == "Red,Blue"
    assert parsed(button_arguments.price_arguments(wanted, tmp_path)).variant == "Red,Blue"
    assert set_options(replace(wanted, source=Source.OBJECTS), tmp_path).variant == ""
    assert price_key(wanted) != price_key(replace(wanted, variant="all"))
    assert price_key(wanted) != price_key(replace(wanted, files=("b.glb",))), "another file has others"


def test_the_spin_reaches_the_command_line(tmp_path: Path):
    assert set_options(Settings(spin=24), tmp_path).spin == 24
    assert set_options(Settings(), tmp_path).spin is None


def test_options_of_cycles_reach_the_command_line(tmp_path: Path):
    wanted = Settings(
        video="cycles", motion="light-sweep", quality="draft", background="black", f_stop=2.8, film_look=True
    )
    options = set_options(wanted, tmp_path)
    assert (options.video, options.motion, options.quality) == ("cycles", "light-sweep", "draft")
    assert (options.background, options.f_stop, options.film_look) == ("black", 2.8, True)
    for_fal = button_arguments.set_arguments(replace(wanted, engine="fal"), tmp_path / "out", (), tmp_path)
    assert not {"--f-stop", "--film-look", "--quality"} & set(for_fal)


def test_inputs_of_endpoints_guide_and_mask_reach_the_command_line(tmp_path: Path):
    chosen = replace(
        FULL,
        guide="depth",
        with_mask=True,
        photo_option=("guidance_scale=4", "seed=2"),
        video_option=("resolution=1080P",),
    )
    options = button_arguments.set_arguments(chosen, tmp_path / "out", ["jar.glb"], tmp_path)
    joined = " ".join(options)
    assert "--guide depth" in joined and "--with-mask" in options
    assert "--photo-option guidance_scale=4 --photo-option seed=2" in joined
    assert "--video-option resolution=1080P" in joined
    free = button_arguments.set_arguments(
        replace(chosen, engine="cycles", video="none"), tmp_path / "out", ["jar.glb"], tmp_path
    )
    assert not {"--guide", "--with-mask", "--photo-option", "--video-option"} & set(free)


def test_a_free_set_has_no_ceilings(tmp_path: Path):
    free = replace(FULL, engine="cycles", video="none", max_cost=5.0, max_cost_per_day=20.0)
    commands = [
        button_arguments.set_arguments(free, tmp_path / "out", ["jar.glb"], tmp_path),
        button_arguments.catalogue_arguments(free, tmp_path / "out", tmp_path / "products.csv"),
    ]
    assert not [one for command in commands for one in command if one.startswith("--max-cost")]


def test_text_and_photos_pay_for_a_model_with_every_engine(tmp_path: Path):
    text = Settings(source=Source.TEXT, text="a tea pot", model_endpoint="fal-ai/meshy/v6")
    assert text.uses_fal
    options = set_options(text, tmp_path)
    assert (options.text, options.model_endpoint) == ("a tea pot", "fal-ai/meshy/v6")
    assert options.source == []


def test_an_empty_list_of_angles_means_the_defaults():
    assert Settings().angle_names() == list(ANGLES)


def test_changed_angles_are_passed_as_a_file(tmp_path: Path):
    views = (USUAL[0], View(name="hero", azimuth=30.0, elevation=20.0))
    option = button_arguments.angles_option(Settings(views=views), tmp_path)
    assert option == str(tmp_path / "angles.json")
    assert [angle.name for angle in chosen_angles(option)] == ["front", "hero"]
    entries = json.loads(Path(option).read_text(encoding="utf-8"))
    assert [entry["name"] for entry in entries] == ["front", "hero"]
    assert (entries[1]["azimuth"], entries[1]["elevation"]) == (30.0, 20.0)


def test_a_moved_default_angle_is_a_custom_angle(tmp_path: Path):
    moved = (replace(USUAL[0], azimuth=5.0),)
    assert button_arguments.angles_option(Settings(views=moved), tmp_path).endswith("angles.json")


def test_the_price_is_requested_with_the_same_options(tmp_path: Path):
    options = parsed(button_arguments.price_arguments(FULL, tmp_path))
    assert options.photo_endpoint == "fal-ai/flux-pro/kontext"
    assert options.source == ["jar.glb"]


def test_the_price_of_a_selection_needs_no_copy_of_it(tmp_path: Path):
    options = parsed(
        button_arguments.price_arguments(replace(FULL, source=Source.OBJECTS, files=()), tmp_path)
    )
    assert Path(options.source[0]).is_file()


def test_equal_prices_have_equal_keys():
    assert price_key(FULL) == price_key(replace(FULL, files=("other.glb",)))
    assert price_key(FULL) == price_key(replace(FULL, source=Source.OBJECTS, files=()))
    assert price_key(FULL) != price_key(replace(FULL, seconds=8))
    photos = replace(FULL, source=Source.PHOTOS, files=("front.jpg",))
    assert price_key(photos) != price_key(replace(photos, files=("front.jpg", "side.jpg")))


def test_cameras_come_from_the_file_and_are_priced_by_count(tmp_path: Path):
    cameras = replace(FULL, cameras=())
    assert set_options(cameras, tmp_path).angles == "cameras"
    assert price_key(cameras) != price_key(replace(cameras, files=("other.glb",)))
    selection = replace(FULL, source=Source.OBJECTS, files=(), cameras=("Shot 1", "Shot 2"))
    assert set_options(selection, tmp_path).angles == "cameras"
    asked = parsed(button_arguments.price_arguments(selection, tmp_path)).angles
    assert "--lens" not in button_arguments.set_arguments(cameras, tmp_path / "out", cameras.files, tmp_path)
    assert [angle.name for angle in chosen_angles(asked)] == selection.angle_names() == ["Shot-1", "Shot-2"]
    assert price_key(selection) != price_key(replace(selection, cameras=("Shot 1",)))


def write_set(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True)
    record = {"source": {"kind": "model", "files": [{"name": name} for name in names]}}
    (folder / "set.json").write_text(json.dumps(record))


def test_a_set_of_the_same_file_is_continued(tmp_path: Path):
    write_set(tmp_path / "jar", "jar.glb")
    assert free_folder(tmp_path / "jar", ["jar.glb"], may_continue=True) == tmp_path / "jar"


def test_existing_sets_are_never_overwritten(tmp_path: Path):
    write_set(tmp_path / "jar", "jar.glb")
    write_set(tmp_path / "jar-2", "other.glb")
    (tmp_path / "jar-3").mkdir()
    (tmp_path / "jar-3" / "holiday.jpg").touch()
    assert free_folder(tmp_path / "jar", ["jar.glb"], may_continue=False) == tmp_path / "jar-4"
    assert free_folder(tmp_path / "jar-2", ["jar.glb"], may_continue=True) == tmp_path / "jar-2-2"
