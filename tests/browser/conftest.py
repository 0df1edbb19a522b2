"""A server of the app and a browser for it; skipped where there is no Chromium."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

START_S = 60
WAIT_MS = 90_000

Serve = Callable[..., "Server"]


class Server:
    """`vidremove app` in a process of its own, with a home for projects that goes with the test."""

    def __init__(self, home: Path, *arguments: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.home, self.url = home, f"http://localhost:{port}"
        command = [sys.executable, "-m", "vidremove", "app", *arguments, "--port", str(port), "--no-browser"]
        self._log = (home.parent / "server.log").open("wb")
        self._process = subprocess.Popen(
            command, env={**os.environ, "VIDREMOVE_PROJECTS": str(home)}, stdout=self._log, stderr=self._log
        )

    def wait(self) -> None:
        """Wait until it answers. Raises: TimeoutError."""
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.2)
        raise TimeoutError("the app did not start")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        self._log.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*arguments: object) -> Server:
        servers.append(Server(tmp_path / "projects", *map(str, arguments)))
        servers[-1].wait()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs Chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A tab at 1280 x 800; an error in one of the page's scripts fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    opened = context.new_page()
    faults: list[Any] = []
    opened.set_default_timeout(WAIT_MS)
    opened.on("pageerror", lambda fault: faults.append(fault))
    yield opened
    context.close()
    assert not faults
