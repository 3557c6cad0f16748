# SPDX-License-Identifier: GPL-3.0-or-later
"""Every button and every setting leads to a page of the manual that exists."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import bpy
import pytest

import photoreal_set
from photoreal_set.window import manual
from tools.manual import DOCS, anchor_of, write_pages

TARGETS = dict(manual.targets())


def shown_things() -> set[str]:
    """Blender's name of each operator and each property that can be seen, in lower case."""
    found = set()
    for cls in photoreal_set.classes():
        if issubclass(cls, bpy.types.Operator):
            found.add(f"bpy.ops.{cls.bl_idname}")
        elif issubclass(cls, (bpy.types.PropertyGroup, bpy.types.AddonPreferences)):
            ours = [one for one in cls.__mro__ if one.__module__.startswith("photoreal_set")]
            names = {name for one in ours for name in getattr(one, "__annotations__", ())}
            found |= {f"bpy.types.{cls.__name__}.{name}".lower() for name in names}
    return found


def test_every_operator_and_property_has_a_page():
    assert shown_things() == set(TARGETS)


@pytest.mark.parametrize("target", sorted(set(TARGETS.values())))
def test_the_page_has_the_heading(target: str):
    page, _mark, heading = target.partition("#")
    text = (DOCS / f"{page}.md").read_text("utf-8")
    headings = {anchor_of(one) for one in re.findall(r"^#+ (.*)$", text, re.M)}
    assert not heading or heading in headings


def test_properties_with_a_page_of_their_own_exist():
    names = {name.rpartition(".")[2] for name in TARGETS}
    assert {name for listed in manual.PROPERTIES.values() for name in listed.split()} <= names


def test_blender_finds_the_page(extension):
    from bl_operators.wm import WM_OT_doc_view_manual, _wm_doc_get_id

    for name, target in (
        ("photoreal.generate_set", "user-guide#the-first-set-free"),
        ("PHOTOREAL_OT_place_photos.as_new", "user-guide#gallery"),
        ("PhotorealSettings.rig", "studio#light"),
        ("PhotorealAngle.fill", "user-guide#angles"),
    ):
        known = _wm_doc_get_id(name, do_url=False)
        address = WM_OT_doc_view_manual._lookup_rna_url(known, verbose=False)
        assert address == manual.address(target), name
        assert Path(unquote(urlsplit(address).path)).is_file()


def test_the_pages_in_the_zip_lead_to_each_other(tmp_path: Path):
    folder = tmp_path / "manual"
    write_pages(folder)
    pages = {path.name: path.read_text("utf-8") for path in folder.glob("*.html")}
    assert len(pages) == len(list(DOCS.glob("*.md"))) + 1
    for name, text in pages.items():
        for page, heading in re.findall(r'href="([^"#:]*)(?:#([^"]*))?"', text):
            assert (page or name) in pages, f"{name}: {page}"
            assert not heading or f'id="{heading}"' in pages[page or name], f"{name}: {page}#{heading}"
        for picture in re.findall(r'src="([^"]*)"', text):
            assert (folder / picture).is_file(), picture
    for target in TARGETS.values():
        page, _mark, heading = target.partition("#")
        assert not heading or f'id="{heading}"' in pages[f"{page}.html"]
