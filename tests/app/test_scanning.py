import base64
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from app import scanning
from app.scanning import Scan, count_thumbs, most_frames
from vidremove.media import open_source
from vidremove.media.write import write_clip

WAIT_S = 60


@pytest.fixture(scope="module")
def two_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty frames with a cut at 25."""
    path = tmp_path_factory.mktemp("scan") / "two.mp4"
    rng = np.random.default_rng(3)
    walls = [cv2.resize(rng.integers(low, low + 120, (8, 12, 3), np.uint8), (160, 96)) for low in (10, 130)]
    shots = [wall[:, n : n + 128] for wall, frames in zip(walls, (25, 15), strict=True) for n in range(frames)]
    write_clip(path, shots, Fraction(25))
    return path


def scanned(path: Path, find_cuts: bool = True) -> Scan:
    scan = Scan(open_source(path), find_cuts)
    assert scan.wait(WAIT_S)
    return scan


def picture(url: str) -> np.ndarray:
    data = base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def test_cuts_and_thumbnails_are_those_of_the_clip(two_shots: Path) -> None:
    look = scanned(two_shots).look
    assert look.cuts == (25,)
    assert look.looked == 40
    assert len(look.thumbs) == count_thumbs((96, 128), 40) == 15
    with open_source(two_shots) as source:
        for place, thumb in enumerate(look.thumbs):
            true = source.at((40 * place // 15 + 40 * (place + 1) // 15) // 2).image
            shown = cv2.resize(picture(thumb), true.shape[1::-1]).astype(float)
            assert np.abs(shown - true).mean() < 20


def test_long_clips_are_not_looked_through(two_shots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "_MOST_FRAMES", 10)
    monkeypatch.setattr(scanning, "_AT_ONCE", 0)
    look = scanned(two_shots).look
    assert (look.cuts, look.looked) == ((), 10)
    assert all(look.thumbs)
    assert most_frames((1080, 1920), 10**6) == 10
    monkeypatch.undo()
    assert most_frames((1080, 1920), 10**6) == 5787
    assert most_frames((240, 432), 10**6) == 20_000


def test_known_cuts_are_not_looked_for(two_shots: Path) -> None:
    look = scanned(two_shots, find_cuts=False).look
    assert (look.cuts, look.looked) == ((), 0)
    assert all(look.thumbs)


def test_a_folder_is_looked_through_too(tmp_path: Path) -> None:
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((60, 300, 3), 40 * number, np.uint8))
    look = scanned(tmp_path).look
    assert [int(picture(thumb).mean() / 20) for thumb in look.thumbs] == [0, 2, 4]


def test_a_look_can_be_stopped(two_shots: Path) -> None:
    scan = Scan(open_source(two_shots))
    scan.stop()
    assert scan.wait(WAIT_S)


def test_a_damaged_clip_ends_the_look_without_a_word(two_shots: Path, tmp_path: Path) -> None:
    path = tmp_path / "gone.mp4"
    path.write_bytes(two_shots.read_bytes())
    source = open_source(path)
    path.unlink()
    scan = Scan(source)
    assert scan.wait(WAIT_S)
    assert not any(scan.look.thumbs)


def test_few_frames_have_few_thumbnails() -> None:
    assert count_thumbs((1080, 1920), 1000) == 12
    assert count_thumbs((1920, 1080), 1000) == 20
    assert count_thumbs((1080, 1920), 5) == 5
