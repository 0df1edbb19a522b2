"""The weights of the networks: what there is, fetched when asked for, checked, and kept as safetensors.

Files lie in one folder: a published file as it came, the tensors taken from it beside it as `NAME.safetensors`, and
for each the SHA-256 it had when it was written as `FILE.sha256`. `VIDREMOVE_WEIGHTS` names the folder;
`VIDREMOVE_OFFLINE=1` forbids the network.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vidremove.download import download, download_from_drive, hash_file, writing
from vidremove.errors import InputError, OutputError, PluginError
from vidremove.published import PUBLISHED, Published, Source
from vidremove.types import OnProgress

if TYPE_CHECKING:
    from torch import Tensor

State = Literal["present", "missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Status:
    """What is here of one set of weights."""

    published: Published
    state: State
    file: Path  # where it is, or would be
    note: str = ""  # what is wrong and what to do


def folder() -> Path:
    """Where weights are kept: `VIDREMOVE_WEIGHTS`, else the user's cache."""
    named = os.environ.get("VIDREMOVE_WEIGHTS")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "vidremove" / "weights"


def offline() -> bool:
    """Whether `VIDREMOVE_OFFLINE` forbids the network."""
    return os.environ.get("VIDREMOVE_OFFLINE", "") not in ("", "0")


def find(name: str) -> Published:
    """The weights of this name. Raises: PluginError if there are none."""
    for published in PUBLISHED:
        if published.name == name:
            return published
    raise PluginError(f"unknown weights {name!r}. Known: {', '.join(p.name for p in PUBLISHED)}.")


def kept_file(published: Published) -> Path:
    """The file that is loaded."""
    return folder() / f"{published.name}.safetensors"


def list_weights() -> list[Status]:
    """Every set of weights and whether it is here; contents are not looked at."""
    return [
        Status(published, "present" if kept_file(published).is_file() else "missing", kept_file(published))
        for published in PUBLISHED
    ]


def path(name: str) -> Path:
    """The file that is loaded for `name`.

    Raises: PluginError if there are no weights of this name, or they are not here; the message says how to get them.
    """
    published = find(name)
    kept = kept_file(published)
    if not kept.is_file():
        raise PluginError(f"the weights {name!r} are not in {folder()}. Fetch them: vidremove weights get {name}")
    return kept


def check(name: str | None = None) -> list[Status]:
    """Look at the contents of all weights that are here, or of one: the hashes, and that the network takes them.

    Returns: "present", "missing" or "damaged" for each.
    Raises: PluginError if there are no weights of this name.
    """
    return [_check(published) for published in (PUBLISHED if name is None else [find(name)])]


def _check(published: Published) -> Status:
    kept = kept_file(published)
    if not kept.is_file():
        return Status(published, "missing", kept)
    try:
        for source in published.sources:
            original = folder() / source.file
            if original.is_file():
                _compare(original, source.sha256 or _pinned(original))
        _compare(kept, _pinned(kept))
        _read(published, kept)
    except InputError as error:
        return Status(published, "damaged", kept, f"{error} Fetch it again: vidremove weights get {published.name}")
    return Status(published, "present", kept)


def _compare(file: Path, expected: str) -> None:
    found = hash_file(file)
    if expected and found != expected:
        raise InputError(f"{file}: has SHA-256 {found}, needed {expected}.")


def get(name: str, on_progress: OnProgress | None = None) -> Path:
    """Fetch weights unless they are here; of two calls at once, in whatever process, one fetches and both have them.

    Args:
        name: of `PUBLISHED`.
        on_progress: stage "download", in bytes.
    Returns: the file that is loaded.
    Raises: PluginError if they are unknown, forbidden by `VIDREMOVE_OFFLINE`, or to be had from none of their
        sources; OutputError if they cannot be written; Cancelled.
    """
    published = find(name)
    if _check(published).state != "present":
        with _locked(name):
            if _check(published).state != "present":  # unless it came while we waited
                _get(published, on_progress)
    return kept_file(published)


@contextmanager
def _locked(name: str) -> Iterator[None]:
    """Make the folder, and let one process at a time work on these weights."""
    from filelock import FileLock

    with writing(folder()):
        folder().mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder() / f"{name}.lock")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _get(published: Published, on_progress: OnProgress | None) -> None:
    """Try the sources in turn, those that are here already first."""
    here = [source for source in published.sources if (folder() / source.file).is_file()]
    elsewhere = [] if offline() else [source for source in published.sources if source not in here]
    reasons = []
    for source in [*here, *elsewhere]:
        file = folder() / source.file
        try:
            digest = _fetch(source, on_progress)
            try:
                _convert(published, file)
            except InputError:
                if not source.sha256:  # a page that says "quota exceeded", say
                    file.unlink(missing_ok=True)
                raise
            _pin(file, digest)
            return
        except (PluginError, InputError) as error:
            reasons.append(str(error))
    if offline():
        reasons.append("VIDREMOVE_OFFLINE forbids fetching.")
    raise PluginError(f"{published.name}: {' '.join(reasons)} {_by_hand(published)}")


def _by_hand(published: Published) -> str:
    source = published.sources[0]
    return f"Fetch {source.url} in a browser, then: vidremove weights add {published.name} {source.file}"


def _fetch(source: Source, on_progress: OnProgress | None) -> str:
    """Bring one published file into the folder; a file without a published hash must be what it was at first.

    Returns: its SHA-256.
    """
    target = folder() / source.file
    expected = source.sha256 or _pinned(target)
    if target.is_file():
        digest = hash_file(target)
        if digest == (expected or digest):
            return digest
        if offline():
            raise PluginError(f"{target}: has SHA-256 {digest}, needed {expected}.")
        target.unlink()
    if source.drive:
        digest = download_from_drive(source.drive, target, on_progress)
        if expected and digest != expected:
            target.unlink()
            raise PluginError(
                f"{source.url}: has SHA-256 {digest}, at first it was {expected}. It was not kept; "
                f"if the authors have replaced it, remove {_pin_of(target)} and fetch again."
            )
        return digest
    return download(source.url, target, size=source.size, sha256=expected, on_progress=on_progress)


def add(name: str, file: Path) -> Path:
    """Take weights from a file that the user has fetched; the file itself is left where it is.

    Returns: the file that is loaded.
    Raises: PluginError if there are no weights of this name; InputError if the file does not hold them; OutputError.
    """
    published, file = find(name), Path(file)
    digest = hash_file(file)
    known = [source.sha256 for source in published.sources]
    named = [source for source in published.sources if source.file == file.name and source.sha256]
    if named and digest not in known:
        raise InputError(f"{file}: has SHA-256 {digest}, needed {named[0].sha256}. Fetch it again, or rename it.")
    with _locked(name):
        _convert(published, file)
    return kept_file(published)


def load(name: str) -> "dict[str, Tensor]":
    """The network's entries by their published keys, on the CPU, in the file's precision.

    Raises: PluginError if they are not here; InputError if the file is damaged.
    """
    return _read(find(name), path(name))


def load_into(network: Any, name: str) -> None:
    """Give a network its published weights, strictly: every key and shape must agree.

    Args:
        network: a torch module of the class that the weights belong to. Entries that follow from the architecture
            may be missing from the file and keep their values.
    Raises: PluginError if the weights are not here; InputError if they do not fit.
    """
    from vidremove.fitting import require

    tensors, own = load(name), network.state_dict()
    require(find(name), tensors, own, path(name))
    network.load_state_dict({**own, **tensors}, strict=True)


def _convert(published: Published, file: Path) -> None:
    """Write the network's entries, and only them, as safetensors."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {key: tensor.contiguous().clone() for key, tensor in _read(published, file).items()}
    words = {"name": published.name, "source": file.name, "licence": published.licence}
    kept = kept_file(published)
    part = kept.with_name(f"{kept.name}.part")
    try:
        with writing(part):
            save_file(tensors, part, words)
    except SafetensorError as error:
        part.unlink(missing_ok=True)
        raise OutputError(f"{part}: cannot be written ({error}).") from error
    digest = hash_file(part)
    with writing(kept):
        os.replace(part, kept)
    _pin(kept, digest)


def _pin(file: Path, digest: str) -> None:
    pin = _pin_of(file)
    part = pin.with_name(f"{pin.name}.part")
    with writing(pin):
        part.write_text(f"{digest}  {file.name}\n")
        os.replace(part, pin)


def _pin_of(file: Path) -> Path:
    """Where the hash is kept that a file had at first."""
    return file.with_name(f"{file.name}.sha256")


def _pinned(file: Path) -> str:
    """The hash that a file had when it was first written here; "" if it never was."""
    try:
        words = _pin_of(file).read_text("ascii").split()
    except OSError:
        return ""
    except ValueError as error:
        raise InputError(f"{_pin_of(file)}: is damaged.") from error
    return words[0] if words else ""


def _read(published: Published, file: Path) -> "dict[str, Tensor]":
    from vidremove.checkpoints import read_checkpoint
    from vidremove.fitting import select

    return select(published, read_checkpoint(file), file)
