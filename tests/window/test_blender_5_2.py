# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of ``walk`` in Debian's Blender 5.2. Each Blender has a file, so that both can run at the same time."""

from tests.window.walk import *  # noqa: F403

BLENDER = "sid"
