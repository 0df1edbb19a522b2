"""Files that the browser may fetch, each under a key that cannot be guessed; they go from the disk in pieces.

Streamlit's own ways (`st.video`, `st.download_button`) hold whole files in memory. See serving.py for the route.
"""

import secrets
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

ROUTE = "/files/{key}"
_MOST = 2000  # that can be fetched at a time; the one not asked for the longest time goes
_CHUNK = 1 << 16  # bytes read at once
_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}  # that are played

Member = tuple[str, Path | bytes]  # name in the archive, and the file or what it holds
Members = Callable[[], Iterable[Member]]


@dataclass(frozen=True, slots=True)
class Offer:
    """What is behind a key."""

    name: str  # as it is saved
    path: Path | None = None
    members: Members | None = None  # of a zip archive that is made while it is sent
    shown: bool = False  # in the page; else saved


_offers: "OrderedDict[str, tuple[Hashable, Offer]]" = OrderedDict()
_keys: dict[Hashable, str] = {}
_lock = threading.Lock()


def offer_file(path: Path, name: str = "", *, shown: bool = False) -> str:
    """Let the browser fetch a file. Returns: the URL, the same while the file stays the same."""
    stat = path.stat()
    identity = (str(path.absolute()), stat.st_mtime_ns, stat.st_size, name, shown)
    return _offer(identity, Offer(name or path.name, path, None, shown))


def offer_zip(name: str, identity: Hashable, members: Members) -> str:
    """Let the browser fetch an archive of `members`, made while it is sent.

    Args:
        identity: of what is in it; the URL stays the same as long as this does.
    """
    return _offer(("zip", name, identity), Offer(name, None, members))


def find_offer(key: str) -> Offer | None:
    """What is behind a key, if anything."""
    with _lock:
        if key not in _offers:
            return None
        _offers.move_to_end(key)
        return _offers[key][1]


def _offer(identity: Hashable, made: Offer) -> str:
    with _lock:
        key = _keys.setdefault(identity, secrets.token_urlsafe(24))
        _offers[key] = (identity, made)
        _offers.move_to_end(key)
        while len(_offers) > _MOST:
            _, (old, _) = _offers.popitem(last=False)
            del _keys[old]
    return ROUTE.format(key=key)


def zip_pieces(members: Iterable[Member]) -> Iterator[bytes]:
    """A zip archive in pieces, without compression: pictures are compressed already."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name, datetime.now().timetuple()[:6])
            with archive.open(entry, "w", force_zip64=True) as member:
                for piece in _pieces(content):
                    member.write(piece)
                    yield from pipe.take()
            yield from pipe.take()
    yield from pipe.take()


def _pieces(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


class _Pipe:
    """What a ZipFile writes into, and a generator takes out of; it can only go on, never back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def take(self) -> Iterator[bytes]:
        pieces, self._pieces = self._pieces, []
        yield from pieces


async def send(request: "Request") -> "Response":
    """Answer the browser: the file, or the part of it that was asked for."""
    from starlette.responses import FileResponse, PlainTextResponse, StreamingResponse

    offer = find_offer(request.path_params["key"])
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"}
    if offer is not None and offer.members is not None:
        headers["Content-Disposition"] = f'attachment; filename="{offer.name}"'
        return StreamingResponse(zip_pieces(offer.members()), media_type="application/zip", headers=headers)
    if offer is None or offer.path is None or not offer.path.is_file():
        return PlainTextResponse("gone: go back to the page and ask again.", status_code=404)
    suffix = offer.path.suffix.lower()
    kind = _TYPES.get(suffix) if offer.shown else guess_type(offer.path.name)[0]
    way = "inline" if offer.shown else "attachment"
    return FileResponse(
        offer.path, headers=headers, media_type=kind or "application/octet-stream", filename=offer.name,
        content_disposition_type=way,
    )  # fmt: skip
