# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's API with the types that its stubs leave open.

The stubs (fake-bpy-module) call every member of a context optional, and cannot know properties that an extension
adds. What is certain in a panel, an operator or a timer is stated here, once.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Protocol, TypeVar

from bpy.types import (
    AddonPreferences,
    Context,
    Header,
    Menu,
    Operator,
    Panel,
    Scene,
    UILayout,
    Window,
    WindowManager,
)

from .translations import context_of

Result = set[Literal["RUNNING_MODAL", "CANCELLED", "FINISHED", "PASS_THROUGH", "INTERFACE"]]
"""What ``execute`` and ``invoke`` of an operator return."""

Class = TypeVar("Class", bound=type)
Item_co = TypeVar("Item_co", covariant=True)


class Items(Protocol[Item_co]):
    """What a ``CollectionProperty`` gives; the stubs have no name for it."""

    def __iter__(self) -> Iterator[Item_co]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Item_co: ...
    def add(self) -> Item_co: ...
    def remove(self, index: int) -> None: ...
    def move(self, source: int, target: int) -> None: ...
    def clear(self) -> None: ...


def with_properties(cls: Class) -> Class:
    """Give a class the Blender properties that its annotations carry.

    ``name: Annotated[str, StringProperty(...)]`` is the type ``str`` for type checkers; Blender wants the property
    itself as the annotation when the class is registered. A property with a word that Blender would translate in another
    sense gets the context that ``translations`` has for it.
    """
    for name, annotation in cls.__annotations__.items():
        if carried := getattr(annotation, "__metadata__", ()):
            cls.__annotations__[name] = carried[0]
            words = [carried[0].keywords.get("name", ""), *_item_names(carried[0].keywords)]
            if context := next(filter(None, map(context_of, words)), ""):
                carried[0].keywords["translation_context"] = context
    return cls


def _item_names(keywords: Mapping[str, Any]) -> list[str]:
    return [item[1] for item in keywords.get("items", ())]


def scene_of(context: Context) -> Scene:
    """The scene of a context. An open file always has one."""
    scene = context.scene
    assert scene is not None
    return scene


def manager_of(context: Context) -> WindowManager:
    """The window manager of a context, which also a background Blender has."""
    manager = context.window_manager
    assert manager is not None
    return manager


def window_of(context: Context) -> Window:
    """The window that an operator was started in."""
    window = context.window
    assert window is not None
    return window


def layout_of(drawn: Panel | Menu | Header | Operator | AddonPreferences) -> UILayout:
    """The layout of a panel, header, menu, dialog or preferences page while ``draw`` runs."""
    layout = drawn.layout
    assert layout is not None
    return layout
