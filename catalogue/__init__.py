# SPDX-License-Identifier: GPL-3.0-or-later
"""Many products from one file: read and checked, frozen, made one after the other, summed up. Needs no Blender."""
