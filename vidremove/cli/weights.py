"""`vidremove weights`: list, get, check, path, add."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vidremove.cli.console import Reporter
from vidremove.errors import PluginError

if TYPE_CHECKING:
    from vidremove.published import Published


def add_weights(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The verb and what can be done with weights."""
    parser = verbs.add_parser("weights", help="the weights of the networks: list, get, check, path, add")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, run, text in (
        ("list", run_list, "what there is, whether it is here, its licence"),
        ("get", run_get, "fetch weights; asks first"),
        ("check", run_check, "compare what is here with its hashes and its network"),
        ("path", run_path, "where weights are kept"),
        ("add", run_add, "take weights from a file that was fetched by hand"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.set_defaults(run=run)
        action.add_argument("--json", action="store_true", help="events as JSON lines on standard output")
        if name in ("get", "add"):
            action.add_argument("name", metavar="NAME", help="a name of vidremove weights list")
        if name in ("check", "path"):
            action.add_argument(
                "name", metavar="NAME", nargs="?", help="a name of vidremove weights list; default: all"
            )
        if name == "get":
            action.add_argument("--yes", action="store_true", help="do not ask")
        if name == "add":
            action.add_argument("file", metavar="FILE", type=Path, help="the file as its authors publish it")


def run_list(args: argparse.Namespace, reporter: Reporter) -> None:
    """What there is."""
    from vidremove.weights import list_weights

    for status in list_weights():
        known = status.published
        if reporter.as_json:
            reporter.event("weights", name=known.name, state=status.state, what=known.what, licence=known.licence)
            continue
        size = known.sources[0].size
        print(f"{known.name:<20} {status.state:<8} {f'{size / 1e6:.0f} MB' if size else '':>7}  {known.what}")
        print(f"{'':<20} licence: {known.licence}; {known.use}")


def run_get(args: argparse.Namespace, reporter: Reporter) -> None:
    """Fetch weights, after a yes."""
    from vidremove.weights import find, folder, get, offline

    known = find(args.name)
    kept = any((folder() / source.file).is_file() for source in known.sources)
    if not args.yes and (kept or not offline()):  # where the network is forbidden, there is nothing to agree to
        _describe(known, reporter)
        if not _agreed():
            raise PluginError(f"{known.name}: not fetched. Say yes, or give --yes.")
    _done(reporter, args.name, get(args.name, reporter.step))


def offer(names: Sequence[str], yes: bool, reporter: Reporter) -> None:
    """Fetch what is needed and not here: after a yes on a terminal, or with `yes`; else the verb will say how.

    Raises: PluginError where it cannot be fetched.
    """
    from vidremove.weights import find, get, kept_file, offline

    may_ask = sys.stdin.isatty() and not reporter.as_json
    for known in map(find, names):
        if kept_file(known).is_file() or offline() or not (yes or may_ask):
            continue
        _describe(known, reporter)
        if yes or _agreed():
            _done(reporter, known.name, get(known.name, reporter.step))


def _describe(known: "Published", reporter: Reporter) -> None:
    """What it is, where it comes from, and under which terms."""
    size = known.sources[0].size
    reporter.say(f"{known.name}: {known.what}{f', {size / 1e6:.0f} MB' if size else ''}, from {known.sources[0].url}")
    reporter.say(f"licence: {known.licence}; {known.use}")


def _agreed() -> bool:
    try:
        return input("Fetch it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def run_check(args: argparse.Namespace, reporter: Reporter) -> None:
    """Compare what is here with its hashes and its network."""
    from vidremove.weights import check

    found = check(args.name)
    for status in found:
        if reporter.as_json:
            reporter.event("weights", name=status.published.name, state=status.state, note=status.note)
        else:
            print(f"{status.published.name:<20} {status.state:<8} {status.note}".rstrip())
    if damaged := [status.published.name for status in found if status.state == "damaged"]:
        raise PluginError(f"damaged: {', '.join(damaged)}.")
    if args.name and found[0].state == "missing":
        raise PluginError(f"{args.name}: not here. Fetch it: vidremove weights get {args.name}")


def run_path(args: argparse.Namespace, reporter: Reporter) -> None:
    """Where weights are kept."""
    from vidremove.weights import folder, path

    print(path(args.name) if args.name else folder())


def run_add(args: argparse.Namespace, reporter: Reporter) -> None:
    """Take weights from a file."""
    from vidremove.weights import add

    _done(reporter, args.name, add(args.name, args.file))


def _done(reporter: Reporter, name: str, file: Path) -> None:
    if reporter.as_json:
        reporter.event("done", name=name, file=str(file))
    else:
        reporter.say(f"{name}: ready in {file}.")
