# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures without Blender: numpy and Pillow."""
