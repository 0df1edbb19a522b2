"""Every setting with its default and unit, one dataclass a stage; TOML files hold only what differs."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from vidremove.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True)
class ShotsConfig:
    """Finding cuts (stages/shots.py)."""

    detect: bool = True  # False: the whole source is one shot


@dataclass(frozen=True, slots=True)
class TrackConfig:
    """From prompts to one mask a frame (stages/keyframes.py, stages/propagate.py)."""

    segmenter: str = "auto"  # "auto": a network whose weights are present, else "embedded"
    text_weights: str = "lavt"  # names of `vidremove weights list`
    point_weights: str = "transfiner"
    keyframe_every: int = 30  # frames after which a network is asked again where an object is; 0: never
    flow: str = "dis"
    area: int = 432 * 240  # pixels at which frames are looked at; masks come out at full size
    look_ahead: int = 30  # frames seen ahead and behind, to know the background


@dataclass(frozen=True, slots=True)
class FillConfig:
    """From masks to filled frames (stages/survey.py, background.py, inpaint.py, blend.py)."""

    inpainter: str = "patch"  # for pixels that no frame shows; "both": results of lama and mat beside each other
    dilate: int = -1  # pixels the mask is grown before filling; -1: by the size of the picture (Job.settle_dilation)
    feather: int = 2  # pixels over which the fill fades into the source, inside the grown mask
    window: int = 20  # frames looked at before and after each frame
    sources: int = 8  # of them that a hole is filled from
    steadiness: float = 0.6  # share of the fill before, carried along, that is mixed in where it agrees
    store_frames: int = 48  # frames of a shot kept on disk to fill holes from far away
    store_spacing: int = 8  # frames between them; doubles when the store is full


@dataclass(frozen=True, slots=True)
class OutputConfig:
    """How the result is written (media/sink.py)."""

    lossless: bool = False
    codec: str = "auto"  # "auto": the source's, where it can be written
    crf: int = -1  # quality of lossy codecs, lower is better; -1: chosen for the codec
    preset: str = "medium"  # x264 and x265


@dataclass(frozen=True, slots=True)
class Config:
    """All settings of a run."""

    shots: ShotsConfig = field(default_factory=ShotsConfig)
    track: TrackConfig = field(default_factory=TrackConfig)
    fill: FillConfig = field(default_factory=FillConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    device: str = "auto"  # "auto", "cpu", "cuda", "mps"
    precision: str = "float32"  # of networks: "float32", "bfloat16", "float16"
    workers: int = 0  # threads; 0: one a core


_CHOICES: dict[str, tuple[str, ...]] = {
    "device": ("auto", "cpu", "cuda", "mps"),
    "precision": ("float32", "bfloat16", "float16"),
    "preset": (
        *("ultrafast", "superfast", "veryfast", "faster", "fast"),
        *("medium", "slow", "slower", "veryslow", "placebo"),
    ),
}
_RANGES: dict[str, tuple[float, float]] = {
    "area": (64 * 64, 3840 * 2160),
    "look_ahead": (1, 200),
    "keyframe_every": (0, 100_000),
    "dilate": (-1, 200),
    "feather": (0, 200),
    "window": (1, 200),
    "sources": (1, 64),
    "steadiness": (0.0, 0.95),
    "store_frames": (2, 1000),
    "store_spacing": (1, 1000),
    "crf": (-1, 63),
    "workers": (0, 256),
}


def load_config(path: str | Path | None = None, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file, or ours of that name, over the defaults, then apply `section.key=value` overrides.

    Raises: ConfigError for a file that cannot be read, an unknown key or a value of the wrong type.
    """
    config = Config()
    if path is not None:
        try:
            with _find(path).open("rb") as file:
                table = tomllib.load(file)
        except FileNotFoundError as error:
            raise ConfigError(f"{path}: no such settings file. Ours are called default, fast and quality.") from error
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read as a settings file ({error}).") from error
        config = _merge(config, table, str(path))
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--set {text}: needed section.key=value, for example fill.dilate=4.")
        config = _merge(config, _nest(key.strip().split("."), _value(value.strip())), f"--set {text}")
    return config


def list_settings() -> list[tuple[str, str, str]]:
    """Every setting in the order of this file: its key for `--set`, its default, and what it may be ("" for any)."""
    found: list[tuple[str, str, str]] = []
    for item in fields(Config):
        value = getattr(Config(), item.name)
        inner = fields(value) if hasattr(value, "__dataclass_fields__") else ()
        known = [(f"{item.name}.{each.name}", getattr(value, each.name)) for each in inner] or [(item.name, value)]
        found += [(key, str(default).lower(), _allowed(key.rpartition(".")[2], default)) for key, default in known]
    return found


def list_changes(config: Config, base: Config) -> tuple[str, ...]:
    """What `config` has otherwise than `base`, as overrides for `load_config`."""
    changes = []
    for key, _, _ in list_settings():
        section, _, name = key.rpartition(".")
        new, old = (getattr(getattr(each, section) if section else each, name) for each in (config, base))
        if new != old:
            changes.append(f"{key}={str(new).lower() if isinstance(new, bool) else new}")
    return tuple(changes)


def _allowed(name: str, default: object) -> str:
    if isinstance(default, bool):
        return "true, false"
    if name in _RANGES:
        least, most = _RANGES[name]
        return f"{least} to {most}"
    return ", ".join(_CHOICES.get(name, ()))


def _find(path: str | Path) -> Path:
    """A file, or the name of one of ours: "fast", "default", "quality"."""
    here = Path(__file__).parent
    places = (here / "configs", here.parent / "configs")  # in a wheel, in a checkout
    named = [place / f"{path}.toml" for place in places if str(path).isalpha()]
    return next((file for file in named if file.is_file() and not Path(path).exists()), Path(path))


def _nest(keys: list[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _merge(section: Any, table: dict[str, Any], where: str) -> Any:
    hints = get_type_hints(type(section))
    changes: dict[str, Any] = {}
    for key, value in table.items():
        if key not in hints:
            known = ", ".join(f.name for f in fields(section))
            raise ConfigError(f"{where}: unknown key {key!r}. Known: {known}.")
        current = getattr(section, key)
        if hasattr(current, "__dataclass_fields__"):
            if not isinstance(value, dict):
                raise ConfigError(f"{where}: {key} is a section, write [{key}] or {key}.NAME=value.")
            inner = f"{where} [{key}]" if not where.startswith("--set") else where
            changes[key] = _merge(current, value, inner)
        else:
            changes[key] = _checked(key, value, hints[key], where)
    return replace(section, **changes)


def _checked(key: str, value: Any, hint: Any, where: str) -> Any:
    allowed = get_args(hint) or (hint,)
    if float in allowed and type(value) is int:
        return float(value)
    if type(value) not in allowed:
        raise ConfigError(f"{where}: {key} is {value!r}, needed {' or '.join(t.__name__ for t in allowed)}.")
    if value not in _CHOICES.get(key, (value,)):
        raise ConfigError(f"{where}: {key} is {value!r}. Known: {', '.join(_CHOICES[key])}.")
    least, most = _RANGES.get(key, (value, value))
    if not least <= value <= most:
        raise ConfigError(f"{where}: {key} is {value}, needed {least} to {most}.")
    return value
