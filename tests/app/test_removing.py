import threading
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from app import removing
from app.prompting import apply_event
from app.removing import collect, start
from app.results import read_result
from app.running import Run
from app.session import Session, Settings
from tests.app.conftest import medium_of
from vidremove.errors import Cancelled, OutputError
from vidremove.types import OnProgress, Progress, Result

WAIT_S = 120


def click(session: Session) -> None:
    apply_event(session, {"kind": "click", "at": [90, 66], "frame": 6})


@pytest.mark.usefixtures("square")
def test_a_removal_runs_through_and_its_result_is_kept(session: Session) -> None:
    session.settings = Settings(preset="fast")
    click(session)
    start(session)
    run = session.run
    assert run is not None
    assert run.wait(WAIT_S)
    assert collect(session)
    outcome = session.outcome
    assert outcome is not None
    assert outcome.after.info.frames == 12
    assert outcome.after.source.path.parent == session.files.results
    assert np.abs(outcome.after.at(6).astype(int) - medium_of(session).at(6)).max() > 20
    assert read_result(outcome.after.source.path)[4:8] == b"ftyp"
    assert "--click 90,66@6 --config fast" in outcome.command
    labels = [step.label for step in run.passes()]
    assert {"Tracking the object", "Removing"} <= set(labels)
    assert session.said.kept
    assert not session.busy


@pytest.mark.usefixtures("square")
def test_cancel_keeps_the_prompts(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    going, cancelled = threading.Event(), threading.Event()

    def slow(*args: object, on_progress: OnProgress, **options: object) -> Result:
        on_progress(Progress("track", 1, 10))
        going.set()
        assert cancelled.wait(WAIT_S)
        if on_progress(Progress("track", 2, 10)) is False:
            raise Cancelled("stopped")
        raise AssertionError("it went on")

    monkeypatch.setattr(removing, "remove", slow)
    click(session)
    start(session)
    assert session.run is not None
    assert going.wait(WAIT_S)
    assert not collect(session)
    click(session)  # nothing is said while a run goes on
    session.run.cancel()
    assert session.run.stopping
    cancelled.set()
    assert session.run.wait(WAIT_S)
    assert not collect(session)
    assert "stopped" in session.message
    assert [len(prompt.clicks) for prompt in session.said.prompts] == [1]


def test_nothing_said_is_nothing_started(session: Session) -> None:
    start(session)
    assert not session.busy
    assert "nothing says what to remove" in session.message
    apply_event(session, {"kind": "not", "at": [9, 9], "frame": 0})
    start(session)
    assert not session.busy
    assert "click on the object first" in session.message


@pytest.mark.parametrize(
    ("error", "words"), [(OutputError("out.mp4: disk full."), "disk full"), (ValueError("odd"), "unexpectedly")]
)
@pytest.mark.usefixtures("square")
def test_a_run_that_fails_says_why(
    session: Session, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*args: object, **options: object) -> Result:
        raise error

    monkeypatch.setattr(removing, "remove", fail)
    click(session)
    start(session)
    assert session.run is not None
    assert session.run.wait(WAIT_S)
    assert not collect(session)
    assert words in session.message
    assert session.said.prompts


def test_progress_tells_share_rate_and_time_left(tmp_path: Path) -> None:
    def work(on_progress: OnProgress) -> Result:
        on_progress(Progress("shots", 0, 0))
        for done in range(1, 6):
            on_progress(Progress("fill", done, 10))
        return Result(tmp_path, 10, 10, 1, 0.1)

    run = Run(work)
    assert run.wait(WAIT_S)
    unknown, fill = run.passes()
    assert unknown.share == 0
    assert fill.share == 0.5
    assert fill.text.startswith("Removing · 5 of 10 · ")
    assert fill.text.endswith("s left")


def test_a_folder_is_taken_away_as_one_file(tmp_path: Path) -> None:
    for name in ("b.png", "a.png"):
        (tmp_path / name).write_bytes(name.encode())
    with zipfile.ZipFile(BytesIO(read_result(tmp_path))) as archive:
        assert archive.namelist() == ["a.png", "b.png"]
        assert archive.read("b.png") == b"b.png"
