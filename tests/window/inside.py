# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a root folder: a screen, and commands on it. JSON lines in, JSON lines out.

``{"run": [...]}`` waits for a command, ``{"start": [...], "log": FILE}`` leaves it running. Every line is
answered by ``{"exit": N, "out": TEXT}``. Ends with its input. Standard library only.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

SCREEN = "1600x1000x24"
START_SECONDS = 20.0


def start_screen() -> subprocess.Popen:
    """An X server on a separate display; its number is stored in DISPLAY."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp"]
    server = subprocess.Popen(
        command, pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    os.environ["DISPLAY"] = f":{number}"
    return server


def answer_with(**answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    screen = start_screen()
    started = []
    answer_with(exit=0, out=os.environ["DISPLAY"])
    try:
        for line in sys.stdin:
            request = json.loads(line)
            if "run" in request:
                done = subprocess.run(request["run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                answer = {"exit": done.returncode, "out": done.stdout.decode(errors="replace")}
            elif "start" in request:
                with Path(request["log"]).open("ab") as log:
                    started.append(
                        subprocess.Popen(request["start"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                    )
                answer = {"exit": 0, "out": str(len(started) - 1)}
            else:
                child = started[request["wait"]]
                try:
                    code = child.wait(request["seconds"])
                except subprocess.TimeoutExpired:
                    child.kill()
                    code = None
                answer = {"exit": code, "out": ""}
            answer_with(**answer)
    finally:
        for child in started:
            if child.poll() is None:
                child.kill()
        screen.terminate()
        time.sleep(0.1)


if __name__ == "__main__":
    main()
