# SPDX-License-Identifier: GPL-3.0-or-later
"""``spin.html``: a product that visitors turn by drag, touch or keyboard. One file, without a network.

It works from disk, on a web server, and in an iframe on another site. Its policy lets only its own script, its own
style and the pictures inside it load.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from html import escape

TURN_PER_WIDTH = 1.0  # Turns while the pointer crosses the whole picture.

_STYLE = """
:root { color-scheme: light dark; }
html, body { height: 100%; margin: 0; }
body { align-items: center; display: flex; justify-content: center; overflow: hidden; }
canvas { cursor: grab; height: 100vmin; outline: none; touch-action: pan-y pinch-zoom; user-select: none; width: 100vmin; }
canvas:active { cursor: grabbing; }
canvas:focus-visible { outline: 3px solid #2a7de1; outline-offset: -3px; }
"""

_SCRIPT = """
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('frames').textContent);
  const canvas = document.getElementById('spin');
  const context = canvas.getContext('2d');
  const count = data.frames.length;
  const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  const pictures = data.frames.map((source) => {
    const picture = new Image();
    picture.decoding = 'async';
    picture.src = source;
    return picture;
  });
  let place = 0;  // In frames, not a whole number while the product turns.
  let speed = 0;  // In frames per millisecond.
  let shown = -1;
  let grip = null;  // Where the pointer that turns the product was last, and when.

  const frame = () => ((Math.round(place) % count) + count) % count;

  function show() {
    const index = frame();
    if (index === shown || !pictures[index].complete || !pictures[index].naturalWidth) return;
    shown = index;
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(pictures[index], 0, 0, canvas.width, canvas.height);
    canvas.setAttribute('aria-valuenow', String(index + 1));
    canvas.setAttribute('aria-valuetext', data.azimuths[index] + '\\u00b0');
  }

  pictures.forEach((picture, index) => {
    picture.addEventListener('load', () => { if (index === frame()) show(); });
  });

  let last = 0;
  function glide(now) {
    if (grip || Math.abs(speed) < 0.002) { speed = 0; return; }
    const passed = Math.min(now - last, 50);
    last = now;
    place += speed * passed;
    speed *= Math.exp(-passed / 320);
    show();
    requestAnimationFrame(glide);
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || grip) return;
    grip = { id: event.pointerId, x: event.clientX, time: event.timeStamp };
    speed = 0;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!grip || event.pointerId !== grip.id) return;
    const step = (event.clientX - grip.x) / canvas.clientWidth * count * data.turnsPerWidth * data.sign;
    const passed = Math.max(1, event.timeStamp - grip.time);
    speed = 0.7 * (step / passed) + 0.3 * speed;
    place += step;
    grip.x = event.clientX;
    grip.time = event.timeStamp;
    show();
  });
  function release(event) {
    if (!grip || event.pointerId !== grip.id) return;
    const isResting = event.timeStamp - grip.time > 80;
    grip = null;
    if (isCalm || isResting || event.type === 'pointercancel') { speed = 0; return; }
    last = performance.now();
    requestAnimationFrame(glide);
  }
  canvas.addEventListener('pointerup', release);
  canvas.addEventListener('pointercancel', release);

  const quarter = Math.round(count / 4);
  const steps = { ArrowRight: data.sign, ArrowUp: data.sign, ArrowLeft: -data.sign, ArrowDown: -data.sign,
    PageUp: quarter * data.sign, PageDown: -quarter * data.sign };
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in steps) place = frame() + steps[event.key];
    else if (event.key === 'Home') place = 0;
    else if (event.key === 'End') place = count - 1;
    else return;
    event.preventDefault();
    speed = 0;
    show();
  });
  show();
})();
"""


def build_spin_page(
    title: str, frames: Sequence[bytes], azimuths: Sequence[float], *, side: int, is_clockwise: bool
) -> str:
    """The page for square WebP ``frames`` in their order, which are shown with ``side`` pixels at most.

    ``azimuths`` are in degrees. ``is_clockwise``: how the product turns from frame to frame, seen from above; to the
    visitor it always follows the pointer. ``title`` is plain text.
    """
    data = {
        "frames": [f"data:image/webp;base64,{base64.b64encode(frame).decode()}" for frame in frames],
        "azimuths": [round(azimuth, 2) for azimuth in azimuths],
        "sign": -1 if is_clockwise else 1,
        "turnsPerWidth": TURN_PER_WIDTH,
    }
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src '{_hash(_SCRIPT)}'; style-src '{_hash(_STYLE)}'"
    )
    name = escape(title, quote=True)
    return (
        "<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>{name}</title>\n<style>{_STYLE}</style>\n<body>\n"
        f"<canvas id='spin' width='{side}' height='{side}' tabindex='0' role='slider' "
        f"aria-label='{name}: drag, or use the arrow keys, to turn it' aria-valuemin='1' "
        f"aria-valuemax='{len(frames)}' aria-valuenow='1'></canvas>\n"
        f"<script type='application/json' id='frames'>{json.dumps(data)}</script>\n"
        f"<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _hash(text: str) -> str:
    """The source of an inline script or style in a policy (CSP level 3, 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
