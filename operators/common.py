# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share: the set of the scene, dialogs that ask first, errors that are reported."""

from bpy.types import Context, Event, Operator

from ..background_run.set_view import SetView
from ..window import runs
from ..window.blender_types import Result, manager_of, scene_of


class SetOperator(Operator):
    """An operator on the set of the scene. Subclasses do their work in ``act``."""

    def execute(self, context: Context) -> Result:
        found = runs.set_of(scene_of(context))
        return self.act(context, found) if found else {"CANCELLED"}

    def act(self, context: Context, found: SetView) -> Result:
        """What the operator does with the set as it was last read."""
        raise NotImplementedError


def refuse(operator: Operator, sentence: str) -> Result:
    """Report an error; nothing was changed."""
    operator.report({"ERROR"}, sentence)
    return {"CANCELLED"}


def left_out(found: SetView) -> str:
    """Words about the photos that are held back; "" without any."""
    count = len(found.rejected)
    if not count:
        return ""
    return (
        f". {count} rejected photo{'s were' if count > 1 else ' was'} left out: {', '.join(found.rejected)}"
    )


def video_left_out(found: SetView) -> str:
    """Words about a video that is held back; "" without any."""
    return ". The rejected video was left out" if any(one.is_rejected for one in found.videos) else ""


def choose_files(operator: Operator, context: Context) -> Result:
    """Open the file browser; ``execute`` runs with the choice."""
    manager_of(context).fileselect_add(operator)
    return {"RUNNING_MODAL"}


def confirm(
    operator: Operator, context: Context, event: Event, *, title: str, message: str, confirm_text: str
) -> Result:
    """Ask first; ``execute`` runs when the user confirms."""
    return manager_of(context).invoke_confirm(
        operator, event, title=title, message=message, confirm_text=confirm_text
    )
