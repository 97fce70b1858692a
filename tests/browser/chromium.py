"""A headless Chromium, spoken to over its DevTools protocol through a pair of pipes: no driver, no socket."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",  # root may not have one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
BEGIN = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Becomes the browser, which reads commands from descriptor 3 and answers on 4."""

TIMEOUT = 120
"""Seconds; a busy machine is slow, a hanging browser must not hang the tests."""


def executable() -> str | None:
    """The first browser on the PATH."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def started(profile: Path) -> Iterator[Tab]:
    """A browser with one empty tab; it is gone afterwards. profile: an empty folder for what it stores."""
    program = executable()
    assert program is not None
    to_browser, ours = os.pipe()
    mine, from_browser = os.pipe()
    ends = (str(to_browser), str(from_browser))
    process = subprocess.Popen(
        [sys.executable, "-c", BEGIN, *ends, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(to_browser, from_browser),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        yield Tab(ours, mine)
    finally:
        os.close(ours)  # the browser ends when nobody can command it
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(mine)


class Tab:
    """A page in the browser, and all that it reported since it was opened.

    events: (method, parameters) of the protocol, oldest first.
    """

    def __init__(self, write_to: int, read_from: int) -> None:
        self._to, self._from = write_to, read_from
        self._unread = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[tuple[str, dict[str, Any]]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; events that arrive before are kept."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def look(self, width: int, height: int = 1000, *, scheme: str = "light") -> None:
        """The window's size in pixels, and whether the reader prefers a `light` or `dark` page."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        preferred = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[preferred])

    def open(self, address: str) -> None:
        """Go there and wait until all of it has been loaded."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            self._next()

    def ask(self, expression: str) -> Any:
        """What a JavaScript expression gives, as plain values; promises are awaited."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        taken = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def _next(self) -> dict[str, Any]:
        """The next message, kept if it is an event."""
        end = time.monotonic() + TIMEOUT
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            read = os.read(self._from, 1 << 16) if ready else b""
            if not read:
                raise RuntimeError("the browser has ended" if ready else "the browser does not answer")
            self._unread += read
        text, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append((message["method"], message["params"]))
        return message
