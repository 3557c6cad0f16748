# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits on the size and the time of everything that is fetched over the network.

``…TIMEOUT`` limits the silence between two pieces of data; ``WHOLE_…_SECONDS`` limits the total time, including
repetitions where noted. The paid request has a separate limit, ``Pace.submit``, because giving up on it makes a job
uncertain.
"""

import httpx

# Answers: JSON of the queue, of the platform API, of request lists, of uploads, and OpenAPI documents.
MAX_ANSWER_BYTES = 16 << 20
WHOLE_ANSWER_SECONDS = 60.0  # Of one answer; the caller limits repetitions.
ANSWER_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
QUESTION_TIMEOUT = httpx.Timeout(15.0, connect=5.0)  # Of the platform API, while a user waits.

# Uploads.
WHOLE_UPLOAD_SECONDS = 900.0

# Results.
MAX_FILE_BYTES = 2 << 30
WHOLE_FILE_SECONDS = 3600.0  # All tries of one run together. What has arrived is kept for the next run.
DOWNLOAD_TIMEOUT = httpx.Timeout(60.0, connect=15.0)
HEADERS_SECONDS = 60.0  # Until a response begins.
SLOW_SECONDS = 30.0
MIN_BYTES = 30 << 10  # In ``SLOW_SECONDS``; a slower connection is closed and the file requested again.
FRUITLESS_TRIES = 6  # In a row; a try that fetches bytes resets the count.
MAX_REDIRECTS = 5

# Source photos that are given as a URL.
MAX_PHOTO_BYTES = 64 << 20
WHOLE_PHOTO_SECONDS = 300.0
PHOTO_TIMEOUT = httpx.Timeout(30.0)
