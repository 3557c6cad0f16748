# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents name files that exist."""

import re
from pathlib import Path

import pytest

from tools.imports import ORDER, ROOT
from tools.manual import anchor_of

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]*))?\)")
CODE_PATH = re.compile(r"`((?:tests|tools|benchmarks|requirements|docs|" + "|".join(ORDER) + r")/[\w./*-]*)`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_exist(document: Path):
    text = document.read_text(encoding="utf-8")
    links = [document.parent / target for target, _anchor in LINK.findall(text)]
    paths = [ROOT / path for path in CODE_PATH.findall(text) if "*" not in path]
    missing = [str(path.relative_to(ROOT)) for path in (*links, *paths) if not path.exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_anchors_are_headings(document: Path):
    for target, anchor in LINK.findall(document.read_text(encoding="utf-8")):
        if anchor:
            headings = re.findall(r"^#+ (.*)$", (document.parent / target).read_text(encoding="utf-8"), re.M)
            assert anchor in {anchor_of(heading) for heading in headings}, f"{target}#{anchor}"
