# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens .blend files without reading files that they refer to outside their folder.

Blender reads linked libraries while it loads a file, and fonts, caches, volumes and the files of import nodes when it
evaluates the scene, before ``open_mainfile`` returns. So libraries are checked before the file is opened, and everything
else in a handler that runs between loading and evaluation. Scripts in the file are never run.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import bpy
from bpy.app.handlers import load_post, persistent

from ..files.blend_paths import HINT, blender_path, check_libraries, is_enclosed
from ..files.enclosed import OutsideError, shown
from ..messages.errors import InputError, MachineError
from . import compat
from .blender import reason_of, value_of
from .quiet import quiet_blender

# Data whose files Blender reads only to render or play the .blend file itself, which never happens.
UNREAD = (
    *(bpy.types.Text, bpy.types.Scene, bpy.types.Material, bpy.types.World, bpy.types.Light),
    *(bpy.types.ShaderNodeTree, bpy.types.CompositorNodeTree),
)
UNEXPORTED = (bpy.types.Sound, bpy.types.MovieClip)  # A GLB cannot contain them.
# Object types that are not rendered.
UNRENDERED = {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER", "EMPTY", "LATTICE"}
TILE_MARKS = ("<UDIM>", "<UVTILE>")


def open_blend(path: Path, external_data: Iterable[Path] = ()) -> None:
    """Open a .blend file in place of the one that is open.

    It may read files in its folder and in the folders ``external_data``, after links are resolved. A picture elsewhere
    is removed if the product does not use it, such as that of a world.

    Only for a background Blender. Raises OutsideError when the product needs an existing file elsewhere, and InputError
    when Blender cannot open the file.
    """
    path = path.absolute()
    allowed = (path.parent, *external_data, Path(_data_files()))
    check_libraries(path, allowed)
    failure = None
    with _before_evaluation(path.name, lambda: _enclose(path, allowed)) as problems:
        try:
            with quiet_blender():
                bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
        except RuntimeError as error:
            failure = error
    if failure is not None:
        raise InputError(
            f"Blender cannot open {path.name}: {reason_of(failure)}.", hint="Export it again."
        ) from failure
    if problems:
        raise problems[0]


def _data_files() -> str:
    """Blender's own folder of fonts, brushes and the like."""
    return str(bpy.utils.system_resource("DATAFILES"))  # type: ignore[attr-defined]  # Not in the stubs.


@contextmanager
def _before_evaluation(name: str, work: Callable[[], None]) -> Iterator[list[Exception]]:
    """Run ``work`` whenever a file has been loaded, before its scene is evaluated.

    Yields the list of errors that it raised, which Blender would only print; after an error the scene is emptied, so
    that there is nothing to evaluate. The list contains an error from the beginning, in case ``work`` never runs.
    """
    problems: list[Exception] = [
        MachineError(f"Blender did not let us check the files that {name} refers to.")
    ]

    @persistent  # type: ignore[untyped-decorator]  # Untyped in the stubs.
    def check(*_arguments: object) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  Raised again after loading, where it can be caught.
            problems[:] = [error]
            bpy.data.batch_remove([*bpy.data.objects, *bpy.data.cache_files])
        else:
            problems.clear()

    load_post.insert(0, check)
    try:
        yield problems
    finally:
        load_post.remove(check)


def _enclose(path: Path, allowed: Sequence[Path]) -> None:
    """Remove outside pictures that the product does not use. Raises InputError for other files that may not be read."""
    users = bpy.data.user_map()  # type: ignore[call-arg]  # All arguments are optional, the stubs say otherwise.
    unneeded: list[bpy.types.ID] = []
    for block, text in _files_to_read():
        folder = _folder_of(block, path)
        if not _may_be_there(text, folder):
            continue
        if is_enclosed(text, folder, allowed):
            _require_file(text, folder, path.name)
            continue
        if isinstance(block, UNEXPORTED) or (
            isinstance(block, bpy.types.Image) and not _is_shown(block, users)
        ):
            unneeded.append(block)
            continue
        name = f" ({block.name})" if block else ""
        raise OutsideError(f"{path.name} names {shown(text)}{name}, which is outside its folder.", hint=HINT)
    bpy.data.batch_remove(unneeded)


def _files_to_read() -> Iterator[tuple[bpy.types.ID | None, str]]:
    """Every path that Blender may read for the product, with the data-block that contains it, if known."""
    for block, text in compat.named_files():
        if not isinstance(block, UNREAD):
            yield block, text
    for item in bpy.data.objects:
        yield from ((item, text) for text in _caches_of(item) if text)
    for scene in bpy.data.scenes:
        world = scene.rigidbody_world
        yield from ((scene, text) for text in _external(world.point_cache if world else None))
    for tree in bpy.data.node_groups:
        if isinstance(tree, bpy.types.GeometryNodeTree):
            yield from ((tree, text) for text in _imports_of(tree))


def _caches_of(item: bpy.types.Object) -> Iterator[str]:
    """The simulation caches of an object, which are not in Blender's list of files."""
    for modifier in item.modifiers:
        yield from _external(getattr(modifier, "point_cache", None))
        yield getattr(modifier, "bake_directory", "")
        for bake in getattr(modifier, "bakes", ()):
            if bake.use_custom_path:
                yield bake.directory
    for system in item.particle_systems:
        yield from _external(system.point_cache)


def _external(cache: bpy.types.PointCache | None) -> Iterator[str]:
    if cache is None:
        return
    for one in (cache, *cache.point_caches):
        if one.use_external and one.filepath:
            yield one.filepath


def _imports_of(tree: bpy.types.GeometryNodeTree) -> Iterator[str]:
    """The files that import nodes read, which are not in Blender's list of files before 5.0.

    Raises OutsideError for a path that other nodes compute, because it is unknown before evaluation.
    """
    for node in tree.nodes:
        if not node.bl_idname.startswith("GeometryNodeImport") or node.mute:
            continue
        path = next((socket for socket in node.inputs if socket.type == "STRING"), None)
        if path is None or path.is_linked:
            raise OutsideError(
                f"The node {node.name} of {tree.name} reads a file whose path is computed, so it could be anywhere.",
                hint="Enter the path in the node, or apply the modifier.",
            )
        if text := str(value_of(path)):
            yield text


def _folder_of(block: bpy.types.ID | None, path: Path) -> Path:
    """The folder that ``//`` means in the paths of a data-block."""
    library = block.library if block else None
    found = blender_path(library.filepath, path.parent) if library else path
    return found.parent if found else path.parent


def _may_be_there(text: str, folder: Path) -> bool:
    """Could Blender find a file there? Paths on other machines are not checked; they count as existing."""
    found = blender_path(text, folder)
    if found is None:
        return True
    try:
        if any(mark in found.name for mark in TILE_MARKS):
            return found.parent.exists()
        return found.exists() or found.is_symlink()
    except (OSError, ValueError):
        return False


def _require_file(text: str, folder: Path, owner: str) -> None:
    """Raises InputError for a device or a pipe, which would block Blender."""
    found = blender_path(text, folder)
    if found is not None and found.exists() and not (found.is_file() or found.is_dir()):
        raise InputError(f"{owner} names {shown(text)}, which is not a regular file.", hint=HINT)


def _is_shown(block: bpy.types.ID, users: dict[bpy.types.ID, set[bpy.types.ID]]) -> bool:
    """Is a data-block used, directly or indirectly, by an object that is rendered?"""
    waiting, seen = [block], {block}
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if isinstance(user, bpy.types.Object):
                if user.type not in UNRENDERED:
                    return True
            elif user not in seen and not isinstance(user, bpy.types.Scene):
                seen.add(user)
                waiting.append(user)
    return False
