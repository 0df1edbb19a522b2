"""Frame folders and masks: names, order and bytes are kept; masks fit or are refused."""

import gc
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
from PIL import Image

from tests.media_clips import decoded_planes, make_clip, times_of
from tests.unit.test_media_video import LOSSLESS, box_mask, carry, painted
from vidremove.config import OutputConfig
from vidremove.errors import InputError, OutputError
from vidremove.masks import MaskStore
from vidremove.media import MaskSink, open_sink, open_source, read_mask, read_masks, seek

SIZE = (48, 64)
NAMES = ["shot_1.png", "shot_2.png", "shot_9.png", "shot_10.png", "shot_100.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = tmp_path / "frames"
    frames.mkdir()
    for number, name in enumerate(NAMES):
        Image.fromarray(np.full((*SIZE, 3), 10 * number, np.uint8)).save(frames / name)
    (frames / ".hidden.png").write_bytes(b"no picture")
    (frames / "notes.txt").write_text("no picture")
    (frames / "sub").mkdir()
    return frames


def test_natural_order_and_pictures_only(folder: Path) -> None:
    with open_source(folder, rate=Fraction(10)) as source:
        assert [int(f.image[0, 0, 0]) for f in source.frames()] == [0, 10, 20, 30, 40]
        assert [f.index for f in source.reversed(1, 4)] == [3, 2, 1]
        assert source.info.rate == 10
        assert [source.index_at(t) for t in (0, 0.1, 0.19, 0.4, 0.5, 9)] == [0, 1, 1, 4, 5, 5]
        assert any("missing" in note and "after 2" in note for note in source.notes)


def test_folder_keeps_names_and_unchanged_bytes(folder: Path, tmp_path: Path) -> None:
    with open_source(folder) as source, open_sink(tmp_path / "out", source, OutputConfig()) as sink:
        for frame in source.frames():
            sink.write(painted(frame, box_mask(SIZE)) if frame.index == 2 else frame)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(NAMES)
    same = [(tmp_path / "out" / name).read_bytes() == (folder / name).read_bytes() for name in NAMES]
    assert same == [True, True, False, True, True]


def test_mixed_formats_and_depths_are_each_kept(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full((*SIZE, 3), 77, np.uint8)).save(folder / "shot_3.jpg")
    cv2.imwrite(str(folder / "shot_4.png"), np.full((*SIZE, 3), 7777, np.uint16))
    carry(folder, tmp_path / "out", LOSSLESS, paint=True)
    assert cv2.imread(str(tmp_path / "out" / "shot_4.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    assert cv2.imread(str(tmp_path / "out" / "shot_1.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint8
    with Image.open(tmp_path / "out" / "shot_3.jpg") as image:
        assert image.format == "JPEG"


def test_folder_becomes_a_clip_at_a_rate(folder: Path, tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    with open_source(folder, rate=rate) as source:
        for name, config in (("a.mp4", OutputConfig()), ("a.mkv", LOSSLESS)):
            with open_sink(tmp_path / name, source, config, rate=rate) as sink:
                for frame in source.frames():
                    sink.write(frame)
    assert times_of(tmp_path / "a.mp4") == [n / rate for n in range(5)]
    assert [[int(p[0, 0]) for p in planes] for planes in decoded_planes(tmp_path / "a.mkv")] == [
        [10 * n] * 3 for n in range(5)
    ]
    luma = [int(planes[0][5, 5]) for planes in decoded_planes(tmp_path / "a.mp4")]
    assert np.abs(np.array(luma) - (16 + np.arange(5) * 10 * 219 / 255)).max() <= 1


def test_clip_becomes_a_folder_of_pngs(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", codec="ffv1", pix_fmt="yuv420p10le")
    carry(clip, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{n:05d}.png" for n in range(12)]
    with open_source(clip) as source, open_source(tmp_path / "out") as result:
        for one, two in zip(source.frames(), result.frames(), strict=True):
            np.testing.assert_array_equal(one.image, two.image)


# --- masks -------------------------------------------------------------------------------------------------------


def test_masks_go_out_named_as_the_frames_and_come_back(folder: Path, tmp_path: Path) -> None:
    with open_source(folder) as source:
        with MaskSink(tmp_path / "masks", source) as sink:
            for index in range(5):
                sink.write(index, np.roll(box_mask(SIZE), index, axis=1))
        assert sorted(p.name for p in (tmp_path / "masks").iterdir()) == sorted(NAMES)
        with MaskStore(tmp_path / "store", 5, SIZE) as store:
            assert read_masks(tmp_path / "masks", source.info, store)
            for index, mask in enumerate(store):
                np.testing.assert_array_equal(mask, np.roll(box_mask(SIZE), index, axis=1))


def test_masks_of_a_failed_run_do_not_appear(folder: Path, tmp_path: Path) -> None:
    def run() -> None:
        with open_source(folder) as source, MaskSink(tmp_path / "masks", source) as sink:
            sink.write(0, box_mask(SIZE))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        run()
    assert [p.name for p in tmp_path.iterdir()] == ["frames"]


def test_masks_from_a_video(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", pts=range(5))
    (tmp_path / "white").mkdir()
    for index in range(5):
        picture = np.roll(box_mask(SIZE), index, axis=1).astype(np.uint8) * 255
        cv2.imwrite(str(tmp_path / "white" / f"{index}.png"), picture)
    carry(tmp_path / "white", tmp_path / "masks.mp4", OutputConfig())
    with open_source(clip) as source, MaskStore(tmp_path / "store", 5, SIZE) as store:
        read_masks(tmp_path / "masks.mp4", source.info, store)
        for index, mask in enumerate(store):
            assert (mask != np.roll(box_mask(SIZE), index, axis=1)).mean() < 0.005


def test_wrong_number_or_size_of_masks_is_refused(folder: Path, tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    for index in range(4):
        cv2.imwrite(str(masks / f"{index}.png"), np.zeros(SIZE, np.uint8))
    with open_source(folder) as source, MaskStore(tmp_path / "store", 5, SIZE) as store:
        with pytest.raises(InputError, match=r"4 masks.*5 frames"):
            read_masks(masks, source.info, store)
        cv2.imwrite(str(masks / "4.png"), np.zeros((10, 12), np.uint8))
        with pytest.raises(InputError, match=r"4\.png: is 12x10.*64x48"):
            read_masks(masks, source.info, store)
        with pytest.raises(InputError, match="no such"):
            read_masks(tmp_path / "nowhere", source.info, store)
        with pytest.raises(InputError, match=r"12 masks.*5 frames"):
            read_masks(make_clip(tmp_path / "m.mp4"), source.info, store)


def test_reading_masks_can_be_stopped(folder: Path, tmp_path: Path) -> None:
    with open_source(folder) as source, MaskStore(tmp_path / "store", 5, SIZE) as store:
        assert not read_masks(folder, source.info, store, lambda done: done < 3)


def test_kinds_of_mask_pictures(tmp_path: Path) -> None:
    true, path = box_mask(SIZE), tmp_path / "m.png"
    gray = true.astype(np.uint8) * 255
    palette = Image.fromarray(true.astype(np.uint8))
    palette.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
    kinds = {
        "white": Image.fromarray(gray),
        "bits": Image.fromarray(true),
        "numbers": Image.fromarray(true.astype(np.uint8) * 3),
        "palette": palette,
        "red": Image.fromarray(np.dstack([true * np.uint8(128), gray * 0, gray * 0])),
        "alpha": Image.fromarray(np.dstack([gray, gray, gray, gray * 0 + 255])),
        "deep": Image.fromarray(true.astype(np.uint16) * 65535),
        "deep numbers": Image.fromarray(true.astype(np.uint16) * 3),
        "8 bits in 16": Image.fromarray(true.astype(np.uint16) * 255),
    }
    for image in kinds.values():
        image.save(path)
        np.testing.assert_array_equal(read_mask(path, SIZE), true)
    with pytest.raises(InputError, match="64x48; the mask must have the frames' size, 5x4"):
        read_mask(path, (4, 5))


def test_masks_are_a_folder(folder: Path, tmp_path: Path) -> None:
    with open_source(folder) as source:
        with pytest.raises(OutputError, match="folder"):
            MaskSink(tmp_path / "m.png", source)
        with pytest.raises(OutputError, match="inside"):
            MaskSink(folder / "masks", source)


# --- resources ---------------------------------------------------------------------------------------------------


def test_no_file_stays_open(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", audio="aac", pts=range(20))
    process = psutil.Process()
    for turn in range(3):
        with open_source(clip) as source, open_sink(tmp_path / f"{turn}.mp4", source, OutputConfig()) as sink:
            for index in (3, 0, 7, 9, 1, 5):
                source.at(index)
            next(source.frames())
            for frame in source.frames():
                sink.write(frame)
        gc.collect()
        if turn == 0:
            before = process.num_fds() if hasattr(process, "num_fds") else 0
    assert not hasattr(process, "num_fds") or process.num_fds() <= before


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    code = """
import resource, sys
from vidremove.config import OutputConfig
from vidremove.media import open_sink, open_source
with open_source(sys.argv[1]) as source, open_sink(sys.argv[2], source, OutputConfig(preset="ultrafast")) as sink:
    for frame in source.frames():
        sink.write(frame)
    for frame in source.reversed():
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    peaks = []
    for length in (150, 900):
        clip = make_clip(
            tmp_path / f"{length}.mp4", size=(240, 320), pts=range(length), options={"preset": "ultrafast"}
        )
        command = [sys.executable, "-c", code, str(clip), str(tmp_path / f"out{length}.mp4")]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    assert peaks[1] < peaks[0] * 1.06


def test_decord_is_used_only_where_it_agrees(tmp_path: Path) -> None:
    pytest.importorskip("decord")
    clip = make_clip(tmp_path / "a.mp4", pts=range(20), tags=(1, 6, 6, 6))
    with open_source(clip) as source:
        proof = [(n, source.at(n).image) for n in (1, 5, 12)]
        read = seek.agreeing_decord(clip, source.info, proof)
        assert read is not None
        assert np.abs(read(7).astype(int) - source.at(7).image).mean() < 1.5
        other = [(n, np.roll(image, 9, axis=1)) for n, image in proof]
        assert seek.agreeing_decord(clip, source.info, other) is None
        assert seek.agreeing_decord(tmp_path / "nowhere.mp4", source.info, proof) is None
    assert os.path.exists(clip)
