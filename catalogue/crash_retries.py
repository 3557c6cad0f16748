# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the products of a catalogue one after the other, and judges crashes of Blender."""

from ..fal_bridge.errors import StoppedError
from ..messages import events
from ..messages.errors import InputError, MachineError
from .blender_child import BlenderChild, Rendered
from .order import Tools
from .product import Product
from .states import Status

MAX_CRASHES = 5  # Consecutive products that end Blender: then the products are not the cause.


class Rendering:
    """Used by one thread at a time. ``trouble`` is set when Blender itself no longer works."""

    def __init__(self, blender: BlenderChild, tools: Tools) -> None:
        self._blender = blender
        self._tools = tools
        self._crashed: list[tuple[Product, Status]] = []  # Consecutive ones, with their status before.
        self.trouble: MachineError | None = None

    def render(self, product: Product) -> None:
        """Render in the Blender that renders all products; after a crash, once more in a separate one.

        Raises PhotorealError when the product is not rendered.
        """
        before = product.status
        is_alone = bool(before.crashes)
        result = self._rendered(product, is_alone=is_alone)
        if result.crash and not is_alone and not self._tools.stop.is_asked:
            text = f"{product.sku}: {result.crash}. It is rendered once more, in a separate Blender."
            self._tools.reporter.tell(events.Warning(text=text))
            result = self._rendered(product, is_alone=True)
        self._judge(product, before, result)

    def _rendered(self, product: Product, *, is_alone: bool) -> Rendered:
        result = self._blender.render(product.root, product.tell_of_rendering, alone=is_alone)
        if result.crash and not self._tools.stop.is_asked:
            product.note_crash(result.crash)
        return result

    def _judge(self, product: Product, before: Status, result: Rendered) -> None:
        if result.is_stopped or (result.crash and self._tools.stop.is_asked):
            raise StoppedError(f"{product.sku}: stopped.")
        if result.crash:
            self._crashed.append((product, before))
            if len(self._crashed) >= MAX_CRASHES:
                self._blame_blender(result.crash)
            raise MachineError(
                f"Blender cannot render it: {result.crash}.",
                hint="Repair the model, or retry crashed products.",
                field="retry_crashed",
            )
        self._crashed.clear()
        if result.error:
            kind = InputError if result.exit_code == InputError.exit_code else MachineError
            raise kind(result.error)
        product.end_rendering(result.seconds)

    def _blame_blender(self, crash: str) -> None:
        for crashed, status in self._crashed:  # They are not the cause, and are tried again.
            crashed.note(crashes=status.crashes)
        self.trouble = MachineError(
            f"Blender crashed at {MAX_CRASHES} consecutive products, the last time: {crash}.",
            hint="Check the graphics driver, the memory and the device; then resume.",
        )
