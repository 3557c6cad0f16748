# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen in a root folder with a real Blender on it, worked by mouse and keys."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 300.0
ANSWER_SECONDS = 180.0
DRAG_STEPS = 15


class Desktop:
    """One screen and at most one Blender at a time. ``folder`` is /desk inside."""

    def __init__(
        self,
        root: Path,
        folder: Path,
        *,
        name: str = "desktop",
        binds: tuple[str, ...] = (),
        **environment: str,
    ) -> None:
        self.folder = folder
        self.name = name  # The prefix of picture names.
        folder.mkdir(parents=True, exist_ok=True)
        variables = {
            "PHOTOREAL_DESK": "/desk/orders",
            "HOME": "/desk/home",
            "TMPDIR": "/desk/tmp",
            "LIBGL_ALWAYS_SOFTWARE": "1",
            **environment,
        }
        for place in ("home", "tmp"):
            (folder / place).mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tools.real_blender", "run", str(root), "--bind", f"{folder}:/desk"]
        for bind in binds:
            command += ["--bind", bind]
        for name, value in variables.items():
            command += ["--env", f"{name}={value}"]
        command += ["--", "python3", "/project/tests/window/inside.py"]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_use_normal_priority,
        )
        self._orders = 0
        self._blender = ""
        self.display = self._answer()["out"]

    # --- the screen ---------------------------------------------------------------------------------

    def run(self, *command: object) -> str:
        """Run a command in the root and return its output; raises when it fails."""
        answer = self._ask(run=[str(part) for part in command])
        if answer["exit"]:
            raise RuntimeError(f"{command[0]} ended with {answer['exit']}: {answer['out']}")
        return str(answer["out"])

    def picture(self, name: str, crop: tuple[int, int, int, int] | None = None) -> Path:
        """The screen as ``pictures/NAME.png``; ``crop`` is x, y, width, height from the top left."""
        (self.folder / "pictures").mkdir(exist_ok=True)
        place = f"/desk/pictures/{self.name}-{name}.png"
        options = []
        if crop:
            x, y, width, height = crop
            options = ["-crop", f"{width}x{height}+{x}+{y}", "+repage"]
        self.run("import", "-window", "root", *options, place)
        return self.folder / "pictures" / f"{self.name}-{name}.png"

    def move(self, x: int, y: int) -> None:
        self.run("xdotool", "mousemove", x, y)

    def click(self, x: int, y: int, button: int = 1) -> None:
        # Two moves: Blender needs movement to find the element under the mouse.
        self.run("xdotool", "mousemove", x - 3, y - 1, "mousemove", x, y, "sleep", "0.1", "click", button)

    def scroll(self, x: int, y: int, steps: int) -> None:
        """Turn the wheel over a place; down is positive."""
        self.run("xdotool", "mousemove", x, y, "click", "--repeat", abs(steps), 5 if steps > 0 else 4)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press the left button at one place, move, and let go at another."""
        way = ["mousemove", start[0] - 3, start[1], "sleep", "0.2", "mousemove", *start, "sleep", "0.2"]
        way += ["mousedown", 1, "sleep", "0.2"]
        for step in range(1, DRAG_STEPS + 1):
            part = step / DRAG_STEPS
            place = [round(one + (other - one) * part) for one, other in zip(start, end, strict=True)]
            way += ["mousemove", *place, "sleep", "0.05"]
        self.run("xdotool", *way, "sleep", "0.3", "mouseup", 1, "sleep", "0.5")

    def key(self, *names: str) -> None:
        self.run("xdotool", "key", *names)

    @contextlib.contextmanager
    def running(self, *command: str) -> Iterator[None]:
        """While entered, a command runs in the root."""
        number = int(self._ask(start=command, log="/desk/beside.log")["out"])
        try:
            yield
        finally:
            self._ask(wait=number, seconds=0.0)

    # --- the sidebar --------------------------------------------------------------------------------

    def sidebar(self) -> tuple[int, int, int, int]:
        """Where the 3D viewport's sidebar is: left, top, width, height on the screen."""
        found = self.python(
            """
window = bpy.context.window_manager.windows[0]
for area in window.screen.areas:
    if area.type == 'VIEW_3D':
        for region in area.regions:
            if region.type == 'UI':
                answer = [region.x, window.height - region.y - region.height, region.width, region.height]
"""
        )
        left, top, width, height = found
        return left, top, width, height

    def show_tab(self, category: str) -> None:
        """Open the sidebar as N does, and choose a tab."""
        sides = """
regions = [r for a in bpy.context.window_manager.windows[0].screen.areas if a.type == 'VIEW_3D' for r in a.regions]
sidebar = next(r for r in regions if r.type == 'UI')
"""
        self.python(
            """
for area in bpy.context.window_manager.windows[0].screen.areas:
    if area.type == 'VIEW_3D':
        area.spaces.active.show_region_ui = True
"""
        )

        def is_shown() -> bool:
            # A tab can be chosen as soon as the sidebar was drawn.
            code = f"sidebar.active_panel_category = {category!r}"
            try:
                self.python(f"{sides}\n{code}\nsidebar.tag_redraw()")
                return bool(self.python(f"{sides}\nanswer = sidebar.active_panel_category == {category!r}"))
            except RuntimeError:
                return False

        wait_for(is_shown, f"the tab {category}")
        self.settle()

    def settle(self) -> None:
        """Wait until Blender has redrawn: two turns of its loop."""
        for _turn in range(2):
            self.python(
                "for w in bpy.context.window_manager.windows:\n  for a in w.screen.areas: a.tag_redraw()"
            )
        time.sleep(0.3)  # Until the X server has drawn everything.

    def find_button(self, operator: str) -> tuple[int, int]:
        """Where in the sidebar the button of an operator is: with the mouse over it, Ctrl-C copies its call."""
        left, top, width, height = self.sidebar()
        x = left + width // 3
        for y in range(top + 20, top + height - 10, 12):
            self.python("bpy.context.window_manager.clipboard = ''")
            # From the side: a button is highlighted when the mouse enters it.
            way = ("mousemove", x - 5, y - 3, "sleep", "0.05", "mousemove", x, y, "sleep", "0.15")
            self.run("xdotool", *way, "key", "ctrl+c", "sleep", "0.15")
            if f"bpy.ops.{operator}(" in self.python("answer = bpy.context.window_manager.clipboard"):
                return x, y
        raise AssertionError(f"no button of {operator} in the sidebar")

    def press(self, operator: str) -> None:
        """Press the button of an operator in the sidebar with the mouse."""
        self.click(*self.find_button(operator))

    # --- Blender ------------------------------------------------------------------------------------

    def start_blender(self, *arguments: str) -> str:
        """Start Blender and wait until it responds; its version."""
        orders = self.folder / "orders"
        orders.mkdir(exist_ok=True)
        for old in orders.iterdir():
            old.unlink()
        self._orders = 0
        command = ["blender", "--window-geometry", "0", "0", "1600", "1000", *arguments]
        command += ["--python", "/project/tests/window/agent.py"]
        self._blender = str(self._ask(start=command, log="/desk/blender.log")["out"])
        wait_for(lambda: (orders / "ready").exists(), "Blender with a window", START_SECONDS)
        self.python("pass")
        return (orders / "ready").read_text()

    def python(self, code: str, seconds: float = ANSWER_SECONDS) -> Any:
        """Run ``code`` on Blender's main thread; what it assigned to ``answer``."""
        orders = self.folder / "orders"
        number = self._orders
        self._orders += 1
        part = orders / f"{number}.tmp"
        part.write_text(code, encoding="utf-8")
        part.rename(orders / f"{number}.py")
        result = orders / f"{number}.json"
        wait_for(result.exists, f"the answer to {code[:60]!r}", seconds)
        said = json.loads(result.read_text(encoding="utf-8"))
        if "error" in said:
            raise RuntimeError(said["error"])
        return said["answer"]

    def quit_blender(self) -> int | None:
        """Quit Blender; its exit code."""
        self.python("bpy.app.timers.register(lambda: bpy.ops.wm.quit_blender() and None, first_interval=0.1)")
        return self._ask(wait=int(self._blender), seconds=120.0)["exit"]

    def log(self) -> str:
        return (self.folder / "blender.log").read_text(errors="replace")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(20.0)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The root folder's screen ended.")
        return dict(json.loads(line))


def _use_normal_priority() -> None:
    """The test command runs at a low priority, but an artist's window does not."""
    os.setpriority(os.PRIO_PROCESS, 0, 0)


def wait_for(condition: Callable[[], Any], what: str, seconds: float = ANSWER_SECONDS) -> Any:
    """The value of ``condition`` once it is true; raises TimeoutError with ``what`` after ``seconds``."""
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)
    return found
