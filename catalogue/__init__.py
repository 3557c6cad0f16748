# SPDX-License-Identifier: GPL-3.0-or-later
"""Many products from one file: rows are checked, frozen, made and reported. Needs no Blender."""
