# SPDX-License-Identifier: GPL-3.0-or-later
"""The background Blender as the window sees it: its command, its process, and what is known of runs and sets."""
