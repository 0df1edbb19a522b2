import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from app.workspace import HOME
from vidremove.cli import app as launcher
from vidremove.cli.main import main, make_parser


def options(*words: str) -> dict[str, str]:
    """What Streamlit is told."""
    told = launcher.server_arguments(make_parser().parse_args(["app", *words]))
    return dict(zip(told[2::2], told[3::2], strict=True))


def told(*words: str) -> dict[str, str]:
    """What the page is told."""
    return launcher.environment(make_parser().parse_args(["app", *words]))


def test_the_server_is_for_this_computer_and_tells_nobody() -> None:
    here = options("--port", "8600", "--no-browser")
    assert here["--server.address"] == "localhost"
    assert here["--server.port"] == "8600"
    assert here["--server.headless"] == "true"
    assert here["--server.maxUploadSize"] == "4000"
    assert here["--browser.gatherUsageStats"] == "false"
    assert here["--logger.hideWelcomeMessage"] == "true"
    assert "--server.allowedHosts" in here
    assert options()["--server.headless"] == "false"
    assert set(told().values()) == {"", "4000"}


def test_served_to_others_it_is_told_what_they_may_do(tmp_path: Path) -> None:
    shared = options("--host", "0.0.0.0", "--upload-limit", "20")
    assert shared["--server.address"] == "0.0.0.0"
    assert shared["--server.headless"] == "true"
    assert shared["--server.maxUploadSize"] == "20"
    assert shared["--client.showErrorDetails"] == "none"
    assert "--server.allowedHosts" not in shared
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    page = told("--host", "0.0.0.0", "--root", str(tmp_path / "link"))
    assert page["VIDREMOVE_APP_SHARED"] == "1"
    assert page["VIDREMOVE_APP_ROOT"] == str(tmp_path.resolve())


def test_streamlit_knows_every_option() -> None:
    from streamlit import config

    known = config.get_config_options()
    assert {option.removeprefix("--") for option in options()} <= set(known)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["/no/such.mp4"], 1, "no such file"),
        (["--host", "0.0.0.0", "--root", "/no/such"], 1, "no such file"),
        (["--host", "0.0.0.0", "--root", __file__], 1, "no folder"),
        (["--root", "/"], 2, "give --host too"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    assert main(["app", *words]) == code
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1e3", "99999999"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    with pytest.raises(SystemExit):
        make_parser().parse_args(["app", "--upload-limit", limit])


def test_without_streamlit_it_is_said_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "find_spec", lambda name: None)
    assert main(["app"]) == 1
    assert "vidremove[app]" in capsys.readouterr().err


def test_the_command_line_does_not_import_streamlit() -> None:
    make_parser()
    code = "import sys; from vidremove.cli.main import make_parser; make_parser(); sys.exit('streamlit' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_a_site_that_borrows_the_name_of_this_computer_is_turned_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "vidremove", "app", "--host", "127.0.0.1", "--port", str(port), "--no-browser"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], env={**os.environ, HOME: str(tmp_path)}) as server:
        try:
            assert ask(port, f"127.0.0.1:{port}").startswith(b"HTTP/1.1 101")
            assert ask(port, f"evil.example:{port}").startswith(b"HTTP/1.1 403")
        finally:
            server.terminate()


def ask(port: int, host: str) -> bytes:
    """What the server says to a page of `host` that wants to talk with it; waits until there is a server."""
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {host}",
        f"Origin: http://{host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    for _ in range(300):
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=30) as line:
            line.sendall("\r\n".join([*lines, "", ""]).encode())
            return line.recv(100)
        time.sleep(0.2)
    raise AssertionError("no server came")
