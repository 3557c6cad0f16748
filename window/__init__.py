# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Blender with a window keeps: settings, runs, placing."""
