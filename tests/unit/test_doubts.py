"""Doubts: made-up tracks in which one thing is odd."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vidremove.doubts import Doubt, doubt_scores, doubtful
from vidremove.tracks import Track, TrackSink
from vidremove.types import Key, MediaInfo, Shot

SIZE = (90, 160)
FRAMES = 30


def square(x: int, side: int = 20, y: int = 30) -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[max(y, 0) : max(y + side, 0), max(x, 0) : max(x + side, 0)] = True
    return mask


Make = Callable[..., Track]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A track of a square that moves 2 pixels a frame, with a keyframe at 0, but for some frames."""

    def write(
        odd: Mapping[int, np.ndarray],
        sure: Mapping[int, float] | None = None,
        cuts: tuple[int, ...] = (),
        keys: int = 0,
    ) -> Track:
        info = MediaInfo(tmp_path / "clip", "folder", SIZE, FRAMES, Fraction(1, 25), Fraction(25))
        with TrackSink(tmp_path / "a.track", info) as sink:
            for index in range(FRAMES):
                mask = odd.get(index, square(20 + 2 * index))
                sink.stores["man"].put(index, mask, (sure or {}).get(index, 0.97 if mask.any() else 0.0))
            bounds = [0, *cuts, FRAMES]
            shots = tuple(Shot(n, a, b) for n, (a, b) in enumerate(pairwise(bounds)))
            sink.finish(shots, (Key("man", keys, 0.9),))
        return Track.open(tmp_path / "a.track")

    return write


def worst(track: Track) -> tuple[int, str]:
    with track:
        found = doubtful(track)
        scores = doubt_scores(track, "man")
    assert [doubt.score for doubt in found] == sorted((doubt.score for doubt in found), reverse=True)
    assert all(doubt.object == "man" and 0 < doubt.score <= 1 for doubt in found)
    assert all(doubt.score == scores[doubt.frame] for doubt in found if "cut" not in doubt.reason)
    return found[0].frame, found[0].reason


def test_nothing_is_doubted_without_reason(make: Make) -> None:
    with make({}) as track:
        assert doubtful(track) == []
        assert doubt_scores(track, "man").max() < 0.2


def test_a_jump_of_the_size(make: Make) -> None:
    assert worst(make({i: square(20 + 2 * i, 40, 20) for i in range(12, FRAMES)})) == (12, "its size jumps")


def test_a_jump_of_the_place(make: Make) -> None:
    assert worst(make({i: square(50 + 2 * i) for i in range(18, FRAMES)}))[1] == "it jumps to another place"


def test_an_object_that_jumps_all_the_time_is_not_doubted_for_it(make: Make) -> None:
    with make({i: square(40 + 9 * (i % 2)) for i in range(FRAMES)}) as track:
        assert doubtful(track) == []


def test_unsure_frames_beside_each_other_are_one_doubt(make: Make) -> None:
    with make({}, {8: 0.8, 9: 0.6, 10: 0.8, 12: 0.8, 25: 0.7}) as track:
        found = doubtful(track)
    assert [(doubt.frame, doubt.reason) for doubt in found] == [(9, "the mask is unsure"), (25, "the mask is unsure")]


def test_a_keyframe_is_not_doubted_but_what_it_contradicts(make: Make) -> None:
    grown = {i: square(20 + 2 * i, 40, 20) for i in range(6, 15)}
    assert worst(make(grown, {15: 0.5}, keys=15)) == (14, "its size jumps")


def test_lost_inside_the_picture_is_worse_than_gone_at_its_edge(make: Make) -> None:
    empty = np.zeros(SIZE, np.bool_)
    with make({i: empty for i in range(20, FRAMES)}) as track:
        (inside,) = doubtful(track)
    assert (inside.frame, inside.reason) == (20, "it is lost")
    track.path.rename(track.path.with_name("b.track"))
    leaving = {i: square(20 + 8 * i) for i in range(20)}
    with make({**leaving, **{i: empty for i in range(18, FRAMES)}}) as track:
        gone = [doubt for doubt in doubtful(track) if doubt.reason == "it is lost"]
    assert [doubt.frame for doubt in gone] == [18]
    assert gone[0].score < 0.5 < inside.score


def test_found_again(make: Make) -> None:
    unsure = {14 + i: 0.5 + 0.05 * i for i in range(10)}
    with make({i: np.zeros(SIZE, np.bool_) for i in range(10, 14)}, unsure) as track:
        found = [(doubt.frame, doubt.reason) for doubt in doubtful(track)]
    assert found == [(14, "it is found again"), (10, "it is lost")]


def test_shots_in_which_it_was_not_tracked_are_told_once(make: Make) -> None:
    empty = np.zeros(SIZE, np.bool_)
    with make({i: empty for i in range(10, FRAMES)}, cuts=(10, 20)) as track:
        assert doubtful(track) == [Doubt(10, "man", 0.5, "nothing was tracked after the cut")]
        assert (doubt_scores(track, "man")[10:] == 0).all()


def test_one_frame_is_enough(make: Make, tmp_path: Path) -> None:
    info = MediaInfo(tmp_path / "photo", "photo", SIZE, 1, Fraction(1), Fraction(1))
    with TrackSink(tmp_path / "p.track", info) as sink:
        sink.stores["man"].put(0, square(3), 0.5)
        sink.finish((Shot(0, 0, 1),), (Key("man", 0, 0.5),))
    with Track.open(tmp_path / "p.track") as track:
        assert doubtful(track) == []
