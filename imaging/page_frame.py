# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of an HTML page that opens from disk, without scripts and without a network."""

from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --bad: #c0392b; --good: #1e8449; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: %dpx; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
p.lead { margin: .25rem 0 0; opacity: .75; }
table { border-collapse: collapse; } td { vertical-align: top; overflow-wrap: anywhere; }
.error { color: var(--bad); opacity: 1 !important; overflow-wrap: anywhere; }
"""


def html_page(title: str, body: str, style: str, *, max_width: int, reload_seconds: int | None = None) -> str:
    """A whole page around ``body``, which is HTML. ``title`` is plain text; ``max_width`` is in CSS pixels.

    ``style`` is CSS that follows the rules that all pages share. With ``reload_seconds`` a browser loads the page again
    after that time.
    """
    reload = f"<meta http-equiv='refresh' content='{reload_seconds}'>\n" if reload_seconds else ""
    return (
        "<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"{reload}"
        f"<title>{escape(title)}</title>\n<style>{_STYLE % max_width}{style}</style>\n<body>\n{body}\n</body>\n</html>\n"
    )
