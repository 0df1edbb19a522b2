from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media_clips import make_clip
from vidremove.errors import Cancelled
from vidremove.media import open_source
from vidremove.media.proxy import plays_in_browsers, write_proxy
from vidremove.types import Progress


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "plays"),
    [
        ("a.mp4", "libx264", "yuv420p", True),
        ("a.webm", "libvpx-vp9", "yuv420p", True),
        ("a.mp4", "libx264", "yuv444p", False),
        ("a.mkv", "libx264", "yuv420p", False),
        ("a.mp4", "libx265", "yuv420p", False),
        ("a.mkv", "ffv1", "yuv420p", False),
    ],
)
def test_which_clips_play_as_they_are(tmp_path: Path, name: str, codec: str, pix_fmt: str, plays: bool) -> None:
    options = {"x265-params": "log-level=error"} if codec == "libx265" else None
    clip = make_clip(tmp_path / name, codec=codec, pix_fmt=pix_fmt, options=options)
    with open_source(clip) as source:
        assert plays_in_browsers(source) is plays
        if not plays:
            assert write_proxy(source, tmp_path / "copy.mp4") == 12
    if not plays:
        with open_source(tmp_path / "copy.mp4") as copy:
            assert plays_in_browsers(copy)


def test_a_copy_is_small_short_and_keeps_times_and_colours(tmp_path: Path) -> None:
    times = [100, 104, 106, 112, 113, 120, 128, 140]  # 25ths of a second
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1", size=(96, 162), pts=times)
    with open_source(clip) as source:
        assert write_proxy(source, tmp_path / "copy.mp4", side=81, longest_s=1.2) == 6
        with open_source(tmp_path / "copy.mp4") as copy:
            assert copy.info.size == (48, 82)  # 81 is odd
            seen = [frame.pts * copy.info.time_base for frame in copy.frames()]
            assert [float(time - seen[0]) for time in seen] == pytest.approx(
                [(t - 100) / 25 for t in times[:6]], abs=2e-3
            )
            small = cv2.resize(source.at(3).image, (81, 48), interpolation=cv2.INTER_AREA)
            assert np.abs(copy.at(3).image[:, :81].astype(int) - small).mean() < 6


def test_a_folder_of_pictures_becomes_a_clip(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(5):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((31, 41, 3), 40 * number, np.uint8))
    with open_source(folder, rate=Fraction(10)) as source:
        assert not plays_in_browsers(source)
        assert write_proxy(source, tmp_path / "copy.mp4") == 5
    with open_source(tmp_path / "copy.mp4") as copy:
        assert copy.info.rate == 10
        assert int(copy.at(3).image.mean()) == pytest.approx(120, abs=3)


def test_cancel_leaves_nothing(tmp_path: Path) -> None:
    steps: list[Progress] = []

    def stop(step: Progress) -> bool:
        steps.append(step)
        return False

    with open_source(make_clip(tmp_path / "a.mkv")) as source, pytest.raises(Cancelled):
        write_proxy(source, tmp_path / "copy.mp4", on_progress=stop)
    assert steps == [Progress("proxy", 1, 12)]
    assert [file.name for file in tmp_path.iterdir()] == ["a.mkv"]
