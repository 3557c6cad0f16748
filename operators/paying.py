# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that may cost money: they ask with the sum, unless the button that was pressed shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import bpy
from bpy.props import StringProperty
from bpy.types import Context, Event, Operator

from ..background_run.set_view import SetView
from ..messages.money import dollars
from ..messages.translation import as_written
from ..window import preferences, runs
from ..window.blender_types import Result, scene_of, with_properties
from ..window.words import iface_, rpt_
from .common import confirm, refuse

AT_MOST, NO_LIMIT = "at most {price}, the ceiling per run", "without a ceiling"
ABOUT = "about {price}, {limit}"


@dataclass(frozen=True, slots=True)
class Sum:
    """What something costs, in words: as it is agreed to, in English everywhere, and as it is shown. Both are "" when free."""

    agreed: str
    shown: str


FREE = Sum("", "")


def at_most(context: Context, about: float | None = None) -> Sum:
    """What a run may cost whose price is not known before: an estimate, and the ceiling of the preferences."""
    ceiling = preferences.ceiling(preferences.get(context), "max_cost")
    return Sum(_limit(ceiling, about, as_written), _limit(ceiling, about, iface_))


def _limit(ceiling: float, about: float | None, translate: Callable[[str], str]) -> str:
    limit = translate(AT_MOST).format(price=dollars(ceiling)) if ceiling > 0.0 else translate(NO_LIMIT)
    return translate(ABOUT).format(price=dollars(about), limit=limit) if about else limit


@with_properties
class PayingOperator(Operator):
    """Subclasses say what it costs in ``sum_of`` and do their work in ``pay``.

    ``price`` is the sum that was agreed to, in English in every language. A button that shows the sum sets it, and so does a script; everything else is
    asked first: menus, the search, shortcuts and scripts without it.
    """

    price: Annotated[
        str,
        StringProperty(
            name="Price",
            description="The sum that was agreed to, in English; without it, the operator asks",
            options={"HIDDEN", "SKIP_SAVE"},
        ),
    ]

    def sum_of(self, context: Context) -> Sum:
        """What it costs now."""
        raise NotImplementedError

    def message_of(self, amount: str) -> str:
        """The question, with the sum as it is shown."""
        raise NotImplementedError

    def pay(self, context: Context) -> Result:
        """What the operator does once the sum was agreed to."""
        raise NotImplementedError

    def invoke(self, context: Context, event: Event) -> Result:
        amount = self.sum_of(context)
        if amount == FREE or self.price == amount.agreed:
            return self.pay(context)
        message = self.agreed_message(context)
        return confirm(self, context, event, title=self.bl_label, message=message, confirm_text=self.bl_label)

    def agreed_message(self, context: Context) -> str:
        """The question. Who confirms it agrees to the present sum."""
        amount = self.sum_of(context)
        self.price = amount.agreed
        return self.message_of(amount.shown)

    def execute(self, context: Context) -> Result:
        amount = self.sum_of(context)
        if amount == FREE or self.price == amount.agreed:
            return self.pay(context)
        if bpy.app.background or context.window is None:
            agree = rpt_("To agree, call it with {argument}", argument=f"price={amount.agreed!r}")
            return refuse(self, f"{self.message_of(amount.shown)} {agree}")
        same: Any = self  # The stubs give its keywords no type, and do not know our operators.
        ours: Any = bpy.ops
        name = type(self).bl_idname.removeprefix("photoreal.")
        getattr(ours.photoreal, name)("INVOKE_DEFAULT", **same.as_keywords(ignore=("price",)))
        return {"CANCELLED"}


class PayingSetOperator(PayingOperator):
    """An operator on the set of the scene that may cost money. Subclasses do their work in ``act``."""

    def sum_of(self, context: Context) -> Sum:
        found = runs.set_of(scene_of(context))
        return at_most(context, self.estimate(found)) if found and found.pays else FREE

    def estimate(self, found: SetView) -> float | None:
        """About what it costs, in US dollars; None where that is not known."""
        return None

    def pay(self, context: Context) -> Result:
        found = runs.set_of(scene_of(context))
        return self.act(context, found) if found else {"CANCELLED"}

    def act(self, context: Context, found: SetView) -> Result:
        """What the operator does with the set as it was last read."""
        raise NotImplementedError
