"""What is taken away of a result: the clip, its masks, the fill as a layer, and a file that repeats it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vidremove import remove
from vidremove.errors import InputError, VidremoveError
from vidremove.media import encode_mask, open_source
from vidremove.media.picture_sink import frame_names
from vidremove.project import load_project, save_project
from vidremove.tracks import Track
from vidremove.types import OnProgress

from .commands import PROJECT
from .files import Member, offer_file, offer_zip
from .opening import Medium
from .outcomes import Outcome, beside
from .session import Session, start_run
from .texts import unquote

LAYER = "layer"  # kind of the run that makes one
_TRACK = "clean.track"


def layer_of(target: Path) -> Path:
    """The folder with the fill of a result as a layer, once it was made."""
    return beside(target, "layer")


def masks_of(target: Path) -> Path:
    """The track that was removed."""
    return beside(target, "track")


def project_of(target: Path) -> Path:
    """The project that repeats a result; see vidremove/project.py."""
    return beside(target, "project.json")


def list_links(target: Path, medium: Medium) -> list[dict[str, str]]:
    """What can be taken away of a result: label, URL and a note; the result itself first.

    What is behind the URLs holds paths only, so that nothing is kept open or in memory for them.
    """
    identity, source, given = (str(target), target.stat().st_mtime_ns), medium.source.path, medium.given
    zips = [
        ("Masks", "PNG, zip", masks_of(target), "masks.zip", lambda: mask_members(target, source)),
        ("Fill as a layer", "PNG with alpha, zip", layer_of(target), "layer.zip",
         lambda: folder_members(layer_of(target))),
        ("Settings for the command line", "zip", project_of(target), "settings.zip",
         lambda: project_members(target, given)),
    ]  # fmt: skip
    links = [_first_link(target, medium.info.kind)]
    for label, note, needed, name, members in zips:
        if needed.exists():
            links.append({"label": label, "note": note, "url": offer_zip(name, identity, members)})
    return links


def _first_link(target: Path, kind: str) -> dict[str, str]:
    if target.is_dir():
        url = offer_zip("clean.zip", (str(target), target.stat().st_mtime_ns), lambda: folder_members(target))
        return {"label": "Download the frames", "note": "zip", "url": url, "kind": "first"}
    url, what = offer_file(target, f"clean{target.suffix}"), "picture" if kind == "photo" else "video"
    return {"label": f"Download the {what}", "note": size_in_words(target), "url": url, "kind": "first"}


def mask_members(target: Path, source: Path) -> Iterator[Member]:
    """One PNG picture a frame, white = removed, named like the frames."""
    with open_source(source) as opened:
        names = frame_names(opened, ".png")
    with Track.open(masks_of(target)) as track:
        for index, name in enumerate(names):
            yield name, encode_mask(track.mask(index))


def project_members(target: Path, given: str) -> Iterator[Member]:
    """The project and what belongs to it, to be unpacked beside the clip.

    Args:
        given: the clip, as the command line is told.
    """
    with TemporaryDirectory(prefix="vidremove-") as name:
        folder, track = Path(name), masks_of(target)
        if track.is_dir():
            shutil.copytree(track, folder / _TRACK)
        project = load_project(project_of(target))
        kept = replace(project, source=folder / given, track=folder / _TRACK if track.is_dir() else None)
        save_project(kept, folder / PROJECT)
        yield from folder_members(folder)


def folder_members(folder: Path) -> Iterator[Member]:
    """All files of a folder."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file


def start_layer(session: Session, outcome: Outcome) -> None:
    """Fill once more, for the layer; what hinders it becomes the message."""
    target = outcome.result.target

    def work(on_progress: OnProgress) -> None:
        project = load_project(project_of(target))
        with TemporaryDirectory(prefix=".again-", dir=target.parent) as folder:
            remove(
                project.source, Path(folder) / f"again{target.suffix}", masks=masks_of(target), config=project.config,
                layer=layer_of(target), overwrite=True, on_progress=on_progress,
            )  # fmt: skip

    try:
        start_run(session, LAYER, "Making the layer", work)
    except VidremoveError as error:
        session.message = str(error)


def save_copy(outcome: Outcome, text: str) -> str:
    """Copy the result to a path on this computer; nothing that is there is replaced.

    Returns: where it is, in a sentence.
    Raises: InputError, one sentence.
    """
    target, written = outcome.result.target, unquote(text)
    if not written or "\0" in written:
        raise InputError("no path was given: write where the copy should be.")
    place = Path(written).expanduser()
    if place.is_dir():
        place = place / f"clean{target.suffix}"
    if not place.is_absolute():
        raise InputError(f"{place}: write the whole path, from / on.")
    if target.suffix and place.suffix.lower() != target.suffix.lower():
        place = place.with_name(place.name + target.suffix)
    try:
        if target.is_dir():
            shutil.copytree(target, place)
        else:
            with place.open("xb") as file, target.open("rb") as original:
                shutil.copyfileobj(original, file, 1 << 20)
    except FileExistsError as error:
        raise InputError(f"{place}: exists already and is not replaced; name another.") from error
    except OSError as error:
        raise InputError(f"{place}: cannot be written ({error.strerror}).") from error
    return f"Saved as {place}."


def size_in_words(path: Path) -> str:
    """The size of a file in MB."""
    megabytes = path.stat().st_size / 1e6
    return f"{megabytes:.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"
