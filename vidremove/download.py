"""Fetches one file over HTTP: resumed where it was cut off, tried again, checked, and renamed only when complete."""

import hashlib
import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from vidremove.errors import Cancelled, InputError, OutputError, PluginError
from vidremove.types import OnProgress, Progress

_CHUNK = 1 << 20  # bytes
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})  # answers that may be another one later


class _CutOffError(Exception):
    """The transfer may succeed when it is tried again."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to HTTP only, and from HTTPS to HTTPS only."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        old, new = (url.partition(":")[0].lower() for url in (req.full_url, newurl))
        if new not in ("http", "https") or (old == "https" and new == "http"):
            raise PluginError(f"{req.full_url} leads to {newurl}, which is not followed.")
        request = super().redirect_request(req, fp, 307 if code == 308 else code, msg, headers, newurl)
        return request

    def http_error_308(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any) -> Any:
        return self.http_error_302(req, fp, code, msg, headers)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk says about `path` into words.

    Raises: OutputError for any OSError in the block.
    """
    try:
        yield
    except OSError as error:
        hint = "Make room, or set VIDREMOVE_WEIGHTS to another folder."
        raise OutputError(f"{path}: cannot be written ({error.strerror or error}). {hint}") from error


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises: InputError if it cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
            return digest.hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}).") from error


def download(
    url: str,
    target: Path,
    *,
    size: int = 0,
    sha256: str = "",
    on_progress: OnProgress | None = None,
    attempts: int = 5,
    pause_s: float = 1.0,
    timeout_s: float = 30.0,
) -> str:
    """Fetch `url` to `target`, by way of `target` + ".part", from which a later call goes on.

    Args:
        target: in a folder that exists; replaced at one stroke, once the file is complete and right.
        size: bytes it must have; 0: unknown.
        sha256: what it must hash to; "": unknown.
        on_progress: stage "download", in bytes.
        attempts: transfers begun at most, each where the one before was cut off.
        pause_s: before the second attempt; doubled before every further one.
        timeout_s: without a byte.
    Returns: its SHA-256.
    Raises: PluginError if it cannot be had or is not the right file; OutputError if it cannot be written; Cancelled.
    """
    part, reason = target.with_name(f"{target.name}.part"), ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            resumed = _transfer(url, part, size, bool(sha256), on_progress, timeout_s)
            digest = hash_file(part)
            if sha256 and digest != sha256:
                _forget(part)
                reason = f"has SHA-256 {digest}, needed {sha256}"
                if resumed:
                    continue
                raise PluginError(f"{url}: {reason}. It was not kept.")
            with writing(target):
                os.replace(part, target)
            _forget(part)
            return digest
        except _CutOffError as error:
            reason = str(error)
    raise PluginError(f"{url}: {reason}, {attempts} times. Calling again goes on where it stopped.")


def _forget(part: Path) -> None:
    for path in (part, _tag_file(part)):
        path.unlink(missing_ok=True)


def _tag_file(part: Path) -> Path:
    """Holds what the server said of the version that the part belongs to."""
    return part.with_name(f"{part.name}.tag")


def _request(url: str, part: Path, size: int, hashed: bool) -> tuple[urllib.request.Request, int]:
    """What to ask for, and how many bytes are there already."""
    if url.partition(":")[0] not in ("http", "https"):
        raise PluginError(f"{url}: only http and https are fetched.")
    request = urllib.request.Request(url, headers={"User-Agent": "vidremove", "Accept-Encoding": "identity"})
    tag = _tag_file(part).read_text() if _tag_file(part).exists() else ""
    have = part.stat().st_size if part.exists() and (tag or hashed) else 0
    if size and have > size:
        have = 0
    if have:
        request.add_header("Range", f"bytes={have}-")
        if tag:
            request.add_header("If-Range", tag)
    return request, have


def _transfer(url: str, part: Path, size: int, hashed: bool, on_progress: OnProgress | None, timeout_s: float) -> bool:
    """Bring `part` to its full length. Returns: whether it had been begun earlier."""
    request, have = _request(url, part, size, hashed)
    if size and have == size:
        return True
    opener = urllib.request.build_opener(_Redirects())
    try:
        with opener.open(request, timeout=timeout_s) as response:
            if response.status == 206 and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                _forget(part)
                raise _CutOffError("answered with another range than asked for")
            have = have if response.status == 206 else 0
            length = response.headers.get("Content-Length")
            total = have + int(length) if length is not None else 0
            if size and total and total != size:
                raise PluginError(f"{url}: has {total} bytes, needed {size}. It was not fetched.")
            _check_room(part, (total or size) - have)
            _receive(response, part, have, total or size, on_progress)
            return have > 0
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            _forget(part)
        elif error.code not in _AGAIN:
            raise PluginError(f"{url}: answers {error.code} {error.reason}.") from error
        raise _CutOffError(f"answers {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        raise _CutOffError(f"cannot be reached ({getattr(error, 'reason', error)})") from error


def _check_room(part: Path, needed: int) -> None:
    with writing(part):
        free = shutil.disk_usage(part.parent).free
    if needed > free:
        words = f"needs {needed / 1e6:.0f} MB more, {free / 1e6:.0f} MB are free"
        raise OutputError(f"{part}: {words}. Make room, or set VIDREMOVE_WEIGHTS to another folder.")


def _receive(response: Any, part: Path, have: int, total: int, on_progress: OnProgress | None) -> None:
    """Append what comes to `part`, or begin it anew if `have` is 0."""
    if not have:
        tag = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
        with writing(part):
            _forget(part)
            if tag and not tag.startswith("W/"):  # a weak tag does not promise the same bytes
                _tag_file(part).write_text(tag)
    with writing(part):
        file = part.open("ab")
    with file:
        while chunk := _read(response):
            with writing(part):
                file.write(chunk)
            have += len(chunk)
            if on_progress is not None and on_progress(Progress("download", have, total)) is False:
                raise Cancelled(f"{part.name}: stopped after {have} bytes, which are kept.")
        with writing(part):
            file.flush()
            os.fsync(file.fileno())
    if total and have != total:
        raise _CutOffError(f"was cut off after {have} of {total} bytes")


def _read(response: Any) -> bytes:
    """The next bytes, as soon as there are some."""
    data: bytes = response.read1(_CHUNK)
    return data


def download_from_drive(key: str, target: Path, on_progress: OnProgress | None = None) -> str:
    """Fetch a file that stands on Google Drive only, with gdown if it is installed.

    Args: as for `download`; `key` is the file's id.
    Returns: its SHA-256.
    Raises: PluginError if gdown is missing or does not get it; OutputError if it cannot be written; Cancelled.
    """
    page = f"https://drive.google.com/file/d/{key}/view"
    try:
        import gdown
    except ImportError as error:
        raise PluginError(f"{page}: stands on Google Drive only, and gdown is not installed.") from error

    def step(done: int, total: int | None) -> None:
        if on_progress is not None and on_progress(Progress("download", done, total or 0)) is False:
            raise Cancelled(f"{target.name}: stopped after {done} bytes.")

    part = target.with_name(f"{target.name}.part")
    try:
        gdown.download(id=key, output=str(part), quiet=True, resume=True, progress=step)
        digest = hash_file(part)
    except Cancelled:
        raise
    except Exception as error:  # its own and those of its HTTP library
        raise PluginError(f"{page}: gdown could not fetch it ({error}).") from error
    with writing(target):
        os.replace(part, target)
    return digest
