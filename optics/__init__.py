# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras and light as numbers."""
