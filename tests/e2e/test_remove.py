"""The verbs from end to end, on clips made here."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.e2e.conftest import FRAMES, HEIGHT, WIDTH, read_masks, read_planes, read_times
from vidremove import Cancelled, Progress, Prompt, remove, segment
from vidremove.cli.main import main
from vidremove.images import grow

MARGIN = 8  # pixels the mask may be grown, with room for the chroma grid
CENTRE = (80, 66)  # of the object on the first frame


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


def test_lossless_clip_differs_only_in_the_mask(made: tuple[Path, Path], tmp_path: Path) -> None:
    clip, masks = made
    run("remove", clip, tmp_path / "out.mkv", "--mask", masks, "--lossless")
    before, after = read_planes(clip), read_planes(tmp_path / "out.mkv")
    assert len(after) == FRAMES
    assert read_times(tmp_path / "out.mkv") == pytest.approx(read_times(clip), abs=1e-3)
    for old, new, mask in zip(before, after, read_masks(masks), strict=True):
        luma = slice(0, HEIGHT)
        changed = old[luma] != new[luma]
        assert not changed[~grow(mask, MARGIN)].any()
        assert changed[mask].mean() > 0.5


def test_empty_masks_change_nothing(made: tuple[Path, Path], tmp_path: Path) -> None:
    masks = tmp_path / "masks"
    masks.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(masks / f"{index:03}.png"), np.zeros((HEIGHT, WIDTH), np.uint8))
    run("remove", made[0], tmp_path / "out.mkv", "--mask", masks, "--lossless")
    for old, new in zip(read_planes(made[0]), read_planes(tmp_path / "out.mkv"), strict=True):
        assert np.array_equal(old, new)


def test_folder_keeps_names_and_pixels(made: tuple[Path, Path], tmp_path: Path) -> None:
    frames, first = tmp_path / "frames", tmp_path / "first.png"
    run("remove", made[0], frames, "--mask", made[1])
    for file in frames.iterdir():
        file.rename(frames / f"shot_{file.name}")
    cv2.imwrite(str(first), read_masks(made[1])[0].astype(np.uint8) * 255)
    run("remove", frames, tmp_path / "clean", "--mask", first, "--end", "6", "--save-masks", tmp_path / "used")
    names = sorted(file.name for file in frames.iterdir())
    assert sorted(file.name for file in (tmp_path / "clean").iterdir()) == names
    for name, mask in zip(names, read_masks(tmp_path / "used"), strict=True):
        old, new = (cv2.imread(str(tmp_path / part / name)) for part in ("frames", "clean"))
        assert np.array_equal(old[~grow(mask, MARGIN)], new[~grow(mask, MARGIN)])
    assert (tmp_path / "clean" / names[6]).read_bytes() == (frames / names[6]).read_bytes()


def test_folder_becomes_a_clip(made: tuple[Path, Path], tmp_path: Path) -> None:
    run("remove", made[0], tmp_path / "frames", "--mask", made[1])
    cv2.imwrite(str(tmp_path / "first.png"), read_masks(made[1])[0].astype(np.uint8) * 255)
    run(
        "remove",
        tmp_path / "frames",
        tmp_path / "out.mp4",
        "--mask",
        tmp_path / "first.png",
        "--fps",
        "10",
        "--end",
        "3",
    )
    assert read_times(tmp_path / "out.mp4") == pytest.approx([index / 10 for index in range(FRAMES)])


def test_photo(made: tuple[Path, Path], tmp_path: Path) -> None:
    photo = np.full((HEIGHT, WIDTH, 3), (90, 120, 150), np.uint8)
    cv2.rectangle(photo, (60, 40), (90, 80), (10, 10, 200), -1)
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    run("remove", tmp_path / "photo.png", tmp_path / "clean.png", "--box", "57,37,94,84")
    clean = cv2.imread(str(tmp_path / "clean.png"))
    assert np.abs(clean.astype(int) - (90, 120, 150)).max() < 12


def test_track_writes_one_mask_a_frame(made: tuple[Path, Path], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "first.png"), read_masks(made[1])[0].astype(np.uint8) * 255)
    run("track", made[0], tmp_path / "masks", "--mask", tmp_path / "first.png")
    found, true = read_masks(tmp_path / "masks"), read_masks(made[1])
    assert len(found) == FRAMES
    overlaps = [(a & b).sum() / (a | b).sum() for a, b in zip(found, true, strict=True)]
    assert overlaps[0] == 1
    assert np.mean(overlaps) > 0.8


def test_preview_shows_mask_and_fill(made: tuple[Path, Path], tmp_path: Path) -> None:
    run("preview", made[0], tmp_path / "look.png", "--click", f"{CENTRE[0]},{CENTRE[1]}@10")
    look = cv2.imread(str(tmp_path / "look.png"))
    assert look.shape[0] == HEIGHT
    assert look.shape[1] > 2 * WIDTH


def test_range_passes_the_rest_through(made: tuple[Path, Path], tmp_path: Path) -> None:
    run("remove", made[0], tmp_path / "out.mkv", "--mask", made[1], "--lossless", "--start", "5", "--end", "0.4s")
    same = [np.array_equal(a, b) for a, b in zip(read_planes(made[0]), read_planes(tmp_path / "out.mkv"), strict=True)]
    assert same == [index < 5 or index >= 10 for index in range(FRAMES)]


def test_json_tells_progress_and_the_end(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("remove", made[0], tmp_path / "out.mp4", "--mask", made[1], "--json")
    out, err = capsys.readouterr()
    events = [json.loads(line) for line in out.splitlines()]
    assert err == ""
    assert events[-1]["event"] == "done"
    assert events[-1]["frames"] == FRAMES
    stages = {event["stage"]: event for event in events if event["event"] == "progress"}
    assert stages["fill"]["done"] == stages["fill"]["total"] == FRAMES


def test_silent_when_not_a_terminal(made: tuple[Path, Path], tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "vidremove",
        "remove",
        str(made[0]),
        str(tmp_path / "out.mp4"),
        "--mask",
        str(made[1]),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_callback_cancels(made: tuple[Path, Path], tmp_path: Path) -> None:
    def stop(step: Progress) -> bool:
        return step.stage != "fill" or step.done < 3

    with pytest.raises(Cancelled):
        remove(made[0], tmp_path / "out.mp4", masks=made[1], on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_leaves_nothing(made: tuple[Path, Path], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vidremove", "remove", str(made[0]), str(tmp_path / "out.mp4")]
    command += ["--mask", str(made[1]), "--json"]
    (tmp_path / "temporary").mkdir()
    place = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=place,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # ignored below a shell's "&"
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list((tmp_path / "temporary").iterdir())  # it is at work there
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.wait(timeout=20) == 130
        assert time.monotonic() - began < 5
    assert [path.name for path in tmp_path.rglob("*")] == ["temporary"]


def test_segment_one_image() -> None:
    image = np.full((HEIGHT, WIDTH, 3), (90, 120, 150), np.uint8)
    image[40:80, 60:90] = (200, 10, 10)
    mask, score = segment(image, Prompt(clicks=((75.0, 60.0),)))
    true = np.zeros((HEIGHT, WIDTH), np.bool_)
    true[40:80, 60:90] = True
    assert (mask & true).sum() / (mask | true).sum() > 0.9
    assert 0 <= score <= 1
