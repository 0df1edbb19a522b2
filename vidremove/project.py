"""What a person has said of one clip, as a file: the page and the command line open it and repeat the run."""

import hashlib
import json
import os
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidremove.config import Config, load_config
from vidremove.errors import ConfigError, InputError, OutputError
from vidremove.media import encode_mask, read_mask
from vidremove.media.faults import writing
from vidremove.media.target import StagedFile
from vidremove.project_file import MOST_BYTES, MOST_MASK_PIXELS, Said, parse, said_of, tell_moment
from vidremove.types import Moment, Prompt

SUFFIX = ".json"
_MASK_NAME = re.compile(r"[0-9a-f]{32}\.png")
_saving = threading.Lock()  # the masks of one save are not stale to another


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """A clip, what to take out of it and how. Only the source may lie outside the folder of the project's file."""

    source: Path
    prompts: tuple[Prompt, ...] = ()  # all that a run is to go by
    track: Path | None = None  # masks made from just these prompts: NAME.track, or a folder or clip of masks
    preset: str = "default"  # one of our settings files, by name
    overrides: tuple[str, ...] = ()  # "section.key=value"
    target: Path | None = None
    start: Moment | None = None  # frames [start, end) are worked on; int = frame, float = seconds
    end: Moment | None = None
    rate: Fraction | None = None  # frames per second of a frame folder
    drafts: tuple[Prompt, ...] = ()  # not decided on yet: kept for the page, no part of a run
    app: dict[str, Any] = field(default_factory=dict)  # the page's own, at most 1 MB of JSON

    @property
    def config(self) -> Config:
        """The settings. Raises: ConfigError."""
        return load_config(self.preset, self.overrides)


def load_project(path: str | Path) -> Project:
    """Read a project and its brush masks; whether its source is there is not looked at.

    Raises: InputError, one sentence, for a file that cannot be read or holds anything that `save_project` would not
        have written: unknown keys, other types, numbers without end, too much of anything, names outside its folder.
    """
    path = Path(path)
    values = parse(_read(path), str(path))
    folder = path.absolute().parent
    prompts, drafts = _with_masks(folder, [*values.prompts], [*values.drafts], path)
    project = Project(
        source=folder / values.source,
        prompts=prompts,
        track=_inside(folder, values.track, f"{path} track"),
        preset=values.preset,
        overrides=values.overrides,
        target=_inside(folder, values.target, f"{path} target"),
        start=values.start,
        end=values.end,
        rate=values.rate,
        drafts=drafts,
        app=values.app,
    )
    _check_config(project, path)
    return project


def save_project(project: Project, path: str | Path, *, overwrite: bool = True) -> None:
    """Write a project; the file is the old one or the new one at any moment.

    The masks of prompts become PNG pictures in the folder NAME.masks beside it. The source is named relative to the
    file where it lies in its folder. A target that lies elsewhere is not kept, so that opening a project that came
    from somebody never writes outside its folder.

    Args:
        project: its `track` must lie in the folder of the file.
        path: ends in .json.
        overwrite: replace a project of that name; any other file is kept.
    Raises: InputError for a project that could not be loaded again, OutputError where the file cannot be written.
    """
    path = Path(path)
    check_project_target(path, overwrite=overwrite)
    folder, names = path.absolute().parent, _Masks(path)
    track = _name_inside(folder, project.track)
    if project.track is not None and track is None:
        raise InputError(f"{project.track}: lies outside the folder of {path}; a project and its masks lie together.")
    table = {
        "version": 1,
        "source": _name_of(folder, project.source),
        "target": _name_inside(folder, project.target),
        "track": track,
        "preset": project.preset,
        "overrides": list(project.overrides),
        "start": tell_moment(project.start),
        "end": tell_moment(project.end),
        "rate": None if project.rate is None else str(project.rate),
        "prompts": [said_of(prompt, names(prompt)) for prompt in project.prompts],
        "drafts": [said_of(prompt, names(prompt)) for prompt in project.drafts],
        "app": project.app,
    }
    try:
        text = json.dumps({key: value for key, value in table.items() if value not in (None, [], {})}, indent=1)
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: what is to be kept is no JSON ({error}).") from error
    parse(text.encode(), str(path))
    _check_config(project, path)
    with _saving, writing(path):
        names.write()
        _replace_file(path, text.encode())
        names.sweep()


def check_project_target(path: str | Path, *, overwrite: bool = True) -> None:
    """See before any work that `save_project` can write the file. Raises: OutputError."""
    path = Path(path)
    if path.suffix.lower() != SUFFIX:
        raise OutputError(f"{path}: a project is kept in a file ending in {SUFFIX}.")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{path}: the folder {path.absolute().parent} does not exist. Make it first or name another.")
    if not path.exists():
        return
    if not overwrite:
        raise OutputError(f"{path}: exists already. Name another, or allow it to be replaced with --overwrite.")
    try:
        data = _read(path)
    except InputError:
        data = b""
    if b'"version"' not in data or b'"source"' not in data:
        raise OutputError(f"{path}: exists and is no project; it is not replaced. Name another.")


def default_target(project: Project, path: str | Path) -> Path:
    """Where the result goes when nothing else is said: the project's target, or clean.EXT beside its file."""
    if project.target is not None:
        return project.target
    return Path(path).absolute().with_name(f"clean{suffix_for(project.source)}")


def suffix_for(source: Path) -> str:
    """What the name of a result ends in, if the source is any guide: "" for a folder, .mp4 for what is not written."""
    from vidremove.media.codecs import CONTAINERS
    from vidremove.media.stills import SUFFIXES

    suffix = source.suffix.lower()
    if source.is_dir():
        return ""
    return suffix if suffix in CONTAINERS or suffix in SUFFIXES else ".mp4"


class _Masks:
    """The pictures of a project's masks, named by what they show: one that is there already is not written again."""

    def __init__(self, path: Path) -> None:
        self._folder = path.absolute().with_name(f"{path.stem}.masks")
        self._needed: dict[str, np.ndarray] = {}

    def __call__(self, prompt: Prompt) -> str | None:
        """The name of a prompt's mask in the project's folder."""
        mask = prompt.mask
        if mask is None:
            return None
        if mask.dtype != np.bool_ or mask.ndim != 2 or not mask.size:
            raise InputError(f"mask for frame {prompt.frame} is {mask.dtype} {mask.shape}, needed bool (H, W).")
        content = hashlib.sha256(repr(mask.shape).encode() + np.packbits(mask).tobytes()).hexdigest()
        self._needed[f"{content[:32]}.png"] = mask
        return f"{self._folder.name}/{content[:32]}.png"

    def write(self) -> None:
        if self._needed:
            self._folder.mkdir(exist_ok=True)
        for name, mask in self._needed.items():
            if not (self._folder / name).exists():
                _replace_file(self._folder / name, encode_mask(mask))

    def sweep(self) -> None:
        """Remove pictures that nothing speaks of any more."""
        with suppress(OSError):
            for file in list(self._folder.iterdir()):
                if _MASK_NAME.fullmatch(file.name) and file.name not in self._needed:
                    file.unlink()
            if not self._needed:
                self._folder.rmdir()


def _replace_file(path: Path, data: bytes) -> None:
    staged = StagedFile(path, overwrite=True)
    try:
        with staged.path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or the name could outlive a power cut, and the content not
        staged.commit()
    finally:
        staged.discard()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such project.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as a project ({error}).") from error
    if len(data) > MOST_BYTES:
        raise InputError(f"{path}: is larger than {MOST_BYTES >> 20} MB; that is no project.")
    return data


def _check_config(project: Project, path: Path) -> None:
    try:
        if not project.preset.isalpha():
            raise ConfigError(f"preset {project.preset!r} is not one of ours.")
        _ = project.config
    except ConfigError as error:
        raise InputError(f"{path}: {error}") from error


def _with_masks(
    folder: Path, prompts: list[Said], drafts: list[Said], path: Path
) -> tuple[tuple[Prompt, ...], tuple[Prompt, ...]]:
    """The prompts with their masks read, each picture once."""
    read: dict[str, np.ndarray] = {}
    pixels = 0
    for said in (*prompts, *drafts):
        if said.mask is None or said.mask in read:
            continue
        file = _inside(folder, said.mask, f"{path} mask")
        if file is None or not file.is_file():
            raise InputError(f"{path}: its mask {said.mask} is missing.")
        read[said.mask] = read_mask(file)
        pixels += read[said.mask].size
        if pixels > MOST_MASK_PIXELS:
            raise InputError(f"{path}: its masks have more than {MOST_MASK_PIXELS} pixels together.")

    def whole(entries: list[Said]) -> tuple[Prompt, ...]:
        return tuple(replace(said.prompt, mask=read[said.mask]) if said.mask else said.prompt for said in entries)

    return whole(prompts), whole(drafts)


def _inside(folder: Path, name: str | None, where: str) -> Path | None:
    """The path of a name in the project's folder. Raises: InputError where it leads out of it."""
    if name is None:
        return None
    try:
        real, root = (folder / name).resolve(), folder.resolve()
    except (OSError, RuntimeError) as error:  # a circle of links
        raise InputError(f"{where}: {name!r} is no name of a file.") from error
    if Path(name).is_absolute() or real == root or not real.is_relative_to(root):
        raise InputError(f"{where}: {name!r} leads out of the project's folder.")
    return folder / name


def _name_inside(folder: Path, path: Path | None) -> str | None:
    """A path as it is written in the file; None where it lies outside the folder."""
    if path is None:
        return None
    plain = Path(os.path.abspath(path))
    real, root = plain.resolve(), folder.resolve()
    if real == root or not real.is_relative_to(root):
        return None
    return (plain.relative_to(folder) if plain.is_relative_to(folder) else real.relative_to(root)).as_posix()


def _name_of(folder: Path, path: Path) -> str:
    """The source as it is written in the file: relative to the folder where it lies in it."""
    plain = Path(os.path.abspath(path))
    return plain.relative_to(folder).as_posix() if plain.is_relative_to(folder) else str(plain)
