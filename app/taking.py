"""What is taken away of a result: the clip, its masks, the fill as a layer, and a file that repeats it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from vidremove import remove
from vidremove.errors import InputError, VidremoveError
from vidremove.media import encode_mask
from vidremove.media.picture_sink import frame_names
from vidremove.project import load_project, save_project
from vidremove.tracks import Track
from vidremove.types import OnProgress

from .commands import PROJECT
from .files import Member, offer_file, offer_zip
from .opening import Medium
from .outcomes import Outcome, beside
from .session import Session, start_run

LAYER = "layer"  # kind of the run that makes one
_TRACK = "clean.track"


def layer_of(outcome: Outcome) -> Path:
    """The folder with the fill as a layer, once it was made."""
    return beside(outcome.result.target, "layer")


def masks_of(outcome: Outcome) -> Path:
    """The track that was removed."""
    return beside(outcome.result.target, "track")


def project_of(outcome: Outcome) -> Path:
    """The project that repeats it; see vidremove/project.py."""
    return beside(outcome.result.target, "project.json")


def list_links(outcome: Outcome, medium: Medium) -> list[dict[str, str]]:
    """What can be taken away: label, URL and, where there is something to say, a note; the result itself first."""
    target = outcome.result.target
    identity = (str(target), target.stat().st_mtime_ns)
    if target.is_dir():
        names = sorted(target.iterdir())
        first = {"label": "Download the frames", "note": "zip",
                 "url": offer_zip("clean.zip", identity, lambda: [(file.name, file) for file in names])}  # fmt: skip
    else:
        what = "picture" if medium.info.kind == "photo" else "video"
        url = offer_file(target, f"clean{target.suffix}")
        first = {"label": f"Download the {what}", "note": size_in_words(target), "url": url}
    links = [{**first, "kind": "first"}]
    if masks_of(outcome).is_dir():
        links.append({"label": "Masks", "note": "PNG, zip",
                      "url": offer_zip("masks.zip", identity, lambda: mask_members(outcome, medium))})  # fmt: skip
    if layer_of(outcome).is_dir():
        links.append({"label": "Fill as a layer", "note": "PNG with alpha, zip",
                      "url": offer_zip("layer.zip", identity, lambda: _members_of(layer_of(outcome)))})  # fmt: skip
    if project_of(outcome).is_file():
        url = offer_zip("settings.zip", identity, lambda: project_members(outcome, medium))
        links.append({"label": "Settings for the command line", "note": "zip", "url": url})
    return links


def mask_members(outcome: Outcome, medium: Medium) -> Iterator[Member]:
    """One PNG picture a frame, white = removed, named like the frames."""
    with Track.open(masks_of(outcome)) as track:
        for index, name in enumerate(frame_names(medium.source, ".png")):
            yield name, encode_mask(track.mask(index))


def project_members(outcome: Outcome, medium: Medium) -> Iterator[Member]:
    """The project and what belongs to it, to be unpacked beside the clip."""
    with TemporaryDirectory(prefix="vidremove-") as name:
        folder, track = Path(name), masks_of(outcome)
        if track.is_dir():
            shutil.copytree(track, folder / _TRACK)
        project = load_project(project_of(outcome))
        source = Path(medium.given) if Path(medium.given).is_absolute() else folder / medium.given
        kept = replace(project, source=source, track=folder / _TRACK if track.is_dir() else None)
        save_project(kept, folder / PROJECT)
        yield from _members_of(folder)


def _members_of(folder: Path) -> Iterator[Member]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.relative_to(folder).as_posix(), file


def start_layer(session: Session, outcome: Outcome) -> None:
    """Fill once more, for the layer; what hinders it becomes the message."""
    target, layer = beside(outcome.result.target, "again" + outcome.result.target.suffix), layer_of(outcome)

    def work(on_progress: OnProgress) -> None:
        project = load_project(project_of(outcome))
        try:
            remove(
                project.source, target, masks=masks_of(outcome), config=project.config, layer=layer, overwrite=True,
                on_progress=on_progress,
            )  # fmt: skip
        finally:
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)

    try:
        start_run(session, LAYER, "Making the layer", work)
    except VidremoveError as error:
        session.message = str(error)


def save_copy(outcome: Outcome, text: str) -> str:
    """Copy the result to a path on this computer; nothing that is there is replaced.

    Returns: where it is, in a sentence.
    Raises: InputError, one sentence.
    """
    target, written = outcome.result.target, text.strip().strip("'\"")
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
