# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way over the network to fal.ai."""
