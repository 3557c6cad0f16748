# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands, one a file: ``add`` makes its parser, ``run`` does it and gives the exit code."""
