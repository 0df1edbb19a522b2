"""The command line: arguments to settings and prompts, then one verb."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType
from typing import Any

from vidremove.config import Config, load_config
from vidremove.console import Reporter
from vidremove.errors import InputError, VidremoveError
from vidremove.prompts import Spec, gather_prompts
from vidremove.types import Moment, Result

EXAMPLES = """examples:
  vidremove remove clip.mp4 clean.mp4 --click 310,205              a point on the object, first frame
  vidremove remove clip.mp4 clean.mp4 --click 310,205@42 --not 280,190@42 --box 40,30,200,310@90
  vidremove remove frames/ clean/ --mask first.png                 a frame folder in, a frame folder out
  vidremove remove photo.jpg clean.png --box 40,30,200,310         one picture
  vidremove remove clip.mp4 clean.mp4 --mask masks/                one mask a frame: nothing is tracked
  vidremove track clip.mp4 masks/ --click 310,205                  masks only
  vidremove preview clip.mp4 look.png --click 310,205              the mask in red, the filled frame beside it
  vidremove demo                                                   try it on a clip it draws itself
"""


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
    try:
        seconds = sum(float(part) * 60**place for place, part in enumerate(reversed(parts)))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf") or len(parts) > 3 or not (text.endswith("s") or ":" in text):
        raise argparse.ArgumentTypeError(f"{text!r}: needed a frame (120) or a time (4.5s, 0:04.5)")
    return seconds


def parse_rate(text: str) -> Fraction:
    """`25`, `29.97` or `30000/1001` frames per second."""
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r}: needed frames per second, such as 25 or 30000/1001")
    return rate


def _add_prompts(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what to remove (each may be given again; @FRAME counts from 0)")
    for option, kind, shape, text in (
        ("--click", "click", "X,Y[@FRAME]", "a point on the object"),
        ("--not", "not", "X,Y[@FRAME]", "a point that does not belong to it"),
        ("--box", "box", "X0,Y0,X1,Y1[@FRAME]", "two corners of a box round the object"),
        (
            "--mask",
            "mask",
            "PATH[@FRAME]",
            "a picture, white = remove; a folder or video of them: one a frame, no tracking",
        ),
        ("--text", "text", "PHRASE[@FRAME]", "the object in words (needs the weights of a text segmenter)"),
        ("--object", "object", "NAME", "the prompts that follow are for another object, with this name"),
    ):
        group.add_argument(option, dest="prompts", action=_Say, const=kind, metavar=shape, help=text)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--start", type=parse_moment, metavar="MOMENT", help="work from this frame (120) or time (4.5s) on"
    )
    parser.add_argument(
        "--end", type=parse_moment, metavar="MOMENT", help="up to, not including; the rest is passed through"
    )
    parser.add_argument("--fps", type=parse_rate, metavar="RATE", help="frames per second of a frame folder")
    parser.add_argument("--config", metavar="FILE", help="settings: a TOML file, or the name fast, default or quality")
    parser.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one setting, e.g. fill.dilate=4",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="where networks run")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace TARGET if it exists, once the new one is complete"
    )
    parser.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
    parser.add_argument("--quiet", action="store_true", help="no progress")


def _add_fill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dilate", type=int, metavar="PIXELS", help="grow the mask by this much")
    parser.add_argument("--feather", type=int, metavar="PIXELS", help="fade the fill into the picture over this much")
    parser.add_argument("--fill", metavar="NAME", help="inpainter for what no frame shows (patch, telea)")
    parser.add_argument("--lossless", action="store_true", help="write video without loss")


def make_parser() -> argparse.ArgumentParser:
    """All verbs and options."""
    parser = argparse.ArgumentParser(
        prog="vidremove",
        description="Remove an object from a clip, a folder of frames or a photo.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"vidremove {program_version()}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, run, text in (
        ("remove", run_remove, "remove the object; the kind of SOURCE decides how"),
        ("track", run_track, "masks only, as PNG pictures, one a frame"),
        ("preview", run_preview, "one frame: the mask in red, and the filled frame beside it"),
    ):
        verb = verbs.add_parser(
            name, help=text, description=text, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        verb.add_argument("source", metavar="SOURCE", type=Path, help="video file, folder of pictures, or picture")
        verb.add_argument(
            "target", metavar="TARGET", type=Path, help="where to write; an existing one is kept unless --overwrite"
        )
        verb.set_defaults(run=run, prompts=[])
        _add_prompts(verb)
        _add_common(verb)
        if name != "track":
            _add_fill(verb)
        if name == "remove":
            verb.add_argument("--save-masks", type=Path, metavar="DIR", help="also write the masks as PNG pictures")
        if name == "preview":
            verb.add_argument("--frame", type=int, help="frame to show; default: the first prompt's")
    demo = verbs.add_parser("demo", help="draw a clip, remove the figure from it, show where the results are")
    demo.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", default=Path("demo"), help="default: demo")
    demo.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
    demo.add_argument("--quiet", action="store_true", help="no progress")
    demo.set_defaults(run=run_demo)
    doctor = verbs.add_parser("doctor", help="device, codecs, weights present, what each choice will use")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(run=run_doctor)
    return parser


def program_version() -> str:
    """Version of the installed package, "0+unknown" when run from a checkout that is not installed."""
    try:
        return version("vidremove")
    except PackageNotFoundError:
        return "0+unknown"


def _config(args: argparse.Namespace) -> Config:
    overrides = list(args.overrides)
    for key, value in (
        ("fill.dilate", getattr(args, "dilate", None)),
        ("fill.feather", getattr(args, "feather", None)),
        ("fill.inpainter", getattr(args, "fill", None)),
        ("output.lossless", "true" if getattr(args, "lossless", False) else None),
        ("device", args.device),
    ):
        if value is not None:
            overrides.append(f"{key}={value}")
    return load_config(args.config, overrides)


def _prompts(specs: Sequence[Spec]) -> tuple[dict[str, Any], Path | None]:
    """Arguments of the verbs for what was said: prompts and mask pictures, or one mask a frame."""
    from vidremove.media import is_picture

    tracks = [
        Path(text) for kind, text in specs if kind == "mask" and not is_picture(Path(text.rpartition("@")[0] or text))
    ]
    if tracks:
        if len(specs) > 1:
            raise InputError(f"--mask {tracks[0]} gives one mask a frame: no other prompt can be added to it.")
        return {}, tracks[0]
    prompts, pictures = gather_prompts(specs)
    return {"prompts": prompts, "mask_pictures": pictures}, None


def run_remove(args: argparse.Namespace, reporter: Reporter) -> None:
    """The verb `remove`."""
    from vidremove import pipeline

    said, masks = _prompts(args.prompts)
    result = pipeline.remove(
        args.source,
        args.target,
        said.get("prompts", ()),
        mask_pictures=said.get("mask_pictures"),
        masks=masks,
        start=args.start,
        end=args.end,
        rate=args.fps,
        config=_config(args),
        save_masks=args.save_masks,
        overwrite=args.overwrite,
        on_progress=reporter.step,
    )
    _finish(result, reporter)


def run_track(args: argparse.Namespace, reporter: Reporter) -> None:
    """The verb `track`."""
    from vidremove import pipeline

    said, masks = _prompts(args.prompts)
    if masks is not None:
        raise InputError(f"--mask {masks} gives one mask a frame already: nothing is left to track.")
    result = pipeline.track(
        args.source,
        args.target,
        said["prompts"],
        mask_pictures=said["mask_pictures"],
        start=args.start,
        end=args.end,
        rate=args.fps,
        config=_config(args),
        overwrite=args.overwrite,
        on_progress=reporter.step,
    )
    _finish(result, reporter)


def run_preview(args: argparse.Namespace, reporter: Reporter) -> None:
    """The verb `preview`."""
    from vidremove import pipeline

    said, masks = _prompts(args.prompts)
    result = pipeline.preview(
        args.source,
        args.target,
        said.get("prompts", ()),
        mask_pictures=said.get("mask_pictures"),
        masks=masks,
        frame=args.frame,
        rate=args.fps,
        config=_config(args),
        overwrite=args.overwrite,
        on_progress=reporter.step,
    )
    _finish(result, reporter)


def run_demo(args: argparse.Namespace, reporter: Reporter) -> None:
    """The verb `demo`."""
    from vidremove.demo import run_demo as run

    for result in run(args.folder, reporter.step):
        _finish(result, reporter)


def run_doctor(args: argparse.Namespace, reporter: Reporter) -> None:
    """The verb `doctor`."""
    from vidremove.doctor import examine

    found = examine()
    if args.json:
        reporter.event("doctor", **found)
        return
    for title, rows in found.items():
        print(title)
        for name, value in rows.items():
            print(f"  {name:<22} {value}")


def _finish(result: Result, reporter: Reporter) -> None:
    if reporter.as_json:
        reporter.event(
            "done",
            target=str(result.target),
            frames=result.frames,
            changed=result.changed,
            shots=result.shots,
            seconds=result.seconds,
            notes=list(result.notes),
        )
        return
    for note in result.notes:
        reporter.say(f"note: {note}")
    reporter.say(f"{result.target}: {result.frames} frames, {result.changed} changed, {result.seconds:.1f} s.")


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Returns: 0; 1 for an error that the user can put right; 130 when interrupted."""
    args = make_parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    run: Callable[[argparse.Namespace, Reporter], None] = args.run
    reporter = Reporter(as_json=getattr(args, "json", False), quiet=getattr(args, "quiet", False))
    try:
        with reporter:
            run(args, reporter)
    except VidremoveError as error:
        return _fail(reporter, str(error), 1)
    except KeyboardInterrupt:
        return _fail(reporter, "stopped; nothing was written under the name of the target.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _fail(reporter: Reporter, message: str, code: int) -> int:
    if reporter.as_json:
        reporter.event("error", message=message, code=code)
    else:
        reporter.say(f"vidremove: {message}")
    return code


if __name__ == "__main__":
    sys.exit(main())
