# SPDX-License-Identifier: GPL-3.0-or-later
"""The session of an artist in Debian's Blender 5.2."""

from tests.window.artist_session import *  # noqa: F403

RECIPE = "sid"  # Of ``tools.real_blender``.
