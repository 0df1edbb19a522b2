"""Several results in one frame: width, times, sound, tags and rotation."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.media_clips import make_clip, times_of
from vidremove.config import OutputConfig
from vidremove.media import beside, open_sink, open_source, widened

TURNS = [(0, {}), (-90, {}), (180, {}), (90, {"vflip": True})]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(("degrees", "flip"), TURNS)
def test_a_clip_of_any_rotation(tmp_path: Path, suffix: str, degrees: int, flip: dict[str, bool]) -> None:
    def turn(stream: Any) -> None:
        if degrees:
            stream.set_display_rotation(degrees, **flip)

    path, target = make_clip(tmp_path / f"a.{suffix}", prepare=turn, audio="aac"), tmp_path / f"b.{suffix}"
    with open_source(path) as source:
        assert widened(source, 1) is source
        wide = widened(source, 2)
        height, width = source.info.size
        assert (source.info.size, wide.info.size) == ((height, width), (height, 2 * width))
        with open_sink(target, wide, OutputConfig(lossless=True)) as sink:
            for frame in source.frames():
                sink.write(beside((frame, frame)))
        first = source.at(0).image.astype(int)
    assert times_of(target) == times_of(path)
    with open_source(target) as source:
        made = source.at(0).image
        assert made.shape == (height, 2 * width, 3)
        for half in (made[:, :width], made[:, width:]):
            assert np.abs(half - first).mean() < 1


def test_a_folder_keeps_its_names(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name in ("x1.png", "x2.png"):
        cv2.imwrite(str(tmp_path / "a" / name), np.full((20, 30, 3), 90, np.uint8))
    with (
        open_source(tmp_path / "a") as source,
        open_sink(tmp_path / "b", widened(source, 2), OutputConfig()) as sink,
    ):
        for frame in source.frames():
            sink.write(beside((frame, frame)))
    assert cv2.imread(str(tmp_path / "b" / "x2.png")).shape == (20, 60, 3)
