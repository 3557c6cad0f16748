# SPDX-License-Identifier: GPL-3.0-or-later
"""The 3D file as a document, before Blender reads it."""
