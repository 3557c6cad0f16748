# SPDX-License-Identifier: GPL-3.0-or-later
"""Photoreal Set: photographs of one product from several angles that show the same product.

Nothing is imported here, so the bpy-free packages load in a plain Python.
"""


def register() -> None:
    from . import registration

    registration.register()


def unregister() -> None:
    from . import registration

    registration.unregister()
