# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m tools.lock``: write the hashed lock files from the ``.in`` files, with uv.

They name no package index: the configured one is used.
"""

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PYTHONS = ("3.11", "3.13")


# Named by fal-client, and imported only by its realtime sockets, which nothing here uses.
NOT_CARRIED = ("msgpack", "websockets")


def lock(python: str, inputs: list[str], output: str, *further: str) -> None:
    """Resolve ``inputs`` for one Python, on every platform; ``further`` are extra uv options."""
    options = [
        "--universal",
        "--generate-hashes",
        "--no-emit-index-url",
        "--no-annotate",
        "--no-header",
        "-q",
    ]
    subprocess.run(
        ["uv", "pip", "compile", *options, *further, "--python-version", python, *inputs, "-o", output],
        cwd=REQUIREMENTS,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def main() -> int:
    for python in PYTHONS:
        tag = "py" + python.replace(".", "")
        lock(python, [f"bpy-{tag}.in"], f"run-{tag}.txt")
        lock(python, [f"bpy-{tag}.in", "dev.in"], f"dev-{tag}.txt")
    # Of the oldest Python: newer ones need fewer packages, and an extra wheel does no harm.
    left_out = [part for name in NOT_CARRIED for part in ("--no-emit-package", name)]
    lock(PYTHONS[0], ["wheels.in"], "wheels.txt", *left_out)
    lock(PYTHONS[0], ["bpy-5.0.in"], "bpy-5.0.txt", "--no-deps")  # Beside everything of dev-py311.txt.
    return 0


if __name__ == "__main__":
    sys.exit(main())
