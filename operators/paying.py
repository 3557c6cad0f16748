# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that may cost money: they ask with the sum, unless the button that was pressed shows it."""

from typing import Annotated, Any

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..background_run.set_view import SetView
from ..messages.money import dollars
from ..window import preferences, runs
from ..window.blender_types import Result, scene_of, with_properties
from .common import confirm, refuse


def at_most(context: Context, about: float | None = None) -> str:
    """What a run may cost whose price is not known before: an estimate, and the ceiling of the preferences."""
    ceiling = preferences.ceiling(preferences.get(context), "max_cost")
    limit = f"at most {dollars(ceiling)}, the ceiling per run" if ceiling > 0.0 else "without a ceiling"
    return f"about {dollars(about)}, {limit}" if about else limit


@with_properties
class PayingOperator(Operator):
    """Subclasses say what it costs in ``sum_of`` and do their work in ``pay``.

    ``price`` is the sum that was agreed to. A button that shows the sum sets it, and so does a script; everything else is
    asked first: menus, the search, shortcuts and scripts without it.
    """

    price: Annotated[
        str,
        StringProperty(
            name="Price",
            description="The sum that was agreed to, in the words of the question; without it, the operator asks",
            options={"HIDDEN", "SKIP_SAVE"},
        ),
    ]

    def sum_of(self, context: Context) -> str:
        """What it costs now, in words; "" when it is free."""
        raise NotImplementedError

    def message_of(self, amount: str) -> str:
        """The question, with the sum."""
        raise NotImplementedError

    def pay(self, context: Context) -> Result:
        """What the operator does once the sum was agreed to."""
        raise NotImplementedError

    def invoke(self, context: Context, event: Event) -> Result:
        amount = self.sum_of(context)
        if not amount or self.price == amount:
            return self.pay(context)
        self.price = amount
        message = self.message_of(amount)
        return confirm(self, context, event, title=self.bl_label, message=message, confirm_text=self.bl_label)

    def execute(self, context: Context) -> Result:
        amount = self.sum_of(context)
        if not amount or self.price == amount:
            return self.pay(context)
        if bpy.app.background or context.window is None:
            return refuse(self, f"{self.message_of(amount)} To agree, call it with price={amount!r}")
        same: Any = self  # The stubs give its keywords no type, and do not know our operators.
        ours: Any = bpy.ops
        name = type(self).bl_idname.removeprefix("photoreal.")
        getattr(ours.photoreal, name)("INVOKE_DEFAULT", **same.as_keywords(ignore=("price",)))
        return {"CANCELLED"}


class PayingSetOperator(PayingOperator):
    """An operator on the set of the scene that may cost money. Subclasses do their work in ``act``."""

    def sum_of(self, context: Context) -> str:
        found = runs.set_of(scene_of(context))
        return at_most(context, self.estimate(found)) if found and found.pays else ""

    def estimate(self, found: SetView) -> float | None:
        """About what it costs, in US dollars; None where that is not known."""
        return None

    def pay(self, context: Context) -> Result:
        found = runs.set_of(scene_of(context))
        return self.act(context, found) if found else {"CANCELLED"}

    def act(self, context: Context, found: SetView) -> Result:
        """What the operator does with the set as it was last read."""
        raise NotImplementedError
