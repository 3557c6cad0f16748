# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares photos with their references, and locks photos to them."""
