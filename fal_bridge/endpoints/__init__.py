# SPDX-License-Identifier: GPL-3.0-or-later
"""What each endpoint accepts, returns and costs."""
