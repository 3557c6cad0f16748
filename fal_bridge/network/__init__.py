# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that goes over the network to and from fal.ai."""
