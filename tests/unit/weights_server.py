"""A local HTTP server that serves files well and badly, and networks small enough to be served."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from vidremove.nets.lama import Lama, LamaConfig
from vidremove.nets.mat import Mat, MatConfig


def tiny_lama() -> Lama:
    return Lama(LamaConfig(width=4, blocks=1))


def tiny_mat() -> Mat:
    return Mat(
        MatConfig(
            resolution=128,
            latent=16,
            width=12,
            heads=2,
            depths=(2, 2, 1, 2, 2),
            windows=(4,) * 5,
            channels=16,
            pools=(2, 1),
        )
    )


@dataclass
class Page:
    """What stands under one path, and how it is served."""

    body: bytes = b""
    code: int = 200
    location: str = ""
    cut_at: list[int] = field(default_factory=list)  # for each of the first answers: bytes sent before it breaks off
    fail_first: int = 0  # answers of 503 before the first good one
    ranges: bool = True
    tag: str = '"1"'
    pause_s: float = 0.0  # between pieces
    length: bool = True  # whether Content-Length is said


class Server:
    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[tuple[str, str | None]] = []  # path and Range of every request
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator["Server"]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            thread.join()
            self._http.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: Server

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.owner.asked.append((self.path, asked))
        page = self.owner.pages.get(self.path, Page(code=404))
        if page.fail_first:
            page.fail_first -= 1
            self.send_error(503)
        elif page.location:
            self.send_response(page.code)
            self.send_header("Location", page.location)
            self.end_headers()
        elif page.code != 200:
            self.send_error(page.code)
        else:
            self._send(page, asked)

    def _send(self, page: Page, asked: str | None) -> None:
        start = 0
        if asked and page.ranges and self.headers.get("If-Range", page.tag) == page.tag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(page.body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(page.body) - 1}/{len(page.body)}")
        else:
            self.send_response(200)
        if page.length:
            self.send_header("Content-Length", str(len(page.body) - start))
        if page.tag:
            self.send_header("ETag", page.tag)
        self.end_headers()
        stop = page.cut_at.pop(0) if page.cut_at else len(page.body)
        with suppress(ConnectionError):  # whoever asked may have gone
            for place in range(start, stop, 1000):
                self.wfile.write(page.body[place : min(place + 1000, stop)])
                time.sleep(page.pause_s)
        self.close_connection = True
