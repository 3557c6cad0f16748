# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: written safely, locked, recognized by their content."""
