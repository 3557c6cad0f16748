# SPDX-License-Identifier: GPL-3.0-or-later
"""Write files safely, lock them, recognize them by their content, and check what comes from outside."""
