import json
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import streamlit as st

from app import comparing, playing, results, taking
from app.comparing import SOURCE, difference, name_of, number_of_left, number_of_right, pictures
from app.files import find_offer, zip_pieces
from app.opening import open_path
from app.outcomes import Outcome, find_outcomes, keep_outcome
from app.prompting import apply_event
from app.removing import start
from app.session import COMPARE, POINT, Session, Settings, take
from app.workspace import Workspace
from tests.app.conftest import collect, medium_of
from tests.media_clips import make_clip
from vidremove.cli.main import main
from vidremove.errors import InputError
from vidremove.media import write_picture
from vidremove.types import Result

WAIT_S = 120
pytestmark = pytest.mark.usefixtures("square")


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the visitor has chosen on the page."""
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    return state


@pytest.fixture
def done(session: Session, chosen: dict[str, Any]) -> Iterator[Session]:
    """A visitor with two results."""
    session.settings = Settings(preset="fast", fill="patch+telea")
    apply_event(session, {"kind": "click", "at": [90, 66], "frame": 6})
    start(session)
    assert session.run is not None, session.message
    assert session.run.wait(WAIT_S)
    assert collect(session), session.message
    yield session
    assert session.track is not None
    session.track.close()


def archive_of(url: str) -> zipfile.ZipFile:
    offer = find_offer(url.rpartition("/")[2])
    assert offer is not None
    assert offer.members is not None
    return zipfile.ZipFile(BytesIO(b"".join(zip_pieces(offer.members()))))


def links_of(session: Session, number: int = 0) -> dict[str, str]:
    links = taking.list_links(session.outcomes[number].result.target, medium_of(session))
    return {link["label"]: link["url"] for link in links}


def test_the_last_result_is_compared_with_the_source(done: Session, chosen: dict[str, Any]) -> None:
    assert (number_of_left(done), number_of_right(done)) == (SOURCE, 1)
    left, right = pictures(done, 6)
    assert np.array_equal(left, medium_of(done).at(6))
    assert np.array_equal(right, done.outcomes[1].after.at(6))
    chosen.update(left=1, right=0)
    assert (number_of_left(done), number_of_right(done)) == (1, 0)
    assert np.array_equal(pictures(done, 6)[0], right)
    chosen.update(left=0, right=0)  # one with itself is no comparison
    assert number_of_left(done) == SOURCE
    chosen.update(right=7)
    assert number_of_right(done) == 1
    assert name_of(done, 1) == "Result 2 · Telea · Fast"
    chosen.update(right=0)
    done.outcomes.append(done.outcomes[0])  # a new one is looked at
    assert number_of_right(done) == 2
    done.outcomes[0].accepted = True
    chosen.clear()  # another tab
    assert number_of_right(done) == 0
    done.outcomes[0].accepted = False


def test_the_difference_shows_where_and_how_much() -> None:
    left = np.full((40, 50, 3), 100, np.uint8)
    right = left.copy()
    right[10:20, 10:30, 1] += 40  # 10 % of the pixels
    right[0, 0] += 3  # as encoding does
    picture, words = difference(left, right)
    assert "10.0 %" in words
    assert "at most by 40" in words
    assert picture.shape == left.shape
    assert picture[15, 20].astype(int).sum() > picture[30, 40].astype(int).sum() + 100
    assert np.array_equal(picture[0, 0], picture[30, 40])


def test_one_result_is_accepted_at_a_time_and_that_is_kept(done: Session) -> None:
    results.accept_outcome(done, done.outcomes[0])
    results.accept_outcome(done, done.outcomes[1])
    assert [outcome.accepted for outcome in find_outcomes(done.files)] == [False, True]
    results.accept_outcome(done, done.outcomes[1], False)
    assert [outcome.accepted for outcome in find_outcomes(done.files)] == [False, False]


def test_a_deleted_result_leaves_nothing_and_the_others_stay(done: Session) -> None:
    done.view = COMPARE
    results.drop_outcome(done, done.outcomes[0])
    assert [outcome.label for outcome in find_outcomes(done.files)] == ["Telea · Fast"]
    assert {file.name.split(".")[0] for file in done.files.results.iterdir()} == {"2"}
    results.drop_outcome(done, done.outcomes[0])
    assert done.view == POINT
    assert not list(done.files.results.iterdir())
    assert done.said.prompts


def test_the_masks_are_taken_away_as_pictures(done: Session) -> None:
    with archive_of(links_of(done)["Masks"]) as archive:
        assert archive.namelist() == [f"{index:05d}.png" for index in range(12)]
        mask = cv2.imdecode(np.frombuffer(archive.read("00006.png"), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert mask.shape == medium_of(done).info.size
    assert set(np.unique(mask)) == {0, 255}
    assert mask[66, 90] == 255


def test_the_settings_that_are_taken_away_repeat_the_run(done: Session, tmp_path: Path) -> None:
    with archive_of(links_of(done, 1)["Settings for the command line"]) as archive:
        archive.extractall(tmp_path)
    table = json.loads((tmp_path / "clean.json").read_text())
    assert table["source"] == str(medium_of(done).source.path)
    target = tmp_path / "again.mp4"
    assert main(["remove", "--project", str(tmp_path / "clean.json"), str(target), "--quiet"]) == 0
    assert target.read_bytes() == done.outcomes[1].result.target.read_bytes()


def test_the_layer_is_made_when_it_is_asked_for(done: Session) -> None:
    assert "Fill as a layer" not in links_of(done)
    taking.start_layer(done, done.outcomes[0])
    run = done.run
    assert run is not None, done.message
    assert run.wait(WAIT_S)
    assert not run.error
    with archive_of(links_of(done)["Fill as a layer"]) as archive:
        assert len(archive.namelist()) == 12
        layer = cv2.imdecode(np.frombuffer(archive.read("00006.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    assert layer.shape == (*medium_of(done).info.size, 4)
    assert layer[66, 90, 3] == 255
    assert layer[0, 0, 3] == 0
    assert {file.name for file in done.files.results.glob("1.*")} == {
        "1.json", "1.mp4", "1.track", "1.layer", "1.project.json",
    }  # fmt: skip


def test_a_folder_of_frames_is_taken_away_with_its_names(session: Session, tmp_path: Path) -> None:
    folder, clip = tmp_path / "frames", medium_of(session)
    folder.mkdir()
    for number in (7, 8):
        write_picture(folder / f"shot_{number}.png", clip.at(number), clip.source.path)
    visitor = Session(settings=Settings(preset="fast"))
    take(visitor, open_path(str(folder)), Workspace.new())
    apply_event(visitor, {"kind": "click", "at": [90, 66], "frame": 0})
    start(visitor)
    assert visitor.run is not None, visitor.message
    assert visitor.run.wait(WAIT_S)
    assert collect(visitor), visitor.message
    taking.start_layer(visitor, visitor.outcomes[0])
    assert visitor.run.wait(WAIT_S)
    assert not visitor.run.error
    for label in ("Download the frames", "Masks", "Fill as a layer"):
        with archive_of(links_of(visitor)[label]) as archive:
            assert archive.namelist() == ["shot_7.png", "shot_8.png"], label
    visitor.track.close()


def test_an_uploaded_clip_is_named_as_it_was_given(done: Session) -> None:
    target = done.outcomes[0].result.target
    for name, content in taking.project_members(target, "my clip.mp4"):
        if name == "clean.json":
            assert isinstance(content, Path)
            assert json.loads(content.read_text())["source"] == "my clip.mp4"


def test_a_copy_is_saved_and_nothing_is_replaced(done: Session, tmp_path: Path) -> None:
    outcome = done.outcomes[0]
    assert str(tmp_path / "clean.mp4") in taking.save_copy(outcome, str(tmp_path))
    assert (tmp_path / "clean.mp4").read_bytes() == outcome.result.target.read_bytes()
    with pytest.raises(InputError, match="exists already"):
        taking.save_copy(outcome, f' "{tmp_path}/clean.mp4" ')
    assert "other.mp4" in taking.save_copy(outcome, str(tmp_path / "other"))
    for wrong, words in (("", "no path"), ("clean.mp4", "whole path"), ("/no/such/clean.mp4", "cannot be written")):
        with pytest.raises(InputError, match=words):
            taking.save_copy(outcome, wrong)


def test_clips_that_browsers_play_are_played_as_they_are(done: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(playing, "show_player", lambda data, on_event: shown.append(data))
    done.frame = 3
    playing.show_clips(done)
    offers = [find_offer(shown[0][side].rpartition("/")[2]) for side in ("left", "right")]
    paths = [offer.path for offer in offers if offer is not None]
    assert paths == [medium_of(done).source.path, done.outcomes[1].result.target]
    assert shown[0]["note"] == ""
    assert shown[0]["start"] == pytest.approx(3.5 / float(medium_of(done).info.rate))


def test_others_are_copied_small_in_the_background(done: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(playing, "show_player", lambda data, on_event: shown.append(data))
    monkeypatch.setattr(playing, "_show_waiting", lambda runs: [run.wait(WAIT_S) for run in runs])
    target = done.files.new_result(".mkv")
    make_clip(target, codec="ffv1", size=medium_of(done).info.size)
    keep_outcome(done.files, Outcome(Result(target, 12, 12, 1, 1.0), "vidremove", "FFV1"))
    done.outcomes = find_outcomes(done.files, done.outcomes)
    playing.show_clips(done)
    assert not shown
    playing.show_clips(done)
    assert "small copy" in shown[0]["note"]
    assert (done.files.results / "3.proxy.mp4").is_file()
    assert (done.files.path / "source.proxy.mp4").is_file()


def test_a_clip_with_uneven_times_begins_at_the_frame(done: Session, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "uneven.mp4", pts=[10, 11, 20, 50])
    medium = open_path(str(clip))
    assert [playing.time_of(medium, frame) for frame in range(3)] == pytest.approx([0.02, 0.22, 1.0])
    assert [medium.source.index_at(playing.time_of(medium, frame)) for frame in range(4)] == [0, 1, 2, 3]
    medium.close()


def test_what_the_browser_fails_to_play_is_copied(done: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[Any] = []
    monkeypatch.setattr(playing, "_show_waiting", lambda runs: waited.extend(run.wait(WAIT_S) for run in runs))
    playing.apply_pause(done, {"failed": True})
    playing.show_clips(done)
    assert waited == [True, True]


def test_where_the_clips_were_stopped_is_the_frame(done: Session) -> None:
    rate = float(medium_of(done).info.rate)
    playing.apply_pause(done, {"time": 4.5 / rate})
    assert done.frame == 4
    for odd in (None, {}, {"time": "x"}, {"time": -1}, {"time": float("nan")}, {"time": True}):
        playing.apply_pause(done, odd)
    assert done.frame == 4
    playing.apply_pause(done, {"time": 1e9})
    assert done.frame == 11


def test_a_result_whose_file_is_gone_is_told(done: Session, chosen: dict[str, Any]) -> None:
    done.outcomes[1].result.target.unlink()
    with pytest.raises((InputError, OSError)):
        comparing.pictures(done, 0)
