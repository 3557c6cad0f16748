# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.words``: brings the catalogs in ``window/translations/`` up to date with the code.

New texts get an empty translation, texts that are gone are removed. A test checks that this was done, and that nothing
is left empty. ``--new LANGUAGE`` begins another catalog.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from typing import Any

from command_line.bootstrap import load_package

load_package()

import bpy  # noqa: E402

import photoreal_set  # noqa: E402
from photoreal_set.background_run import run_rows, run_view  # noqa: E402
from photoreal_set.background_run.setting_words import LABELS  # noqa: E402
from photoreal_set.fal_bridge.endpoints.menu import CHOICES  # noqa: E402
from photoreal_set.fal_bridge.jobs import JobState  # noqa: E402
from photoreal_set.panels import jobs  # noqa: E402
from photoreal_set.photo_set.set_json_values import PictureState, SetState  # noqa: E402
from photoreal_set.window import looks, translations  # noqa: E402
from tools.imports import folder_of, package_sources  # noqa: E402

# Folders whose constants are searched. In the others, only what is passed to ``translated``.
SHOWN = {"window", "operators", "panels"}
TRANSLATING = {"iface_", "tip_", "rpt_", "translated"}
SHOWING = {"text", "heading", "placeholder", "title", "message", "confirm_text", "reason"}  # Arguments.
TABLES = {"window/translations/__init__.py", "window/manual.py"}  # Their texts name something in the code.
# Constants that look like words, but are not shown or stay as they are: names of data-blocks and of products.
NAMES = {
    "Photoreal", "Photoreal Set", "Photoreal Studio", "Photoreal Product", "Photoreal Sheets", "Photoreal Copy", "Photoreal Parents",
    "Photoreal Prompt", "Photoreal Asset", "AI generated", "Alpha", "Image", "Scene", "Cycles", "fal.ai", "CUDA", "OptiX", "HIP", "Metal", "oneAPI", "CPU", "Operator", "Presets",
    "name=value; name=value", "resolution=1080P", "does not exist", "eBay", "Etsy", "Shopify", "Google Merchant Center", "Class",
}  # fmt: skip
LOOKS_LIKE_WORDS = re.compile(r"^[A-Z][a-z]+$|[A-Za-z…,:.)}] +[A-Za-z({]")
HEADER = """\
# Texts of Photoreal Set in Blender's window. SPDX-License-Identifier: GPL-3.0-or-later
# Brought up to date by: python -m tools.words
msgid ""
msgstr ""
"Project-Id-Version: Photoreal Set\\n"
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""

Key = tuple[str, str]  # Context, "" for none, and English text.
Found = dict[Key, set[str]]  # With the places where it is used.


def collected() -> Found:
    """Every text that the window shows. Registers and unregisters the extension."""
    found: Found = {}
    photoreal_set.register()
    try:
        for key, place in [*_of_classes(), *_of_tables(), *_of_code()]:
            found.setdefault(key, set()).add(place)
        # What constants add are texts of ours outside of classes.
        named = {text for _context, text in found}
        for text, place in _of_constants():
            if text not in named or _key(text) in found:
                found.setdefault(_key(text), set()).add(place)
    finally:
        photoreal_set.unregister()
    return found


def _of_classes() -> Iterator[tuple[Key, str]]:
    """Labels, tooltips and properties of the classes that Blender knows."""
    for cls in photoreal_set.classes():
        kind: Any = cls
        context = getattr(kind, "bl_translation_context", "")
        for name, its_context in (("bl_label", context), ("bl_description", "")):
            if text := getattr(kind, name, ""):
                yield (_own(its_context), text), cls.__name__
        if not hasattr(kind, "bl_rna"):
            continue
        # Ours come after those of base classes.
        known = {item.identifier: item for item in _properties_of(kind) if not item.is_hidden}
        for item in known.values():
            is_ours = item.identifier in _defined_by(cls) and not item.identifier.startswith("bl_")
            if is_ours and item.name != item.identifier:
                yield from _of_property(item, f"{cls.__name__}.{item.identifier}")


def _properties_of(kind: Any) -> Any:
    """The properties of a class; those of an operator are of what Blender makes of it."""
    if not issubclass(kind, bpy.types.Operator):
        return kind.bl_rna.properties
    return getattr(bpy.ops.photoreal, kind.bl_idname.removeprefix("photoreal.")).get_rna_type().properties


def _defined_by(cls: type) -> set[str]:
    """The properties that our code gives to a class, without those of Blender's base classes."""
    ours = [one for one in cls.__mro__ if one.__module__.startswith("photoreal_set")]
    return {name for one in ours for name in getattr(one, "__annotations__", ())}


def _of_property(item: Any, place: str) -> Iterator[tuple[Key, str]]:
    context = _own(item.translation_context)
    texts = [(context, item.name), ("", item.description)]
    for choice in getattr(item, "enum_items", ()):
        texts += [(context, choice.name), ("", choice.description)]
    for key in texts:
        if key[1]:
            yield key, place


def _own(context: str) -> str:
    """A context of ours; "" for those that Blender has by default."""
    return "" if context in translations.CONTEXTS else context


def _key(text: str) -> Key:
    """Of a text that ``window/words.py`` looks up."""
    return translations.context_of(text), str(text)


def _of_tables() -> Iterator[tuple[Key, str]]:
    """Texts of tables that are translated when they are drawn."""
    states = {state for pair in run_view.PICTURES.values() for state in pair}
    states |= {*run_rows.JOB_TEXTS.values(), *run_rows.ADDITIONS.values(), *run_rows.SHARES, *run_rows.BUSY}
    states |= {"starting", "working", "stopping", "stopped", "not started", *jobs.SHORT.values()}
    states |= {
        *PictureState,
        *(run_view.OUTCOMES.get(state, state) for state in SetState),
        *(run_rows.JOB_TEXTS.get(state, state) for state in JobState),
        *run_view.OUTCOMES.values(),
        *run_view.OTHER_ROWS,
    }
    things = {*run_view.THINGS.values(), *(f"{{name}}{suffix}" for suffix in run_view.SUFFIXES)}
    for text in (*states, *things, *LABELS.values()):
        yield _key(text), "background_run"
    for choice in CHOICES:
        for text in (choice.line, choice.price_template):
            if text != "{price}":
                yield _key(text), "fal_bridge/endpoints/menu.py"
    for name in looks.names():
        yield _key(name), "window/presets"


def _of_code() -> Iterator[tuple[Key, str]]:
    for path, text in package_sources().items():
        tree = ast.parse(text)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            is_activity = _name_of(call.func) in ("say", "doing") and "activity" in ast.unparse(call.func)
            if call.args and (is_activity or _name_of(call.func) in TRANSLATING):
                for literal in _literals(call.args[0]):
                    yield _key(literal), path
            if folder_of(path) in SHOWN or _name_of(call.func) == "Working":
                for keyword in call.keywords:
                    if keyword.arg in SHOWING:
                        yield from ((_key(literal), path) for literal in _literals(keyword.value))


def _of_constants() -> Iterator[tuple[str, str]]:
    for path, text in package_sources().items():
        if folder_of(path) in SHOWN and path not in TABLES:
            for literal in constants(ast.parse(text)):
                if LOOKS_LIKE_WORDS.search(literal) and "\\" not in literal:
                    yield literal, path


def _name_of(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")


def _literals(node: ast.expr) -> Iterator[str]:
    """The texts that an argument can be, where the code says so."""
    match node:
        case ast.Constant(value=str(text)) if text:
            yield text
        case ast.IfExp():
            yield from _literals(node.body)
            yield from _literals(node.orelse)


def constants(tree: ast.Module) -> Iterator[str]:
    """Text constants of a module, without docstrings, annotations and parts of f-strings."""
    left_out: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts = [node.value]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            arguments = (*node.args.args, *node.args.kwonlyargs)
            parts = [node.returns, *(one.annotation for one in arguments)]
        elif isinstance(node, ast.JoinedStr):
            parts = [one for one in node.values if isinstance(one, ast.Constant)]
        left_out |= {id(inner) for part in parts if part for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.value


def wanted() -> Found:
    """What the catalogs have to contain."""
    return {key: places for key, places in collected().items() if key[1] not in NAMES}


def written(language: str, found: Found, known: dict[Key, str]) -> str:
    """A PO file with these texts and what is ``known`` of their translations."""
    parts = [HEADER.format(language=language)]
    for key in sorted(found, key=lambda key: (key[1].lower(), key)):
        context, text = key
        lines = [f"#: {place}" for place in sorted(found[key])]
        lines += [f"msgctxt {_quoted(context)}"] if context else []
        lines += [f"msgid {_quoted(text)}", f"msgstr {_quoted(known.get(key, ''))}"]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def main(arguments: list[str]) -> int:
    """0 when every text has a translation in every language."""
    parser = argparse.ArgumentParser(prog="python -m tools.words", description=__doc__)
    parser.add_argument("--new", default="", metavar="LANGUAGE", help="begin a catalog, for example fr")
    options = parser.parse_args(arguments)
    found, empty = wanted(), 0
    for language in sorted({*translations.languages(), *filter(None, [options.new])}):
        path = translations.FOLDER / f"{language}.po"
        known = translations.read(path.read_text("utf-8")) if path.exists() else {}
        path.write_text(written(language, found, known), encoding="utf-8")
        lacking = sum(not known.get(key) for key in found)
        print(f"{path.name}: {len(found)} texts, {lacking} without a translation")
        empty += lacking
    return 1 if empty else 0


if __name__ == "__main__":
    bpy.ops.wm.read_factory_settings(use_empty=True)
    sys.exit(main(sys.argv[1:]))
