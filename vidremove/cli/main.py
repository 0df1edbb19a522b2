"""The command line: its verbs, and what becomes of errors and interruptions."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

from vidremove.cli import options, verbs
from vidremove.cli.app import run_app
from vidremove.cli.console import Reporter
from vidremove.cli.weights import add_weights
from vidremove.config import list_settings
from vidremove.errors import VidremoveError

EXAMPLES = """examples:
  vidremove remove  clip.mp4  clean.mp4 --click 310,205           a point on the object, first frame
  vidremove remove  clip.mp4  clean.mp4 --click 310,205@42 --not 280,190@42 --box 40,30,200,310@90
  vidremove remove  frames/   clean/    --mask first.png          a frame folder in, a frame folder out
  vidremove remove  photo.jpg clean.png --box 40,30,200,310       one picture
  vidremove remove  clip.mp4  clean.mp4 --mask masks/             one mask a frame: nothing is tracked
  vidremove track   clip.mp4  masks/    --click 310,205           masks only
  vidremove track   clip.mp4  x.track   --click 310,205           masks to correct and to remove with
  vidremove correct clip.mp4  x.track   --click 330,190@57        track again round frame 57 only
  vidremove remove  clip.mp4  clean.mp4 --mask x.track            what the track shows
  vidremove preview clip.mp4  look.png  --click 310,205           the mask in red, the filled frame beside it
  vidremove preview clip.mp4  look.mp4  --click 310,205@42        the same for one second
  vidremove remove  --project project.json                        what the app, or --save-project, has written down
  vidremove demo                                                  try it on a clip that it draws itself
"""


def make_parser() -> argparse.ArgumentParser:
    """All verbs and options."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="vidremove",
        description="Remove an object from a clip, a folder of frames or a photo.",
        epilog=EXAMPLES,
        formatter_class=layout,
    )
    parser.add_argument("--version", action="version", version=f"vidremove {program_version()}")
    known = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_main_verbs(known, EXAMPLES + tell_settings())
    demo = known.add_parser("demo", help="draw a clip, remove the figure from it, show where the results are")
    demo.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", default=Path("demo"), help="default: demo")
    options.add_output(demo)
    demo.set_defaults(run=verbs.run_demo)
    doctor = known.add_parser("doctor", help="device, codecs, weights present, what each choice will use")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    doctor.set_defaults(run=verbs.run_doctor)
    add_weights(known)
    app = known.add_parser("app", help="open the page in a browser: point, check, remove, compare")
    options.add_app(app)
    app.set_defaults(run=run_app)
    return parser


def _add_main_verbs(known: "argparse._SubParsersAction[argparse.ArgumentParser]", epilog: str) -> None:
    """Those that work on a source."""
    layout = argparse.RawDescriptionHelpFormatter
    for name, run, text in (
        ("remove", verbs.run_remove, "remove the object; the kind of SOURCE decides how"),
        ("track", verbs.run_track, "masks only: PNG pictures, one a frame, or NAME.track, which can be corrected"),
        ("preview", verbs.run_preview, "one frame, or a second: the mask in red, and the filled frame beside it"),
    ):
        verb = known.add_parser(name, help=text, description=text, epilog=epilog, formatter_class=layout)
        verb.set_defaults(run=run, prompts=[])
        options.add_common(verb, project=True)
        options.add_prompts(verb)
        if name == "preview":
            verb.add_argument("--frame", type=int, help="frame to show; default: the first prompt's")
        else:
            options.add_range(verb)
            verb.add_argument(
                "--save-project", type=Path, metavar="FILE", help="also write what was said as a project, FILE.json"
            )
        if name != "track":
            options.add_fill(verb)
        if name == "remove":
            verb.add_argument("--save-masks", type=Path, metavar="DIR", help="also write the masks as PNG pictures")
            verb.add_argument("--layer", type=Path, metavar="DIR", help="also write the fill alone, as PNGs with alpha")
    text = "add prompts to a track; only the frames up to the neighbouring prompts are tracked again"
    mend = known.add_parser("correct", help=text, description=text, epilog=epilog, formatter_class=layout)
    mend.set_defaults(run=verbs.run_correct, prompts=[])
    options.add_common(mend, track=True)
    options.add_prompts(mend)


def tell_settings() -> str:
    """The settings as a table: key, default, what else it may be."""
    rows = [f"  {key:<22} {default:<9} {allowed}".rstrip() for key, default, allowed in list_settings()]
    return "\n".join(("\nsettings for --set, their defaults (-1: chosen for you) and what they may be:", *rows, ""))


def program_version() -> str:
    """Version of the installed package, "0+unknown" when run from a checkout that is not installed."""
    try:
        return version("vidremove")
    except PackageNotFoundError:
        return "0+unknown"


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb. Returns: 0; 1 for an error that the user can put right, 2 for wrong usage; 130 when interrupted."""
    args = make_parser().parse_args(arguments)
    for name in ("SIGTERM", "SIGHUP"):  # the latter is unknown to Windows
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, _stop)
    run: Callable[[argparse.Namespace, Reporter], None] = args.run
    reporter = Reporter(as_json=getattr(args, "json", False), quiet=getattr(args, "quiet", False))
    try:
        with reporter:
            run(args, reporter)
    except options.UsageError as error:
        return _fail(reporter, str(error), 2)
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
