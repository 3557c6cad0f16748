# SPDX-License-Identifier: GPL-3.0-or-later
"""How much may come over the network, and for how long. Nothing that is fetched is without such a limit.

Times of silence are those between two pieces of data; whole times hold for everything from the first byte sent,
repeats included where it says so. The paid request has its own time, ``Pace.submit``, because giving up on it makes
a job uncertain.
"""

import httpx

# Answers: JSON of the queue, the platform API, the request list, OpenAPI documents, and what uploads are told.
MAX_ANSWER_BYTES = 16 << 20
WHOLE_ANSWER_SECONDS = 60.0  # One answer; repeats are limited by the patience of the caller.
ANSWER_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
QUESTION_TIMEOUT = httpx.Timeout(15.0, connect=5.0)  # Of the platform API, for which a person waits.

# Uploads.
WHOLE_UPLOAD_SECONDS = 900.0

# Results.
MAX_FILE_BYTES = 2 << 30
WHOLE_FILE_SECONDS = 3600.0  # All tries of a run together. What came until then is kept for the next run.
DOWNLOAD_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
HEADERS_SECONDS = 60.0  # Until an answer begins with its body.
SLOW_SECONDS = 30.0
MIN_BYTES = 30 << 10  # In ``SLOW_SECONDS``: a connection with less is given up, and the file asked for again.
FRUITLESS_TRIES = 6  # In a row; a try that brings bytes starts the count again.
MAX_REDIRECTS = 5

# Source photos that have an address of their own.
MAX_PHOTO_BYTES = 64 << 20
WHOLE_PHOTO_SECONDS = 300.0
PHOTO_TIMEOUT = httpx.Timeout(30.0)
