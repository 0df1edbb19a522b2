from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media_clips import decoded_planes, make_clip, packets_of, times_of
from vidremove.config import OutputConfig
from vidremove.media import open_sink, open_source, scrub
from vidremove.types import Frame

LOSSLESS = OutputConfig(lossless=True)


def box_mask(size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, np.bool_)
    mask[11:30, 13:41] = True
    return mask


def painted(frame: Frame, mask: np.ndarray) -> Frame:
    image = frame.image.copy()
    image[mask] = np.array([10, 200, 30]) * (1 if image.dtype == np.uint8 else 257)
    return replace(frame, image=image, mask=mask)


def carry(source: Path, target: Path, config: OutputConfig = LOSSLESS, paint: bool = False) -> list[str]:
    with open_source(source) as frames, open_sink(target, frames, config) as sink:
        for frame in frames.frames():
            sink.write(painted(frame, box_mask(frame.image.shape[:2])) if paint else frame)
    return sink.notes


def test_lossless_mp4_keeps_every_sample_time_and_audio_packet(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", audio="aac", pts=range(40), tags=(1, 1, 1, 1))
    carry(clip, tmp_path / "b.mp4")
    for before, after in zip(decoded_planes(clip), decoded_planes(tmp_path / "b.mp4"), strict=True):
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
    assert times_of(clip) == times_of(tmp_path / "b.mp4")
    assert packets_of(clip, "audio") == packets_of(tmp_path / "b.mp4", "audio")


@pytest.mark.parametrize("start", [0, 5])
def test_reversed_is_frames_backwards(tmp_path: Path, start: int) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(30), options={"g": "7"})
    with open_source(clip) as source:
        ahead = list(source.frames(start))
        back = list(source.reversed(start))
        assert [f.index for f in back] == list(range(29, start - 1, -1))
        for one, other in zip(ahead, back[::-1], strict=True):
            np.testing.assert_array_equal(one.image, other.image)


def test_random_access_is_exact(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(30), options={"g": "9"}, tags=(1, 6, 6, 6))
    with open_source(clip) as source:
        ahead = [f.image for f in source.frames()]
        for index in (17, 29, 0, 3, 22, 8, 28):
            frame = source.at(index)
            assert frame.index == index
            assert np.abs(frame.image.astype(int) - ahead[index]).mean() < 1.5


@pytest.mark.parametrize("gop", [1, 9, 60])
def test_steps_and_jumps_show_the_planes_of_their_frames(
    tmp_path: Path, gop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrub, "KEPT_BYTES", 12 * 3 * 48 * 64)
    clip = make_clip(tmp_path / "a.mp4", size=(48, 64), pts=range(60), options={"g": str(gop), "bf": "3"})
    with open_source(clip) as source:
        ahead = [frame.image for frame in source.frames()]
        steps = [*range(40, 59), *range(58, 5, -1), 59, 20, 31, 3, 4, 59, 0, *range(30, 60, 5), *range(50, 9, -3)]
        for index in steps:
            frame = source.at(index)
            assert frame.index == index
            if frame.native is None:  # by decord, which rounds colours otherwise
                assert np.abs(frame.image.astype(int) - ahead[index]).mean() < 1.5
            else:
                np.testing.assert_array_equal(frame.image, ahead[index])


def test_glimpses_are_small_and_look_like_their_frames(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", size=(48, 64), pts=range(8))
    with open_source(clip) as source:
        seen = list(source.glimpses(3, 6, 32))
        assert [frame.index for frame in seen] == [3, 4, 5]
        for glimpse, frame in zip(seen, source.frames(3, 6), strict=True):
            assert glimpse.image.shape == (24, 32, 3)
            small = cv2.resize(frame.image, (32, 24), interpolation=cv2.INTER_AREA)
            assert np.abs(glimpse.image.astype(int) - small).mean() < 8
            assert glimpse.pts == frame.pts


def test_index_at_gives_the_frame_shown(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", pts=[0, 40, 300, 340, 1000], time_base=Fraction(1, 1000))
    with open_source(clip) as source:
        assert [source.index_at(t) for t in (0, 0.039, 0.04, 0.299, 0.3, 0.5, 1, 99)] == [0, 0, 1, 1, 2, 3, 4, 5]


def test_uneven_times_go_into_avi(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=[0, 3003, 6100, 9200], time_base=Fraction(1, 90000))
    with open_source(clip) as source, open_sink(tmp_path / "b.avi", source, OutputConfig()) as sink:
        for frame in source.frames():
            sink.write(frame)
    for one, other in zip(decoded_planes(clip), decoded_planes(tmp_path / "b.avi"), strict=True):
        assert abs(float(one[0].mean()) - float(other[0].mean())) < 1  # the range of the samples stays
