# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo studio in Blender: product, rig, cameras, Cycles."""
