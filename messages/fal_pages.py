# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of fal.ai that people are sent to.

fal.ai documents no address of the page of one request. The dashboard has a list of all requests, which can be searched
for a request id.
"""

KEYS_PAGE = "https://fal.ai/dashboard/keys"
REQUESTS_PAGE = "https://fal.ai/dashboard/requests"
