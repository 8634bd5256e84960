"""A real browser, driven by the DevTools protocol: what it shows, and keys pressed in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0")
PATIENCE = 60.0


def program() -> str:
    """The browser on this machine; empty if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), "")


class Page:
    """One page of a browser."""

    def __init__(self, line: ClientConnection) -> None:
        self._line, self._numbers = line, count(1)
        self.told: list[dict[str, Any]] = []
        """Events, such as requests and messages of the console."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        number = next(self._numbers)
        self._line.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            told: dict[str, Any] = json.loads(self._line.recv(timeout=PATIENCE))
            if told.get("id") == number:
                assert "error" not in told, told
                return dict(told["result"])
            self.told.append(told)

    def look(self, width: int, height: int = 800, dark: bool = False) -> None:
        """The size of the window, and which colours its user prefers."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[wish])

    def open(self, address: str, ready: str) -> None:
        """Go to an address, and wait until the expression `ready` holds there."""
        # From an address to itself with another end a browser would not load anything.
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.wait(ready)

    def value(self, expression: str) -> Any:
        """What an expression is worth on the page."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return done["result"].get("value")

    def wait(self, expression: str) -> None:
        """Return once an expression holds."""
        until = time.monotonic() + PATIENCE
        while not self.value(expression):
            assert time.monotonic() < until, (
                f"{expression}\n{self.value('document.body.innerText')}"
            )
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press a key."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        code = {"Enter": 13, "Escape": 27}.get(key, ord(key[0].upper()))
        for kind in ("keyDown", "keyUp"):
            shown = {"text": text} if text and kind == "keyDown" else {}
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **shown
            )

    def type(self, text: str) -> None:
        """Type a text where the focus is."""
        self.call("Input.insertText", text=text)


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A browser with one empty page."""
    command = [program(), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect(_address(profile), max_size=2**24) as line:
            yield Page(line)
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _address(profile: Path) -> str:
    """Where the page listens, once the browser has said its port."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        told = profile / "DevToolsActivePort"
        if told.exists() and (port := told.read_text().partition("\n")[0]):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as answer:
                for page in json.load(answer):
                    if page["type"] == "page":
                        return str(page["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError("the browser did not start")
