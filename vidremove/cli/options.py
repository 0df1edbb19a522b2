"""Options that several verbs share, and how their values are read."""

import argparse
import re
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidremove.errors import InputError
from vidremove.types import Moment

_RATE = re.compile(r"\d{1,9}(\.\d{0,12})?|\d{0,9}\.\d{1,12}|\d{1,9}/\d{1,9}")


class UsageError(InputError):
    """Options that do not go together; the exit code is 2 as for an option that is unknown."""


class _Say(argparse.Action):
    """Keep the prompts in the order in which they were written, since --object speaks for what follows it."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        namespace.prompts = [*(namespace.prompts or []), (self.const, values)]


def parse_moment(text: str) -> Moment:
    """`120` is a frame; `4.5s`, `0:04.5` and `1:02:03` are times, in seconds."""
    if text.isdecimal():
        return int(text)
    parts = text.removesuffix("s").split(":")
    seconds = -1.0
    if len(parts) <= 3 and (text.endswith("s") or len(parts) > 1):
        try:
            seconds = sum(float(part) * 60.0**place for place, part in enumerate(reversed(parts)))
        except ValueError:
            seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: needed a frame (120) or a time (4.5s, 0:04.5)")
    return seconds


def parse_rate(text: str) -> Fraction:
    """`25`, `29.97` or `30000/1001` frames per second."""
    rate = Fraction(0)
    if _RATE.fullmatch(text.strip()):
        with suppress(ZeroDivisionError):
            rate = Fraction(text.strip())
    rate = _settle(rate)
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r}: needed frames per second, such as 25 or 30000/1001")
    return rate


def _settle(rate: Fraction) -> Fraction:
    """The rate that was meant by many decimals, 23.976023976 for 24000/1001; one that files can say in any case."""
    for whole in (rate.limit_denominator(1), Fraction(round(rate * 1001), 1001)):
        if abs(whole - rate) < 1e-5:
            return whole
    return rate.limit_denominator(100_000)


def add_prompts(parser: argparse.ArgumentParser) -> None:
    """What to remove."""
    group = parser.add_argument_group("what to remove (each may be given again; @FRAME counts from 0)")
    for option, kind, shape, text in (
        ("--click", "click", "X,Y[@FRAME]", "a point on the object"),
        ("--not", "not", "X,Y[@FRAME]", "a point that does not belong to it"),
        ("--box", "box", "X0,Y0,X1,Y1[@FRAME]", "two opposite corners of a box round the object"),
        ("--mask", "mask", "PATH[@FRAME]", "a picture, white = remove; a track, folder or video with one mask a frame"),
        ("--text", "text", "PHRASE[@FRAME]", "the object in words (needs weights, see vidremove weights list)"),
        ("--object", "object", "NAME", "the prompts that follow are for another object, with this name"),
    ):
        group.add_argument(option, dest="prompts", action=_Say, const=kind, metavar=shape, help=text)


def add_output(parser: argparse.ArgumentParser) -> None:
    """How to tell what happens."""
    parser.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")


class _Project(argparse.Action):
    """Take the project's file; what it says need not be said again."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None
    ) -> None:
        namespace.project = values
        for place in self.const:
            place.required = False


def add_common(parser: argparse.ArgumentParser, *, project: bool = False, track: bool = False) -> None:
    """Source, target and settings; `project`: a project may name them; `track`: the target is one that exists."""
    where = "track to correct, made from SOURCE" if track else "where to write; an existing one is kept"
    places = [
        parser.add_argument("source", metavar="SOURCE", type=Path, help="video file, folder of pictures, or picture"),
        parser.add_argument("target", metavar="TRACK" if track else "TARGET", type=Path, help=where),
    ]
    parser.set_defaults(project=None, save_project=None)
    if project:
        parser.add_argument(
            "--project",
            action=_Project,
            const=places,
            type=Path,
            metavar="FILE",
            help="do what a project says, of the app or of --save-project; what else is given is added. "
            "SOURCE and TARGET may then be left out; one of them alone is TARGET",
        )
    parser.add_argument("--fps", type=parse_rate, metavar="RATE", help="frames per second of a frame folder")
    parser.add_argument("--config", metavar="FILE", help="settings: a TOML file, or fast, default or quality")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE", help="one setting: fill.dilate=4"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where networks run")
    parser.add_argument(
        "--precision", choices=("float32", "bfloat16", "float16"), help="of networks: half of it is faster on a GPU"
    )
    parser.add_argument("--yes", action="store_true", help="fetch weights that are needed and missing without asking")
    if not track:
        parser.add_argument("--overwrite", action="store_true", help="replace TARGET, once the new one is complete")
    add_output(parser)


def add_range(parser: argparse.ArgumentParser) -> None:
    """Which frames to work on."""
    parser.add_argument(
        "--start", type=parse_moment, metavar="MOMENT", help="work from this frame (120) or time (4.5s)"
    )
    parser.add_argument("--end", type=parse_moment, metavar="MOMENT", help="up to here; the rest is passed through")


def add_fill(parser: argparse.ArgumentParser) -> None:
    """How to fill."""
    parser.add_argument(
        "--dilate", type=int, metavar="PIXELS", help="grow the mask by this much (default: by the picture's size)"
    )
    parser.add_argument("--feather", type=int, metavar="PIXELS", help="fade the fill into the picture over this much")
    parser.add_argument(
        "--fill",
        metavar="NAME",
        help="inpainter for what no frame shows: patch, telea, lama, mat; "
        "both: frames twice as wide, LaMa's result on the left and MAT's on the right, for choosing",
    )
    parser.add_argument("--lossless", action="store_true", help="write video without loss")


def _megabytes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r}: needed megabytes, 1 to 1000000")
    return int(text)


def add_app(parser: argparse.ArgumentParser) -> None:
    """How to start the app."""
    parser.add_argument("file", metavar="FILE", type=Path, nargs="?", help="medium or project to open first")
    parser.add_argument("--port", type=int, default=8501, help="of this computer (default: 8501)")
    parser.add_argument(
        "--host", metavar="ADDRESS", default="localhost", help="serve it to others too, at this address (0.0.0.0: all)"
    )
    parser.add_argument(
        "--root", metavar="DIR", type=Path, help="with --host: the folder whose files others may open; none without it"
    )
    parser.add_argument(
        "--upload-limit", metavar="MB", type=_megabytes, default=4000, help="size of an upload (default: 4000)"
    )
    parser.add_argument("--no-browser", action="store_true", help="only serve; open no browser")
