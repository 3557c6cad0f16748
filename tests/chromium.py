# SPDX-License-Identifier: GPL-3.0-or-later
"""A real headless Chromium, driven over its DevTools protocol through a pipe. Nothing of it uses a network."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 60.0  # Seconds for one answer, on a busy machine.
CODES = {"ArrowRight": 39, "ArrowLeft": 37, "Enter": 13, "Escape": 27, "Tab": 9}


class Chromium:
    """One page in one browser. ``told`` has every console message, log entry and uncaught exception."""

    def __init__(self, profile: Path) -> None:
        assert PROGRAM is not None, "Chromium is not installed; apt-get install chromium"
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # Chromium reads commands from file descriptor 3 and answers on 4.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (commands, answers)]

        def place() -> None:
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
        options += [
            "--disable-background-networking",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        self._process = subprocess.Popen(
            [PROGRAM, *options, "about:blank"],
            pass_fds=(3, 4),
            preexec_fn=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (commands, answers, *high):
            os.close(end)
        self._number, self._rest, self._session = 0, b"", ""
        self.told: list[str] = []
        self.requests: list[str] = []
        self.loads = 0
        targets = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attached = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._next(end)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Until ``condition`` is true; its value."""
        end = time.monotonic() + PATIENCE
        while not (value := condition()):
            assert time.monotonic() < end, "it never happened"
        return value

    def open(self, page: Path) -> None:
        """Open a file and wait until it and its pictures are loaded."""
        before = self.loads
        self.send("Page.navigate", url=page.resolve().as_uri())
        self.wait(lambda: self.send("Runtime.evaluate", expression="0") and self.loads > before)

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are awaited."""
        found = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screen(self, width: int, height: int, *, is_dark: bool = False) -> None:
        """The size of the window in CSS pixels, and the theme."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[theme])

    def key(self, key: str) -> None:
        """Press and release a key."""
        code = CODES.get(key, ord(key.upper()) if len(key) == 1 else 0)
        down: dict[str, Any] = {"key": key, "windowsVirtualKeyCode": code}
        if len(key) == 1:
            down["text"] = key
        self.send("Input.dispatchKeyEvent", type="keyDown", **down)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def write(self, text: str) -> None:
        """Enter text where the focus is."""
        self.send("Input.insertText", text=text)

    def picture(self, path: Path) -> None:
        """A screenshot of the window as PNG."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def printed(self) -> bytes:
        """The page as a PDF."""
        made = self.send("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
        return base64.b64decode(made["data"])

    def _next(self, end: float) -> dict[str, Any]:
        """The next message; events are noted."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "Chromium has ended"
            self._rest += part
        line, self._rest = self._rest.split(b"\0", 1)
        message: dict[str, Any] = json.loads(line)
        facts = message.get("params", {})
        match message.get("method"):
            case "Runtime.consoleAPICalled":
                self.told.append(str([part.get("value") for part in facts["args"]]))
            case "Log.entryAdded":
                self.told.append(facts["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.told.append(str(facts["exceptionDetails"]))
            case "Network.requestWillBeSent":
                self.requests.append(facts["request"]["url"])
            case "Page.loadEventFired":
                self.loads += 1
        return message
