# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.manual DIR``: the pages of ``docs/`` as HTML, as the extension carries them."""

import argparse
import html
import re
import shutil
import sys
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} – Photoreal Set</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.55 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
img {{ max-width: 100%; }}
pre {{ overflow-x: auto; padding: .8rem; border: 1px solid #8886; border-radius: 6px; }}
table {{ border-collapse: collapse; }}
th, td {{ border: 1px solid #8886; padding: .3rem .6rem; text-align: left; vertical-align: top; }}
:target {{ background: #fc06; }}
</style>
<body>
<p><a href="user-guide.html">User guide</a> · <a href="index.html">All pages</a></p>
{body}
</body>
</html>
"""


def anchor_of(heading: str) -> str:
    """As code hosts make anchors of headings: lower case, spaces to hyphens, punctuation left out."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def page_of(text: str) -> str:
    """A page of Markdown as HTML. Links to other pages lead to their HTML; those to other files become text."""
    reader = MarkdownIt("commonmark").enable("table")
    tokens = reader.parse(text)
    for token, after in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(after.content))
        for part in after.children or []:
            _lead_to_html(part)
    body = reader.renderer.render(tokens, reader.options, {})
    return PAGE.format(title=html.escape(title_of(text)), body=body)


def _lead_to_html(part: Token) -> None:
    if part.type != "link_open":
        return
    page, mark, heading = str(part.attrGet("href")).partition("#")
    if page.startswith(("http://", "https://")) or not page:
        return
    if (DOCS / page).is_file() and page.endswith(".md") and "/" not in page:
        part.attrSet("href", f"{page.removesuffix('.md')}.html{mark}{heading}")
    else:
        del part.attrs["href"]  # A file of the repository.


def title_of(text: str) -> str:
    """The first heading of a page."""
    return text.partition("\n")[0].removeprefix("# ")


def write_pages(folder: Path) -> None:
    """Write all pages, a list of them and their pictures into a new folder."""
    folder.mkdir(parents=True)
    titles = {}
    for source in sorted(DOCS.glob("*.md")):
        text = source.read_text("utf-8")
        titles[source.stem] = title_of(text)
        (folder / f"{source.stem}.html").write_text(page_of(text), encoding="utf-8")
        for name in re.findall(r"\]\(images/([\w.-]+)\)", text):
            (folder / "images").mkdir(exist_ok=True)
            shutil.copyfile(DOCS / "images" / name, folder / "images" / name)
    lines = [f"- [{title}]({name}.md)" for name, title in sorted(titles.items(), key=lambda item: item[1])]
    (folder / "index.html").write_text(page_of("\n".join(["# Manual", "", *lines])), encoding="utf-8")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.manual", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="does not exist yet")
    write_pages(parser.parse_args(arguments).folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
