from pathlib import Path

import cv2
import pytest

from app import tracking
from app.opening import open_path
from app.prompting import apply_event
from app.session import REVIEW, Said, Session, end_run, forget, take
from app.tracking import added_prompts, collect_track, current_masks, is_current, start_track
from app.trying import collect_trial, say_estimate, start_trial
from app.workspace import Workspace
from tests.app.conftest import SIZE
from vidremove.errors import OutputError
from vidremove.media import open_source
from vidremove.types import Prompt, Result

WAIT_S = 120
pytestmark = pytest.mark.usefixtures("square")


def click(session: Session, frame: int = 6, at: tuple[int, int] = (90, 66)) -> None:
    session.frame = frame
    apply_event(session, {"kind": "click", "at": list(at), "frame": frame})


def track_now(session: Session) -> bool:
    start_track(session)
    assert session.run is not None, session.message
    assert session.run.wait(WAIT_S)
    run = end_run(session)
    assert run is not None
    return collect_track(session, run)


def test_a_track_is_kept_on_disk_and_looked_at(session: Session) -> None:
    click(session)
    assert added_prompts(session) is None
    assert current_masks(session) is None
    assert track_now(session)
    track = session.track
    assert track is not None
    assert (track.frames, track.size, track.objects) == (12, SIZE, ("object 1",))
    assert track.area(6) > 100
    assert session.view == REVIEW
    assert is_current(session)
    assert current_masks(session) == session.files.track
    assert session.files.tracked.is_file()
    track.close()


def test_only_what_was_added_or_changed_is_tracked_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    click(session)
    assert track_now(session)
    first = session.track
    assert added_prompts(session) == ()
    click(session, 9, (100, 66))
    click(session, 6, (92, 66))
    assert not is_current(session)
    added = added_prompts(session)
    assert added is not None
    assert sorted(prompt.frame for prompt in added) == [6, 9]

    def never(*args: object, **options: object) -> Result:
        raise AssertionError("all was tracked anew")

    monkeypatch.setattr(tracking, "track", never)
    assert track_now(session)
    assert session.track is not first
    assert session.track is not None
    assert session.track.keyframes["object 1"] == (6, 9)
    assert is_current(session)
    session.track.close()


def test_what_was_taken_away_is_a_new_track(session: Session) -> None:
    session.said = Said((Prompt(6, "a", ((90, 66),)), Prompt(6, "b", ((40, 40),))), (), "a")
    assert track_now(session)
    forget(session, "b")
    assert added_prompts(session) is None
    assert track_now(session)
    assert session.track is not None
    assert session.track.objects == ("a",)
    session.track.close()


def test_nothing_said_is_nothing_tracked(session: Session) -> None:
    start_track(session)
    assert not session.busy
    assert "nothing says what to track" in session.message


def test_a_track_that_fails_says_why_and_keeps_the_one_before(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    click(session)
    assert track_now(session)
    before = session.track

    def fail(*args: object, **options: object) -> Result:
        raise OutputError("the disk is full.")

    monkeypatch.setattr(tracking, "correct", fail)
    click(session, 9)
    assert not track_now(session)
    assert session.message == "the disk is full."
    assert session.track is before
    assert before is not None
    before.close()


def test_one_second_is_tried_and_the_whole_estimated(session: Session) -> None:
    click(session)
    start_trial(session)
    assert session.run is not None, session.message
    assert session.run.wait(WAIT_S)
    run = end_run(session)
    assert run is not None
    assert collect_trial(session, run), session.message
    trial = session.trial
    assert trial.tracks
    assert trial.seconds > 0
    assert "the tracking included" in say_estimate(trial)
    with open_source(trial.target) as source:
        assert 1 <= source.info.frames <= 26
        assert source.info.size[1] > 2 * SIZE[1]
    start_trial(Session())  # nothing is open: nothing happens


def test_nothing_said_is_nothing_tried(session: Session) -> None:
    start_trial(session)
    assert not session.busy
    assert "nothing says what to remove" in session.message


def test_a_photo_is_tried_as_a_picture(clip: Path, tmp_path: Path) -> None:
    with open_source(clip) as source:
        cv2.imwrite(str(tmp_path / "photo.png"), source.at(6).image[:, :, ::-1])
    session = Session()
    take(session, open_path(str(tmp_path / "photo.png")), Workspace.new())
    click(session, 0)
    start_trial(session)
    assert session.run is not None, session.message
    assert session.run.wait(WAIT_S)
    run = end_run(session)
    assert run is not None
    assert collect_trial(session, run), session.message
    assert session.trial.target.suffix == ".png"
    assert say_estimate(session.trial) == "This is how it will look."
