import subprocess
import sys
from pathlib import Path

import pytest

from vidremove.cli import app as launcher
from vidremove.cli.main import main, make_parser


def test_the_server_is_for_this_computer_and_tells_nobody() -> None:
    words = " ".join(launcher.server_arguments(8600, True))
    assert "--server.address localhost" in words
    assert "--browser.gatherUsageStats false" in words
    assert "--server.maxUploadSize 4000" in words
    assert "--server.port 8600" in words
    assert launcher.page_path().name == "main.py"


def test_a_file_that_is_not_there_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", "/no/such.mp4"]) == 1
    assert "no such file" in capsys.readouterr().err


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
