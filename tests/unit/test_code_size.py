# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and functions of the product are short enough to read in one go."""

import ast
from collections.abc import Iterator

from tools.imports import package_sources

MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 40
# What is longer, with its lines. Shorten it and take it off the list; nothing is added.
LONG: dict[str, int] = {
    "background_run/button_command.py:_options": 42,
    "catalogue/freezing.py:freeze": 58,
    "catalogue/run.py": 438,
    "command_line/arguments.py:add_pictures": 83,
    "command_line/arguments.py:add_studio": 70,
    "command_line/bootstrap.py": 492,
    "command_line/sets.py:make_set": 45,
    "fal_bridge/decisions.py:decide": 45,
    "fal_bridge/endpoints/published.py:endpoint": 43,
    "fal_bridge/endpoints/registry.py": 564,
    "fal_bridge/engine.py:__init__": 48,
    "operators/build_studio.py:show_studio": 46,
    "photo_set/cloud_stage.py": 579,
    "photo_set/cloud_stage.py:_send_photo": 44,
    "photo_set/folder.py:prepare": 59,
    "photo_set/pipeline.py:run_set": 48,
    "photo_set/plan.py": 416,
    "studio/materials.py:_set_film": 49,
    "studio/product.py:import_product": 53,
    "studio/render.py": 437,
    "studio/stage.py": 468,
    "studio/stage.py:_film": 41,
    "studio/stage.py:_render_reference": 42,
    "studio/surface.py:measuring_material": 42,
    "studio/triage.py": 456,
    "studio/triage.py:_surface": 46,
    "studio/triage.py:_winding": 41,
    "studio/triage.py:find_broken_vertices": 48,
    "window/pump.py": 504,
    "window/pump.py:_start": 43,
    "window/scene_settings.py:settings_of": 52,
}


def long_parts() -> Iterator[tuple[str, int]]:
    for path, text in package_sources().items():
        if (lines := len(text.splitlines())) > MAX_FILE_LINES:
            yield path, lines
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    yield f"{path}:{node.name}", lines


def test_nothing_is_longer_than_it_was():
    longer = {name: lines for name, lines in long_parts() if lines > LONG.get(name, 0)}
    assert longer == {}


def test_the_list_of_what_is_long_has_nothing_that_is_short():
    assert LONG.keys() - dict(long_parts()).keys() == set()
