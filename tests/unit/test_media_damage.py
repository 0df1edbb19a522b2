"""Clips with packets that cannot be decoded: every frame still comes, and intact ones are themselves."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.media_clips import make_clip
from vidremove.config import OutputConfig
from vidremove.errors import OutputError
from vidremove.media import open_sink, open_source
from vidremove.types import Frame


def spoiled(clip: Path, *numbers: int) -> Path:
    """The clip with the packets of these numbers, in the order of the file, set to zero; from the end if negative."""
    with av.open(str(clip)) as file:
        packets = [bytes(packet) for packet in file.demux(video=0) if packet.size]
    data = clip.read_bytes()
    for number in numbers:
        data = data.replace(packets[number], bytes(len(packets[number])))
    path = clip.with_name(f"spoiled{clip.suffix}")
    path.write_bytes(data)
    return path


def same(one: Frame, other: Frame) -> bool:
    return bool(np.abs(one.image.astype(int) - other.image).mean() < 1.5)


PLAIN: dict[str, Any] = {"options": {"bf": "0", "g": "12"}}
PICTURES: dict[str, Any] = {"codec": "png", "pix_fmt": "rgb24"}
KINDS: list[tuple[str, dict[str, Any]]] = [
    ("a.mp4", PLAIN),
    ("a.mov", PICTURES),
    ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
]


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_frames_at_the_end_that_cannot_be_decoded(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    clip = make_clip(tmp_path / name, pts=range(20), **options)
    with open_source(spoiled(clip, -1, -2, -3)) as source, open_source(clip) as whole:
        good = whole.at(16)
        for start in (0, 15, 17, 18, 19):
            ahead, back = list(source.frames(start)), list(source.reversed(start))
            assert [frame.index for frame in ahead] == list(range(start, 20))
            assert [frame.index for frame in back] == list(range(start, 20))[::-1]
            assert all(same(frame, good) for frame in [*ahead, *back] if frame.index > 16)
            assert [frame.pts for frame in ahead] == [frame.pts for frame in whole.frames(start)]
        for index in (19, 18, 17, 19, 18, 17, 19):
            assert same(source.at(index), good)
        with open_source(source.path) as again:  # decord has proved itself when it comes to the damage
            for index in (1, 3, 5, 7, 9, 16, 19, 18, 2):
                assert same(again.at(index), whole.at(min(index, 16)))
        assert any("3 frames cannot be decoded, from frame 17" in note for note in source.notes)


@pytest.mark.parametrize("number", [-1, -2, -3, -5])
@pytest.mark.parametrize("options", [PLAIN, {"options": {"g": "12"}}])
def test_one_fault_near_the_end_loses_no_intact_frame(tmp_path: Path, number: int, options: dict[str, Any]) -> None:
    clip = spoiled(make_clip(tmp_path / "a.mp4", pts=range(30), **options), number)
    with av.open(str(clip)) as file:
        lost = 30 - _decoded(file)
    with open_source(clip) as source:
        list(source.frames())
        assert lost == 1
        assert any("1 frame cannot be decoded" in note for note in source.notes)


def _decoded(file: Any) -> int:
    """Frames that a decoder without frame threads gives."""
    file.streams.video[0].thread_type = "SLICE"
    count = 0
    for packet in file.demux(video=0):
        try:
            count += len(packet.decode())
        except av.FFmpegError:
            continue
    return count


def test_a_damaged_frame_is_the_same_wherever_reading_starts(tmp_path: Path) -> None:
    clip = spoiled(make_clip(tmp_path / "a.mov", pts=range(12), **PICTURES), 6)
    with open_source(clip) as source:
        first = list(source.frames())
        assert same(first[6], first[5])
        assert not same(first[6], first[7])
        for frame in (next(source.frames(6)), source.at(6), list(source.reversed(6))[-1]):
            np.testing.assert_array_equal(frame.image, first[6].image)


def test_an_incomplete_clip_is_not_kept(tmp_path: Path) -> None:
    def write_some() -> None:
        with open_source(clip) as source, open_sink(tmp_path / "b.mp4", source, OutputConfig()) as sink:
            for frame in source.frames(0, 10):
                sink.write(frame)

    clip = make_clip(tmp_path / "a.mp4")
    with pytest.raises(OutputError, match="10 of 12 frames"):
        write_some()
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
