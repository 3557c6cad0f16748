# SPDX-License-Identifier: GPL-3.0-or-later
"""A server on loopback that speaks fal.ai's wire protocol, so the product runs without fal.

It shares no code with the product: what both understand is the wire. Run it with
``python -m tests.fal_emulator --port N`` or, in a test, with ``process.running_emulator``.

Below its base URL: ``/queue/…`` (queue), ``/run/…`` (direct calls), ``/rest/…`` (tokens, upload addresses),
``/cdn/…`` (files), ``/v1/…`` (platform API), ``/openapi?endpoint_id=…`` (endpoint schemas). Its own:

- ``GET /ledger``: one object for each accepted submit, in order.
- ``GET /stats``: requests and answers by route, and the keys seen, as short SHA-256 marks.
- ``GET /control``: settings, faults with how often each was met and applied, and the emulator's time.
- ``POST /control``: a JSON object as described in ``CONTROL_HELP``; answers like the GET.
"""

CONTROL_HELP = """\
Control message (POST /control, or --control; every member is optional):
  reset: true               forget jobs, files, faults and counts; settings and clock as at the start
  delays: {KIND: SECONDS}   queue, model, photo, video, image, upscale, other
  faults: [{"name": NAME, "endpoint": GLOB, "rate": 0..1, "nth": [1, 3], "count": N, "at": POINT, ...}]
                            replaces all faults; nth counts the requests that match, count limits the hits
  random_seed: N            begins the dice of rate anew
  concurrency: N or null    jobs that run at once over the whole account
  queue_ahead: N            strangers' jobs before ours while the queue delay passes
  log_window: N             log lines in one status answer
  advance: SECONDS          move the emulator's clock on: tokens, files and results expire
  result_lifetime, file_lifetime (or null), token_lifetime: SECONDS
  request_list_delay: SECONDS   until an accepted job is in the request list
  list_unstarted: BOOL      whether the request lists show jobs that still wait
  list_running: BOOL        whether they show jobs that have not ended
  prices: {ID: {"unit_price": N, "unit": TEXT} or null}   other prices; null: no price known
  unknown_price: "not_found" or "left_out"   what pricing does with an unknown id among others
  withdrawn: [ID], deprecated: [ID]   endpoints that are gone, or listed as deprecated
  output_host: "HOST:PORT"  host of output file addresses, when it shall differ from the request's
"""
