# SPDX-License-Identifier: GPL-3.0-or-later
"""The session of an artist in Debian's Blender 4.3."""

from tests.window.artist_session import *  # noqa: F403

RECIPE = "trixie"  # Of ``tools.real_blender``.
