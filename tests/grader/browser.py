"""A headless Chromium that tests talk to: pages are opened, typed into, and asked what they reached for.

Why separate: Chromium's own protocol, one JSON object after another over two pipes, needs no package; every test that
looks at a page shares it. The browser is a child of the test and ends with it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.grader import box
from tests.grader.pace import patience

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# A box bounds the address space, of which Chromium reserves terabytes at its start.
CHROMIUM = None if box.inside() else next(filter(None, map(shutil.which, _NAMES)), None)

# Puts the two pipes where Chromium expects them: before the new process runs, Python may need these very descriptors.
_PLACE = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """`with Browser(profile) as browser:`; what a profile keeps, the next browser with it finds."""

    def __init__(self, profile: Path) -> None:
        self._profile = profile
        self.asked: list[str] = []  # every address that a page wanted
        self.said: list[str] = []  # every dialog that one opened
        self._buffer = b""
        self._number = 0

    def __enter__(self) -> Browser:
        ours, theirs = os.pipe(), os.pipe()  # what it reads, what it writes
        command = [str(CHROMIUM), "--headless=new", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
                   f"--user-data-dir={self._profile}"]  # fmt: skip
        command += ["--no-sandbox"] if os.getuid() == 0 else []

        placed = [sys.executable, "-c", _PLACE, str(ours[0]), str(theirs[1]), *command]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(placed, pass_fds=(ours[0], theirs[1]), stdout=quiet, stderr=quiet)
        os.close(ours[0])
        os.close(theirs[1])
        self._write, self._read = ours[1], theirs[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._send("Browser.close", "")
            self._process.wait(patience(10))  # so that what pages keep is on the disk
        except (subprocess.TimeoutExpired, OSError):
            self._process.kill()
            self._process.wait()
        os.close(self._write)
        os.close(self._read)

    def open(self, page: Path) -> None:
        """Opens a file and waits until it is whole."""
        target = self._call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self._session = self._call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self._call(f"{domain}.enable", session=self._session)
        self._call("Page.navigate", {"url": page.as_uri()}, session=self._session)
        deadline = time.monotonic() + patience(20)
        while self.value("document.readyState + location.href") != "complete" + page.as_uri():
            assert time.monotonic() < deadline, "the page does not come"
            time.sleep(0.05)

    def scheme(self, name: str, width: int = 1200) -> None:
        """Shows the page "light" or "dark", so many pixels wide."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self._call("Emulation.setEmulatedMedia", {"features": [feature]}, self._session)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", size, self._session)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is on the page."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        answer = self._call("Runtime.evaluate", asked, session=self._session)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def type(self, selector: str, text: str) -> None:
        """Types into a field as a person does."""
        self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", {"text": text}, session=self._session)

    def press(self, key: str, code: int) -> None:
        """Presses one key, by its name and its virtual code: ("Tab", 9), ("ArrowDown", 40)."""
        for kind in ("keyDown", "keyUp"):
            pressed = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
            self._call("Input.dispatchKeyEvent", pressed, self._session)

    def wheel(self, selector: str, down: int) -> None:
        """Turns the mouse's wheel over an element, by so many pixels."""
        place = f"(box => [box.left + 9, box.top + 9])(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        x, y = self.value(place)
        for turned in ({"type": "mouseMoved"}, {"type": "mouseWheel", "deltaX": 0, "deltaY": down}):
            self._call("Input.dispatchMouseEvent", {"x": x, "y": y, **turned}, self._session)
        self.value("new Promise(done => setTimeout(done, 300))")

    def on_paper(self, scheme: str) -> None:
        """Shows the page as it is printed on A4, by someone whose system is "light" or "dark"."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self._call("Emulation.setEmulatedMedia", {"media": "print", "features": [feature]}, self._session)
        size = {"width": 718, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", size, self._session)

    def _send(self, method: str, session: str, parameters: dict[str, Any] | None = None) -> int:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters or {}}
        os.write(self._write, json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        return self._number

    def _call(self, method: str, parameters: dict[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        number = self._send(method, session, parameters)
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            if message.get("method") == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            if message.get("method") == "Page.javascriptDialogOpening":
                self.said.append(message["params"]["message"])
                self._send("Page.handleJavaScriptDialog", session, {"accept": True})

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            data = os.read(self._read, 1 << 20)
            assert data, "the browser ended"
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message
