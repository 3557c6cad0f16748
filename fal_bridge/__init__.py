# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge to fal.ai: paid jobs, sent once, followed to their last byte. Plain Python, no ``bpy``."""
