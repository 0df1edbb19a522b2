import io
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from app import opening
from app.hosting import Hosting
from app.opening import describe, oddities, open_path, open_sample, open_upload
from tests.media_clips import make_clip
from vidremove.errors import InputError
from vidremove.media import open_source
from vidremove.media.write import write_clip


def test_frames_are_those_of_the_clip_in_any_order(clip: Path) -> None:
    medium = open_path(f' "{clip}" ')
    with open_source(clip) as source:
        true = [frame.image for frame in source.frames()]
    for index in (7, 2, 11, 0, 7, 5, 3, 10):
        assert np.abs(medium.at(index).astype(int) - true[index]).max() <= 8  # decord rounds colours otherwise
    assert describe(medium.info) == "160 × 120 · 12 frames · 25 fps · 0.5 s"
    medium.close()


@pytest.mark.parametrize("text", ["", "   ", "/no/such/clip.mp4", "a\0b", "x" * 5000])
def test_a_path_that_leads_nowhere_is_one_sentence(text: str) -> None:
    with pytest.raises(InputError) as caught:
        open_path(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["../../evil.mp4", "C:\\evil.mp4", "/etc/x.mp4", "-rf.mp4", "ä b'\".MP4"])
def test_the_name_of_an_upload_never_becomes_a_path(clip: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    medium = open_upload(io.BytesIO(clip.read_bytes()), name, folder)
    assert [path.name for path in folder.iterdir()] == ["source.mp4"]
    assert list(tmp_path.iterdir()) == [folder]
    assert "/" not in medium.name
    assert not medium.given.startswith("-")
    assert medium.info.frames == 12
    medium.close()


def test_an_upload_that_is_no_clip_leaves_nothing_and_shows_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^broken\.mp4: ") as caught:
        open_upload(io.BytesIO(b"not a clip"), "broken.mp4", tmp_path)
    assert str(tmp_path) not in str(caught.value)
    with pytest.raises(InputError, match="not opened"):
        open_upload(io.BytesIO(b"#!"), "run.sh", tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_photo_can_be_uploaded(tmp_path: Path) -> None:
    data = cv2.imencode(".png", np.full((40, 60, 3), 90, np.uint8))[1].tobytes()
    medium = open_upload(io.BytesIO(data), "photo.png", tmp_path)
    assert (medium.info.kind, describe(medium.info)) == ("photo", "60 × 40")


def test_few_frames_are_kept(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_KEPT_BYTES", 3 * 120 * 160 * 3)
    medium = open_path(str(clip))
    for index in range(12):
        medium.at(index)
    assert list(medium._kept) == [9, 10, 11]
    medium.close()


@pytest.mark.parametrize(
    ("pix_fmt", "tags", "words"),
    [
        ("yuv420p", None, "25 fps · 0.1 s"),
        ("yuv420p", (1, 1, 1, 1), "0.1 s · BT.709"),
        ("yuv420p10le", (1, 9, 16, 9), "0.1 s · 10 bits, HDR (PQ), BT.2020"),
        ("yuv420p10le", (1, 9, 18, 9), "0.1 s · 10 bits, HDR (HLG), BT.2020"),
    ],
)
def test_colours_are_told_in_a_word(tmp_path: Path, pix_fmt: str, tags: tuple[int, ...] | None, words: str) -> None:
    medium = open_path(str(make_clip(tmp_path / "a.mp4", pix_fmt=pix_fmt, tags=tags, pts=range(3))))
    assert describe(medium.info).endswith(words)
    medium.close()


def test_what_is_odd_is_told_in_a_word_and_in_a_sentence(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "a.mp4",
        pts=[0, 3, 4, 9, 11],
        time_base=Fraction(1, 90),
        prepare=lambda stream: stream.set_display_rotation(90),
    )
    medium = open_path(str(clip))
    assert [word for word, _ in oddities(medium)] == ["variable frame rate", "turned"]
    assert all(len(sentence) > len(word) for word, sentence in oddities(medium))
    assert describe(medium.info).startswith("48 × 64")
    medium.close()


def test_a_folder_of_frames_is_called_by_what_it_is_in(tmp_path: Path) -> None:
    folder = tmp_path / "dance" / "frames"
    folder.mkdir(parents=True)
    for name in ("1.png", "2.png"):
        cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))
    assert open_path(str(folder)).name == "dance/frames"


def test_an_upload_over_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"big\.mp4: is larger than 1 MB"):
        open_upload(io.BytesIO(bytes(3 << 20)), "big.mp4", tmp_path, Hosting(upload_mb=1))
    assert not list(tmp_path.iterdir())


def test_uploads_of_others_leave_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_LEAST_FREE", 1 << 60)
    with pytest.raises(InputError, match="no room"):
        open_upload(io.BytesIO(b"x"), "a.mp4", tmp_path, Hosting(shared=True))
    assert not list(tmp_path.iterdir())


def test_the_sample_is_drawn_once(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def draw(path: Path, seconds: float) -> None:
        drawn.append(path)
        write_clip(path, [np.zeros((64, 64, 3), np.uint8)] * 3, Fraction(25))

    monkeypatch.setattr(opening, "draw_demo", draw)
    for number in "12":
        folder = tmp_path / number
        folder.mkdir()
        medium = open_sample(folder)
        assert (medium.name, medium.info.frames) == ("sample.mp4", 3)
        assert medium.source.path.parent == folder
        medium.close()
    assert len(drawn) == 1
    assert [path.name for path in home.iterdir()] == ["sample.mp4"]
