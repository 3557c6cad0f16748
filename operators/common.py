# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share: the set of the scene, dialogs that ask first, errors that are reported."""

from bpy.types import Context, Event, Operator

from ..background_run.set_view import SetView
from ..window import runs
from ..window.blender_types import Result, manager_of, scene_of
from ..window.words import rpt_


class SetOperator(Operator):
    """An operator on the set of the scene. Subclasses do their work in ``act``."""

    def execute(self, context: Context) -> Result:
        found = runs.set_of(scene_of(context))
        return self.act(context, found) if found else {"CANCELLED"}

    def act(self, context: Context, found: SetView) -> Result:
        """What the operator does with the set as it was last read."""
        raise NotImplementedError


def refuse(operator: Operator, sentence: str) -> Result:
    """Report an error, translated where it is in the catalog; nothing was changed."""
    operator.report({"ERROR"}, rpt_(sentence))
    return {"CANCELLED"}


def left_out(found: SetView) -> str:
    """A sentence about the photos that are held back; "" without any."""
    count, names = len(found.rejected), ", ".join(found.rejected)
    if count > 1:
        return rpt_("{count} rejected photos were left out: {names}", count=count, names=names)
    return rpt_("1 rejected photo was left out: {names}", names=names) if count else ""


def video_left_out(found: SetView) -> str:
    """A sentence about a video that is held back; "" without any."""
    return rpt_("The rejected video was left out") if any(one.is_rejected for one in found.videos) else ""


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
