import argparse
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
from threadpoolctl import threadpool_info

from vidremove.choices import name_weights
from vidremove.cli.console import Reporter
from vidremove.cli.options import parse_rate
from vidremove.cli.weights import offer
from vidremove.config import Config, load_config
from vidremove.job import _one_thread_a_call
from vidremove.types import Prompt


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("29.97", Fraction(2997, 100)),
        ("30000/1001", Fraction(30000, 1001)),
        ("23.976023976", Fraction(24000, 1001)),
        ("29.97002997", Fraction(30000, 1001)),
        (".5", Fraction(1, 2)),
    ],
)
def test_rates(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "0", "x", "1/0", "1e999999999", "1e3", "-5", "1001", "1_0"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="frames per second"):
        parse_rate(text)


def test_threads_are_as_before_after_runs_that_overlap() -> None:
    def now() -> tuple[int, list[int]]:
        return cv2.getNumThreads(), [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = now()
    one, other = _one_thread_a_call(), _one_thread_a_call()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert now()[0] == 1
    assert set(now()[1]) <= {1}
    other.__exit__(None, None, None)
    assert now() == before


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
@pytest.mark.parametrize("ignored", [True, False])
def test_a_hangup_that_is_ignored_stays_ignored(ignored: bool) -> None:
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_{}); from vidremove.cli.main import main; "
        "main(['doctor', '--json']); print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    ).format("IGN" if ignored else "DFL")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == str(ignored)


def test_missing_weights_are_offered_by_what_is_asked_for() -> None:
    words, point = Prompt(text="the dog"), Prompt(clicks=((1, 2),))
    assert name_weights(Config(), [point]) == []
    assert name_weights(Config(), [point, words]) == ["lavt"]
    assert name_weights(load_config(overrides=["fill.inpainter=both"]), [point]) == ["lama", "mat"]
    chosen = load_config(overrides=["track.segmenter=transfiner", "track.point_weights=transfiner-r101"])
    assert name_weights(chosen, [point]) == ["transfiner-r101"]


@pytest.mark.parametrize(("answer", "yes", "fetched"), [("y", False, True), ("", False, False), ("", True, True)])
def test_weights_are_fetched_after_a_yes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: str, yes: bool, fetched: bool
) -> None:
    got: list[str] = []

    def get(name: str, on_progress: object = None) -> Path:
        got.append(name)
        return tmp_path / name

    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path))
    monkeypatch.delenv("VIDREMOVE_OFFLINE", raising=False)
    monkeypatch.setattr("vidremove.weights.get", get)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    offer(["lama"], yes, Reporter(as_json=False, quiet=True))
    assert got == (["lama"] if fetched else [])
    monkeypatch.setenv("VIDREMOVE_OFFLINE", "1")
    offer(["mat"], True, Reporter(as_json=False, quiet=True))
    assert "mat" not in got
