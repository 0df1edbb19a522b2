"""What is told while a run goes on and at its end: every pass ends full, and shots left out are named."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.scenes import frames, texture
from vidremove import Cancelled, Progress, Prompt, fill, preview, remove, track

SIZE = (64, 96)
BOX = (40, 25, 58, 45)


@pytest.fixture
def moving(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of 16 frames of one shot, and of their masks."""
    pictures, masks = tmp_path / "frames", tmp_path / "masks"
    for folder in (pictures, masks):
        folder.mkdir()
    for index, (image, mask) in enumerate(frames(16, *SIZE)):
        cv2.imwrite(str(pictures / f"{index:02}.png"), image)
        cv2.imwrite(str(masks / f"{index:02}.png"), mask.astype(np.uint8) * 255)
    return pictures, masks


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Four shots of three frames."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for index in range(12):
        image = texture(*SIZE, seed=index // 3) // 4 + np.uint8(50 * (index // 3))
        cv2.rectangle(image, BOX[:2], BOX[2:], (0, 0, 250), -1)
        cv2.imwrite(str(folder / f"{index:02}.png"), image)
    return folder


def steps_of(run: Callable[[Callable[[Progress], None]], object]) -> dict[str, list[Progress]]:
    """The steps of each pass, checked: one more each time, and full at the end only."""
    steps: dict[str, list[Progress]] = {}
    run(lambda step: steps.setdefault(step.stage, []).append(step))
    for told in steps.values():
        assert [step.done for step in told] == list(range(1, len(told) + 1))
        assert [step.done for step in told if step.done == step.total] == [len(told)]
    return steps


def test_every_pass_with_two_keyframes_ends_full(moving: tuple[Path, Path], tmp_path: Path) -> None:
    said = [Prompt(frame=0, box=(39, 20, 57, 49)), Prompt(frame=15, box=(59, 26, 80, 55))]
    steps = steps_of(lambda tell: remove(moving[0], tmp_path / "out", said, on_progress=tell))
    assert list(steps) == ["shots", "track", "survey", "fill"]
    assert len(steps["track"]) == 16 + 15 + 16  # forwards, backwards between the two, and united


def test_masks_read_and_written_are_told_and_can_be_stopped(moving: tuple[Path, Path], tmp_path: Path) -> None:
    pictures, masks = moving
    assert len(steps_of(lambda tell: fill(pictures, tmp_path / "out", masks, on_progress=tell))["masks"]) == 16
    said = [Prompt(box=(39, 20, 57, 49))]
    steps = steps_of(lambda tell: track(pictures, tmp_path / "tracked", said, end=5, on_progress=tell))
    assert len(steps["write"]) == 16
    with pytest.raises(Cancelled):
        fill(pictures, tmp_path / "no", masks, on_progress=lambda step: step.stage != "masks" or step.done < 3)
    assert not (tmp_path / "no").exists()


def test_a_preview_ends_full(moving: tuple[Path, Path], tmp_path: Path) -> None:
    said = [Prompt(box=(39, 20, 57, 49))]
    assert "fill" in steps_of(lambda tell: preview(moving[0], tmp_path / "look.png", said, on_progress=tell))


def test_shots_that_no_prompt_speaks_of_are_named(shots: Path, tmp_path: Path) -> None:
    said, notes = [Prompt(frame=4, box=(39, 24, 60, 47))], []
    steps = steps_of(lambda tell: notes.extend(track(shots, tmp_path / "one", said, on_progress=tell).notes))
    assert len(steps["track"]) == 2 + 2 + 12
    assert "frames 0 to 2, 6 to 11 are in shots that no prompt speaks of: nothing was tracked there" in notes
    every = [Prompt(frame=frame, box=(39, 24, 60, 47)) for frame in (0, 3, 7, 11)]
    assert not any("no prompt" in note for note in track(shots, tmp_path / "all", every).notes)
