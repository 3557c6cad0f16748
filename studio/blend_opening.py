# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens .blend files so that nothing they name outside their folder is read.

Blender reads linked libraries while it loads a file, and fonts, caches, volumes and the files of import nodes when it
evaluates the scene, which it does before ``open_mainfile`` returns. So libraries are looked at before the file is
opened, and everything else by a handler that runs between loading and evaluating. Scripts of the file never run.
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
from .product import reason
from .quiet import quiet_blender

# Data whose files Blender reads only to render or play the file itself, which is never done.
UNREAD = (
    *(bpy.types.Text, bpy.types.Scene, bpy.types.Material, bpy.types.World, bpy.types.Light),
    *(bpy.types.ShaderNodeTree, bpy.types.CompositorNodeTree),
)
UNHEARD = (bpy.types.Sound, bpy.types.MovieClip)  # No GLB holds them.
# Objects that no GLB of a product shows.
UNSEEN = {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER", "EMPTY", "LATTICE"}
TILE_MARKS = ("<UDIM>", "<UVTILE>")


def open_blend(path: Path, external_data: Iterable[Path] = ()) -> None:
    """Open a .blend file in place of the one that is open.

    It may read files in its own folder and in those of ``external_data``, with links followed. A picture outside that
    the product does not show (of a world, a camera) is left out.

    Only for a background Blender. Raises OutsideError when the product needs any other file that is there, and
    InputError when Blender cannot open it.
    """
    path = path.absolute()
    allowed = (path.parent, *external_data, Path(bpy.utils.system_resource("DATAFILES")))
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
            f"Blender cannot open {path.name}: {reason(failure)}.", hint="Export it again."
        ) from failure
    if problems:
        raise problems[0]


@contextmanager
def _before_evaluation(name: str, work: Callable[[], None]) -> Iterator[list[Exception]]:
    """While entered: ``work`` runs when a file has been loaded, before its scene is evaluated.

    Gives the errors that it raised, which Blender would only print; after one, nothing is left to evaluate.
    It holds one from the beginning, in case ``work`` never runs.
    """
    problems: list[Exception] = [MachineError(f"Blender did not let us check what {name} names.")]

    @persistent
    def check(*_arguments: object) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  Raised after loading, where somebody can catch it.
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
    """Leave out pictures outside that no product shows. Raises InputError for whatever else may not be read."""
    users = bpy.data.user_map()
    unneeded: list[bpy.types.ID] = []
    for block, text in _files_to_read():
        folder = _folder_of(block, path)
        if not _may_be_there(text, folder):
            continue
        if is_enclosed(text, folder, allowed):
            _require_file(text, folder, path.name)
            continue
        if isinstance(block, UNHEARD) or (isinstance(block, bpy.types.Image) and not _is_shown(block, users)):
            unneeded.append(block)
            continue
        name = f" ({block.name})" if block else ""
        raise OutsideError(
            f"{path.name} names {shown(text)}{name}, which lies outside its folder.", hint=HINT
        )
    bpy.data.batch_remove(unneeded)


def _files_to_read() -> Iterator[tuple[bpy.types.ID | None, str]]:
    """Every path that Blender may read for the product, and the data-block that has it where that is known."""
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
    """The simulation caches of an object, which Blender's own list leaves out."""
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
    """The files that import nodes read, which Blender's own list leaves out before 5.0.

    Raises OutsideError for a path that the nodes compute, because it is known only when it is read.
    """
    for node in tree.nodes:
        if not node.bl_idname.startswith("GeometryNodeImport") or node.mute:
            continue
        path = next((socket for socket in node.inputs if socket.type == "STRING"), None)
        if path is None or path.is_linked:
            raise OutsideError(
                f"The node {node.name} of {tree.name} reads a file whose path is computed, which could lie anywhere.",
                hint="Write the path into the node, or apply the modifier.",
            )
        if path.default_value:
            yield path.default_value


def _folder_of(block: bpy.types.ID | None, path: Path) -> Path:
    """What ``//`` stands for in the paths of a data-block."""
    library = block.library if block else None
    found = blender_path(library.filepath, path.parent) if library else path
    return found.parent if found else path.parent


def _may_be_there(text: str, folder: Path) -> bool:
    """Could Blender find something there? What is on another machine is not looked at."""
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
    """Is a data-block used, also by what uses it, by an object that a GLB can show?"""
    waiting, seen = [block], {block}
    while waiting:
        for user in users.get(waiting.pop(), ()):
            if isinstance(user, bpy.types.Object):
                if user.type not in UNSEEN:
                    return True
            elif user not in seen and not isinstance(user, bpy.types.Scene):
                seen.add(user)
                waiting.append(user)
    return False
