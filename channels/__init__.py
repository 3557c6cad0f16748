# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for shops and marketplaces: their rules, checks of files against them, and the export."""
