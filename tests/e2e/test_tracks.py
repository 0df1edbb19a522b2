"""Track, correct, remove: step by step it is what one run with all prompts makes."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.e2e.conftest import FRAMES, read_masks, read_planes
from vidremove import Prompt, Track, doubtful, preview, remove, track
from vidremove.cli.main import main


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


@pytest.fixture
def keys(made: tuple[Path, Path], tmp_path: Path) -> dict[int, Path]:
    """True masks of two frames, as pictures."""
    files = {frame: tmp_path / f"{frame}.png" for frame in (0, 14)}
    for frame, file in files.items():
        cv2.imwrite(str(file), read_masks(made[1])[frame].astype(np.uint8) * 255)
    return files


def test_step_by_step_is_one_run(made: tuple[Path, Path], keys: dict[int, Path], tmp_path: Path) -> None:
    clip, kept = made[0], tmp_path / "a.track"
    run("track", clip, kept, "--mask", keys[0])
    run("correct", clip, kept, "--mask", f"{keys[14]}@14")
    run("remove", clip, tmp_path / "steps.mkv", "--mask", kept, "--lossless", "--save-masks", tmp_path / "steps")
    said = ("--mask", keys[0], "--mask", f"{keys[14]}@14")
    run("remove", clip, tmp_path / "once.mkv", *said, "--lossless", "--save-masks", tmp_path / "once")
    for one, other in zip(read_masks(tmp_path / "steps"), read_masks(tmp_path / "once"), strict=True):
        assert np.array_equal(one, other)
    for steps, once in zip(read_planes(tmp_path / "steps.mkv"), read_planes(tmp_path / "once.mkv"), strict=True):
        assert np.array_equal(steps, once)
    with Track.open(kept) as opened:
        assert opened.keyframes == {"object": (0, 14)}
        assert doubtful(opened) == sorted(doubtful(opened), key=lambda doubt: -doubt.score)


def test_a_track_is_shown_and_ranged_like_masks(
    made: tuple[Path, Path], keys: dict[int, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip, kept = made[0], tmp_path / "a.track"
    track(clip, kept, [Prompt(mask=read_masks(made[1])[0])])
    preview(clip, tmp_path / "look.png", masks=kept, frame=6)
    remove(clip, tmp_path / "out.mkv", masks=kept, start=3, end=6, save_masks=tmp_path / "masks")
    assert [mask.any() for mask in read_masks(tmp_path / "masks")] == [3 <= index < 6 for index in range(FRAMES)]
    run("track", clip, tmp_path / "b.track", "--mask", keys[0], "--end", "4")
    for arguments in (
        ("remove", clip, tmp_path / "no.mkv", "--mask", kept, "--click", "3,3"),
        ("correct", clip, tmp_path / "b.track", "--mask", kept),
        ("correct", clip, tmp_path / "b.track"),
        ("correct", clip, tmp_path / "b.track", "--click", "80,66@9"),
        ("correct", clip, tmp_path / "c.track", "--click", "80,66"),
        ("correct", keys[0], kept, "--click", "80,66"),
    ):
        capsys.readouterr()
        assert main([str(argument) for argument in arguments]) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
