# SPDX-License-Identifier: GPL-3.0-or-later
"""Loads the repository root as the package ``photoreal_set``, as Blender does."""

from tools.bootstrap import load_package

load_package()
