# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and functions of the product are short enough to read in one go."""

import ast
from collections.abc import Iterator

from tools.imports import package_sources

MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 40
# Longer code, with its number of lines. Shorten it and remove it from the list; do not add to it.
LONG: dict[str, int] = {}


def long_parts() -> Iterator[tuple[str, int]]:
    for path, text in package_sources().items():
        if (lines := len(text.splitlines())) > MAX_FILE_LINES:
            yield path, lines
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    yield f"{path}:{node.name}", lines


def test_files_and_functions_stay_within_their_limits():
    longer = {name: lines for name, lines in long_parts() if lines > LONG.get(name, 0)}
    assert longer == {}


def test_the_list_of_exceptions_contains_only_long_code():
    assert LONG.keys() - dict(long_parts()).keys() == set()
