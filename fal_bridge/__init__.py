# SPDX-License-Identifier: GPL-3.0-or-later
"""The bridge to fal.ai: paid jobs are sent once and followed until their file is on disk. No ``bpy`` here."""
