# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands, one per file: ``add`` adds its parser, ``run`` runs it and gives the exit code."""
