import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app import removing
from app.hosting import Hosting
from app.opening import open_path
from app.outcomes import beside, find_outcomes
from app.prompting import apply_event
from app.removing import start
from app.restoring import restore
from app.running import Run
from app.saving import same_prompts
from app.session import Session, Settings, keep, take
from app.workspace import Workspace
from tests.app.conftest import collect, medium_of
from vidremove import load_config, remove, track
from vidremove.errors import Cancelled, OutputError
from vidremove.project import load_project
from vidremove.tracks import Track
from vidremove.types import OnProgress, Progress, Result

WAIT_S = 120


def click(session: Session) -> None:
    apply_event(session, {"kind": "click", "at": [90, 66], "frame": 6})


@pytest.fixture(autouse=True)
def closed(session: Session) -> Iterator[None]:
    """A track that was taken up is closed again."""
    yield
    if session.track is not None:
        session.track.close()


def run_of(session: Session) -> Run:
    start(session)
    assert session.run is not None, session.message
    assert session.run.wait(WAIT_S)
    return session.run


@pytest.fixture
def fast(session: Session) -> Session:
    """A visitor who has clicked and is in a hurry."""
    session.settings = Settings(preset="fast")
    click(session)
    return session


@pytest.mark.usefixtures("square")
def test_a_removal_runs_through_and_its_result_is_kept(fast: Session) -> None:
    run = run_of(fast)
    assert collect(fast)
    outcome = fast.outcomes[0]
    assert outcome.label == "Embedded · Fast"
    assert outcome.after.info.frames == 12
    assert outcome.after.source.path.parent == fast.files.results
    assert np.abs(outcome.after.at(6).astype(int) - medium_of(fast).at(6)).max() > 20
    assert "--click 90,66@6 --config fast" in outcome.command
    assert {"Tracking the object", "Removing"} <= {step.label for step in run.passes()}
    assert fast.said.kept
    assert not fast.busy
    assert [found.label for found in find_outcomes(fast.files)] == [outcome.label]


@pytest.mark.usefixtures("square")
def test_the_result_is_that_of_the_engine_and_its_project_repeats_it(fast: Session, tmp_path: Path) -> None:
    fast.settings = Settings(preset="fast", dilate=3, feather=1)
    run_of(fast)
    assert collect(fast)
    outcome, medium = fast.outcomes[0], medium_of(fast)
    config = load_config("fast", ["fill.dilate=3", "fill.feather=1"])
    remove(medium.source.path, tmp_path / "same.mp4", fast.said.kept, config=config)
    project = load_project(beside(outcome.result.target, "project.json"))
    assert project.config == config
    remove(project.source, tmp_path / "again.mp4", masks=project.track, config=project.config)
    first = outcome.result.target.read_bytes()
    assert (tmp_path / "same.mp4").read_bytes() == first
    assert (tmp_path / "again.mp4").read_bytes() == first


@pytest.mark.usefixtures("square")
def test_two_fills_share_one_track(fast: Session) -> None:
    fast.settings = dataclasses.replace(fast.settings, fill="patch+telea")
    run = run_of(fast)
    assert collect(fast)
    assert [outcome.label for outcome in fast.outcomes] == ["Embedded · Fast", "Telea · Fast"]
    labels = [step.label for step in run.passes()]
    assert labels.count("Tracking the object") == 1
    assert {"Embedded · Removing", "Telea · Removing"} <= set(labels)
    assert [outcome.result.target.stem for outcome in fast.outcomes] == ["1", "2"]
    assert "--fill telea" in fast.outcomes[1].command


@pytest.mark.usefixtures("square")
def test_cancel_keeps_the_first_of_two_and_the_prompts(fast: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    fast.settings = dataclasses.replace(fast.settings, fill="patch+telea")
    going, cancelled = threading.Event(), threading.Event()

    def second_stops(source: Path, target: Path, *, on_progress: OnProgress, **options: object) -> Result:
        if target.stem == "1":
            return remove(source, target, on_progress=on_progress, **options)  # type: ignore[arg-type]
        going.set()
        assert cancelled.wait(WAIT_S)
        assert on_progress(Progress("fill", 1, 12)) is False
        raise Cancelled("stopped")

    monkeypatch.setattr(removing, "remove", second_stops)
    start(fast)
    run = fast.run
    assert run is not None
    assert going.wait(WAIT_S)
    assert not collect(fast)
    click(fast)  # nothing is said while a run goes on
    run.stop()
    assert run.stopping
    cancelled.set()
    assert run.wait(WAIT_S)
    assert collect(fast)
    assert "stopped" in fast.message
    assert "Embedded" in fast.message
    assert [outcome.label for outcome in fast.outcomes] == ["Embedded · Fast"]
    assert not [file.name for file in fast.files.results.iterdir() if file.name.startswith("2")]
    assert [len(prompt.clicks) for prompt in fast.said.prompts] == [1]
    assert fast.track is not None  # what was tracked is kept too
    assert fast.track.keyframes == {"object 1": (6,)}


@pytest.mark.usefixtures("square")
def test_a_run_and_its_result_are_found_again_after_a_reload(fast: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    going, ended = threading.Event(), threading.Event()

    def slow(*args: object, on_progress: OnProgress, **options: object) -> Result:
        going.set()
        assert ended.wait(WAIT_S)
        return remove(*args, on_progress=on_progress, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(removing, "remove", slow)
    start(fast)
    assert going.wait(WAIT_S)
    again = restore(fast.files, Hosting())
    assert again.run is fast.run
    ended.set()
    assert again.run is not None
    assert again.run.wait(WAIT_S)
    assert collect(again)
    assert again.outcomes[0].result.changed == 12
    fast.track = again.track


@pytest.mark.usefixtures("square")
def test_a_track_that_is_current_is_used_and_no_other(fast: Session) -> None:
    keep(fast)
    track(medium_of(fast).source.path, fast.files.track, fast.said.kept, config=load_config("fast"))
    fast.track, fast.tracked = Track.open(fast.files.track), fast.said.kept
    run = run_of(fast)
    assert collect(fast)
    assert "Tracking the object" not in {step.label for step in run.passes()}
    click(fast)
    run = run_of(fast)
    assert collect(fast)
    assert "Tracking the object" in {step.label for step in run.passes()}
    assert same_prompts(fast.tracked, fast.said.kept)


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
def test_a_run_that_fails_says_why_and_leaves_nothing(
    fast: Session, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    def fail(*args: object, **options: object) -> Result:
        raise error

    monkeypatch.setattr(removing, "remove", fail)
    run_of(fast)
    assert not collect(fast)
    assert words in fast.message
    assert fast.said.prompts
    assert not list(fast.files.results.iterdir())


@pytest.mark.usefixtures("square")
@pytest.mark.parametrize("kind", ["photo", "folder"])
def test_photos_and_folders_come_back_as_such(session: Session, tmp_path: Path, kind: str) -> None:
    from vidremove.media import write_picture

    clip, folder = medium_of(session), tmp_path / "frames"
    folder.mkdir()
    for number in range(1 if kind == "photo" else 3):
        write_picture(folder / f"{number}.png", clip.at(number), clip.source.path)
    visitor = Session(settings=Settings(preset="fast"))
    take(visitor, open_path(str(folder / "0.png" if kind == "photo" else folder)), Workspace.new())
    apply_event(visitor, {"kind": "click", "at": [60, 60], "frame": 0})
    run_of(visitor)
    assert collect(visitor), visitor.message
    target = visitor.outcomes[0].result.target
    assert target.is_dir() if kind == "folder" else target.suffix == ".png"
    assert (visitor.track is None) is (kind == "photo")
    session.track = visitor.track


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
