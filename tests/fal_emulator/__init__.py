# SPDX-License-Identifier: GPL-3.0-or-later
"""A loopback server with fal.ai's HTTP protocol, so that the product can be run and tested without fal.ai.

It shares no code with the product, only the protocol. Run it with
``python -m tests.fal_emulator --port N`` or, in a test, with ``process.running_emulator``.

Below its base URL: ``/queue/…`` (queue), ``/run/…`` (direct calls), ``/rest/…`` (tokens, upload URLs),
``/cdn/…`` (files), ``/v1/…`` (platform API), ``/openapi?endpoint_id=…`` (endpoint schemas). In addition:

- ``GET /ledger``: one object for each accepted submit, in order.
- ``GET /files``: one object for each file: ACL, expiry, and whether anyone can fetch it now.
- ``GET /stats``: requests and responses by route, and the received keys as short SHA-256 hashes.
- ``GET /control``: settings, faults with how often each matched and was applied, and the emulator's time.
- ``POST /control``: a JSON object as described in ``CONTROL_HELP``; responds like the GET.
"""

CONTROL_HELP = """\
Control message (POST /control, or --control; every member is optional):
  reset: true               delete jobs, files, faults and counts; reset settings and clock
  delays: {KIND: SECONDS}   queue, model, photo, video, image, upscale, other
  faults: [{"name": NAME, "endpoint": GLOB, "rate": 0..1, "nth": [1, 3], "count": N, "at": POINT, ...}]
                            replaces all faults; nth counts the requests that match, count limits the hits
  random_seed: N            seeds the random numbers for rate
  concurrency: N or null    maximum number of running jobs of the account
  queue_ahead: N            jobs of other accounts ahead of ours during the queue delay
  log_window: N             log lines in one status response
  advance: SECONDS          advance the emulator's clock, so that tokens, files and results expire
  result_lifetime, file_lifetime (or null), token_lifetime: SECONDS
  request_list_delay: SECONDS   until an accepted job appears in the request list
  list_unstarted: BOOL      whether the request lists contain jobs that are waiting
  list_running: BOOL        whether they contain jobs that have not ended
  prices: {ID: {"unit_price": N, "unit": TEXT} or null}   other prices; null: no known price
  unknown_price: "not_found" or "left_out"   how pricing treats an unknown id among others
  withdrawn: [ID], deprecated: [ID]   endpoints that no longer exist, or are listed as deprecated
  permissions: [NAME]       what every key may do: submit, requests, uploads, assets, billing, payloads
  percent_discount: N, billing_delay: SECONDS   of billing events
  unlisted: [ID]                      endpoints that can be called and have a schema, but are in no list
  output_host: "HOST:PORT"  host in the URLs of output files, if it should differ from the request's
"""
