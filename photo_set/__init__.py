# SPDX-License-Identifier: GPL-3.0-or-later
"""One set: its plan, its folder, and what fal.ai makes of it."""
