"""`vidremove app`: start the page in app/ with Streamlit."""

import argparse
import os
from importlib.util import find_spec
from pathlib import Path

from vidremove.cli.console import Reporter
from vidremove.cli.options import UsageError
from vidremove.errors import InputError, PluginError

_HERE = ("localhost", "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")
_ACCENT = {"light": "#0f766e", "dark": "#0d9488"}  # one calm colour for what can be pressed


def run_app(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove app`. Returns when the server is stopped.

    Raises: PluginError without Streamlit; InputError for a file or folder that is not there; UsageError.
    """
    if find_spec("streamlit") is None:
        raise PluginError('the app needs Streamlit: pip install "vidremove[app]".')
    os.environ.update(environment(args))
    from streamlit.web import cli

    shared = args.host not in _HERE
    address = "localhost" if args.host in _EVERYWHERE else args.host
    reporter.say(f"opening http://{address}:{args.port}; Ctrl+C ends it.")
    if shared:
        what = f"open what is in {args.root}, and upload" if args.root else "upload"
        reporter.say(f"served on {args.host}: whoever reaches it may {what} up to {args.upload_limit} MB.")
    cli.main(server_arguments(args), standalone_mode=False)


def environment(args: argparse.Namespace) -> dict[str, str]:
    """What the page is told, see app/hosting.py. Raises: InputError, UsageError."""
    shared = args.host not in _HERE
    if args.root is not None and not shared:
        raise UsageError("--root confines what others may open: give --host too.")
    for path in (args.file, args.root):
        if path is not None and not path.exists():
            raise InputError(f"{path}: no such file or folder.")
    if args.root is not None and not args.root.is_dir():
        raise InputError(f"{args.root}: is no folder; --root needs one.")
    return {
        "VIDREMOVE_APP_SOURCE": str(args.file.absolute()) if args.file is not None else "",
        "VIDREMOVE_APP_ROOT": str(args.root.resolve()) if args.root is not None else "",
        "VIDREMOVE_APP_SHARED": "1" if shared else "",
        "VIDREMOVE_APP_UPLOAD_MB": str(args.upload_limit),
    }


def server_arguments(args: argparse.Namespace) -> list[str]:
    """What Streamlit is told: where to listen, how much to take, no telemetry, the colours."""
    options = {
        "server.address": args.host,
        "server.port": args.port,
        "server.headless": str(args.no_browser or args.host not in _HERE).lower(),
        "server.maxUploadSize": args.upload_limit,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none" if args.host not in _HERE else "full",
        "logger.hideWelcomeMessage": "true",  # which asks the net for this computer's address
        **{f"theme.{mode}.primaryColor": colour for mode, colour in _ACCENT.items()},
        "theme.baseRadius": "medium",
    }
    script = script_path("serving.py")  # the page, and a way to fetch files beside it
    words = [(f"--{name}", str(value)) for name, value in options.items()]
    if args.host in _HERE:  # else a site whose name suddenly leads to this computer could open its files
        words += [("--server.allowedHosts", name) for name in _HERE]
    return ["run", str(script), *(part for pair in words for part in pair)]


def script_path(name: str) -> Path:
    """A script of the app: in a wheel, else in a checkout. Raises: PluginError if it is in neither."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "app", here.parent / "app"):
        if (folder / name).is_file():
            return folder / name
    raise PluginError("the page of the app is missing: install vidremove again.")
