# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of an HTML page that opens from disk and has no access to a network.

Styles and scripts are part of the page. Its content security policy names their hashes, so that a browser runs nothing
else, whatever a name or a prompt contains.
"""

import base64
import functools
import hashlib
from html import escape
from pathlib import Path

_FILES = Path(__file__).with_name("page_files")


def html_page(
    title: str,
    body: str,
    *,
    styles: tuple[str, ...],
    scripts: tuple[str, ...],
    max_width: int,
    reload_seconds: int | None = None,
) -> str:
    """A whole page around ``body``, which is HTML. ``title`` is plain text; ``max_width`` is in CSS pixels.

    ``styles`` and ``scripts`` are names in ``page_files``. With ``reload_seconds`` a browser loads the page again after
    that time; the script waits while the reader is writing.
    """
    style = _joined(("page.css", *styles)) + f"body {{ max-width: {max_width}px; }}\n"
    script = _joined(scripts)
    policy = (
        f"default-src 'none'; img-src 'self' file: data:; media-src 'self' file:; frame-src 'self' file:; style-src '{_hash(style)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    reload = (
        f"<noscript><meta http-equiv='refresh' content='{reload_seconds}'></noscript>\n"
        if reload_seconds
        else ""
    )
    seconds = f" data-reload='{reload_seconds}'" if reload_seconds else ""
    return (
        "<!doctype html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        "<meta name='referrer' content='no-referrer'>\n<link rel='icon' href='data:,'>\n"
        f"{reload}<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        f"<body{seconds}>\n<main>\n{body}\n</main>\n<script>{script}</script>\n</body>\n</html>\n"
    )


@functools.cache
def _joined(names: tuple[str, ...]) -> str:
    return "".join((_FILES / name).read_text(encoding="utf-8") for name in names)


@functools.cache
def _hash(text: str) -> str:
    """As a content security policy names it (W3C CSP level 3, hash-source)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
