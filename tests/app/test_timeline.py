from pathlib import Path

import numpy as np
import pytest

from app import scanning
from app.scanning import Look
from app.session import Said, Session
from app.timeline import apply_step, scan_of, sureness, timeline_data
from app.tracking import dismiss, open_doubts
from tests.app.conftest import SIZE, medium_of
from vidremove.media import open_source
from vidremove.tracks import Track, TrackSink
from vidremove.types import Key, Prompt, Shot

WAIT_S = 60
NOTHING = Look((), (), 0)


def write_track(path: Path, clip: Path, confidences: list[float], shots: tuple[Shot, ...]) -> Track:
    """One object that is there where the confidence is not 0, prompted on frame 6."""
    with open_source(clip) as source, TrackSink(path, source.info, overwrite=True) as sink:
        for index, confidence in enumerate(confidences):
            mask = np.zeros(SIZE, np.bool_)
            mask[20:60, 30 + index : 70 + index] = confidence > 0
            sink.stores["dog"].put(index, mask, confidence)
        sink.finish(shots, (Key("dog", 6, 0.9),))
    return Track.open(path)


@pytest.mark.parametrize(
    ("event", "frame"),
    [({"frame": 7}, 7), ({"frame": 99}, 11), ({"frame": -3}, 0), ({"frame": "7"}, 3), ({"frame": True}, 3), (None, 3)],
)
def test_a_step_goes_to_the_nearest_frame_there_is(session: Session, event: dict[str, object], frame: int) -> None:
    session.frame = 3
    apply_step(session, event)
    assert session.frame == frame


def test_prompts_are_marked_in_the_colours_of_their_objects(session: Session) -> None:
    session.said = Said((Prompt(2, "dog", ((5, 5),)), Prompt(9, "cat", ((5, 5),))), (), "cat")
    session.frame = 4
    data = timeline_data(session, medium_of(session), Look(("a", ""), (5,), 12))
    assert [(mark["frame"], mark["text"]) for mark in data["prompts"]] == [(2, "dog"), (9, "cat")]
    assert data["prompts"][0]["colour"] != data["prompts"][1]["colour"]
    assert (data["frames"], data["frame"], data["rate"], data["cuts"]) == (12, 4, 25.0, [5])
    assert (data["thumbs"], data["sure"], data["doubts"], data["note"]) == (["a", ""], None, [], "")


def test_what_is_not_looked_at_is_said(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_MOST_FRAMES", 5)
    assert timeline_data(session, medium_of(session), NOTHING)["note"].startswith("cuts after 0:00 are found when")


def test_a_track_tells_how_sure_it_is_and_where_to_look(session: Session, clip: Path, tmp_path: Path) -> None:
    confidences = [0.9, 0.9, 0.3, 0.9, 0.9, 0.9, 0.5, 0.9, 0.9, 0.0, 0.0, 0.0]
    shots = (Shot(0, 0, 8), Shot(1, 8, 12))
    session.track = write_track(tmp_path / "a.track", clip, confidences, shots)
    data = timeline_data(session, medium_of(session), Look(("",), (3,), 12))
    assert data["cuts"] == [8]
    assert data["sure"] == [0.9, 0.9, 0.3, 0.9, 0.9, 0.9, 1.0, 0.9, 0.9, -1.0, -1.0, -1.0]
    assert 2 in [doubt["frame"] for doubt in data["doubts"]]
    worst = open_doubts(session)[0]
    dismiss(session, worst)
    assert worst not in open_doubts(session)
    session.track.close()


def test_many_frames_are_told_by_the_least_sure_of_some(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.timeline._BINS", 4)
    confidences = [0.9, 0.2, 0.9, 0.8, 0.8, 0.0, 0.5, 0.7, 0.9, 0.0, 0.0, 0.0]
    with write_track(tmp_path / "a.track", clip, confidences, (Shot(0, 0, 12),)) as track:
        assert sureness(track) == [0.2, 0.8, 0.7, -1.0]


def test_the_look_through_ends_with_the_medium(session: Session) -> None:
    medium = medium_of(session)
    scan = scan_of(medium)
    assert scan_of(medium) is scan
    assert scan.wait(WAIT_S)
    assert all(scan.look.thumbs)
    medium.close()
