# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a command takes to start: ``python -m benchmarks.startup``. Free, and renders nothing.

Each command runs several times in the Python that runs this; the fastest run counts, because what else the machine does
only adds. ``python -c pass`` is the baseline. ``--modules`` lists the slowest imports of each command.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH = Path(__file__).resolve().parent.parent / "batch.py"
ROUNDS = 5
MODULES = 8
COMMANDS = (["--help"], ["set", "--help"], ["doctor"])


def run(command: list[str]) -> tuple[float, str]:
    """Seconds of the command, and its standard error."""
    with tempfile.TemporaryDirectory() as home:
        began = time.monotonic()
        environment = {**os.environ, "PHOTOREAL_HOME": home}
        done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, check=True)
        return time.monotonic() - began, done.stderr


def slowest_imports(errors: str) -> list[str]:
    """The lines of ``-X importtime`` with the most microseconds of their own."""
    rows = [line.split("|") for line in errors.splitlines() if line.startswith("import time:")]
    own = [(int(row[0].split(":")[1]), row[2].strip()) for row in rows[1:]]
    return [
        f"{microseconds / 1000:8.1f} ms  {name}" for microseconds, name in sorted(own)[: -MODULES - 1 : -1]
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", action="store_true", help="list the slowest imports of each command")
    wants_modules = parser.parse_args().modules
    plain = min(run([sys.executable, "-c", "pass"])[0] for _round in range(ROUNDS))
    print(f"{'python -c pass':<18} {plain:6.3f} s")
    for arguments in COMMANDS:
        command = [str(BATCH), *arguments]
        fastest = min(run([sys.executable, *command])[0] for _round in range(ROUNDS))
        print(f"{' '.join(arguments):<18} {fastest:6.3f} s  {fastest / plain:5.1f} times the baseline")
        if wants_modules:
            print("\n".join(slowest_imports(run([sys.executable, "-X", "importtime", *command])[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
