"""`vidremove app`: start the page in app/ with Streamlit."""

import argparse
import os
from importlib.util import find_spec
from pathlib import Path

from vidremove.cli.console import Reporter
from vidremove.errors import InputError, PluginError

_START_WITH = "VIDREMOVE_APP_SOURCE"  # read by app/page.py
_UPLOAD_MB = 4000


def run_app(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove app`. Returns when the server is stopped.

    Raises: PluginError without Streamlit; InputError for a file that is not there.
    """
    if find_spec("streamlit") is None:
        raise PluginError('the app needs Streamlit: pip install "vidremove[app]".')
    if args.file is not None:
        if not args.file.exists():
            raise InputError(f"{args.file}: no such file or folder.")
        os.environ[_START_WITH] = str(args.file.absolute())
    from streamlit.web import cli

    reporter.say(f"opening http://localhost:{args.port}; Ctrl+C ends it.")
    cli.main(server_arguments(args.port, args.no_browser), standalone_mode=False)


def server_arguments(port: int, no_browser: bool) -> list[str]:
    """What Streamlit is told: this computer only, no telemetry, uploads of up to 4 GB."""
    options = {
        "server.address": "localhost",
        "server.port": port,
        "server.headless": str(no_browser).lower(),
        "server.maxUploadSize": _UPLOAD_MB,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
    }
    return ["run", str(page_path()), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]


def page_path() -> Path:
    """The script of the page: in a wheel, else in a checkout. Raises: PluginError if it is in neither."""
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "app", here.parent / "app"):
        if (folder / "main.py").is_file():
            return folder / "main.py"
    raise PluginError("the page of the app is missing: install vidremove again.")
