"""The fill stages from masks to filled frames, on made-up scenes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scenes import texture
from vidremove.config import FillConfig
from vidremove.inpainters.patch import Patch
from vidremove.inpainters.telea import Telea
from vidremove.stages.candidates import locate
from vidremove.stages.fill import fill_frames
from vidremove.stages.store import BackgroundStore
from vidremove.stages.survey import CameraPath, CameraStep, Surveyor
from vidremove.stages.view import make_view
from vidremove.types import Frame

HEIGHT, WIDTH = 96, 128
PLANE = texture(HEIGHT, 2 * WIDTH)


def pan(count: int, step: int = 2, dtype: type = np.uint8) -> tuple[list[Frame], list[np.ndarray]]:
    """A view that slides over a plane, a grey block that stays in its middle, and the truth behind it."""
    frames, truth = [], []
    for index in range(count):
        image = PLANE[:, step * index : step * index + WIDTH].copy()
        truth.append(image)
        mask = np.zeros((HEIGHT, WIDTH), np.bool_)
        mask[36:60, 54:74] = True
        shown = image.copy()
        shown[mask] = 127
        shown = shown.astype(dtype) * (257 if dtype is np.uint16 else 1)
        frames.append(Frame(index, index, shown.astype(dtype), mask=mask))
    return frames, truth


def fill(frames: list[Frame], folder: Path, config: FillConfig | None = None, workers: int = 1) -> list[Frame]:
    config = config or FillConfig(dilate=3)
    surveyor = Surveyor(config, folder)
    for frame in frames:
        surveyor.add(frame)
    return list(fill_frames(frames, surveyor.finish(), Telea(), config, workers))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_true_background_comes_from_other_frames(tmp_path: Path, dtype: type) -> None:
    frames, truth = pan(30, dtype=dtype)
    filled = fill(frames, tmp_path)
    for before, after, true in zip(frames, filled, truth, strict=True):
        assert after.mask is not None
        assert before.mask is not None
        assert after.image.dtype == dtype
        np.testing.assert_array_equal(after.image[~after.mask], before.image[~after.mask])
        assert after.mask[before.mask].all()
        scale = 257 if dtype is np.uint16 else 1
        assert np.abs(after.image[before.mask] / scale - true[before.mask]).mean() < 6


def test_result_does_not_depend_on_workers(tmp_path: Path) -> None:
    frames, _ = pan(16)
    one, three = fill(frames, tmp_path / "a", workers=1), fill(frames, tmp_path / "b", workers=3)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, three, strict=True))


def test_frames_without_a_hole_are_passed_on(tmp_path: Path) -> None:
    frames, _ = pan(6)
    frames = [Frame(f.index, f.pts, f.image, mask=np.zeros((HEIGHT, WIDTH), np.bool_)) for f in frames]
    assert [a is b for a, b in zip(frames, fill(frames, tmp_path), strict=True)] == [True] * 6


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (8, 8), (4, 200), (15, 15), (17, 33)])
def test_tiny_frames(tmp_path: Path, size: tuple[int, int]) -> None:
    mask = np.zeros(size, np.bool_)
    mask[0, 0] = True
    frames = [Frame(index, index, np.full((*size, 3), 90, np.uint8), mask=mask) for index in range(3)]
    assert [frame.image.shape for frame in fill(frames, tmp_path)] == [(*size, 3)] * 3


@pytest.mark.parametrize("feather", [0, 2, 10])
@pytest.mark.parametrize("dilate", [0, 3])
def test_the_object_does_not_show_through_the_feather(tmp_path: Path, feather: int, dilate: int) -> None:
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    mask = (y - 48) ** 2 + (x - 64) ** 2 < 18**2
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    image[mask] = 250
    filled = fill([Frame(0, 0, image, mask=mask)], tmp_path, FillConfig(dilate=dilate, feather=feather))[0]
    assert filled.image[mask].max() < 64


def test_feather_reaches_the_edge_of_a_rectangle(tmp_path: Path) -> None:
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    image[:, :64] = 120
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[30:60, 50:80] = True
    hard, soft = (
        fill([Frame(0, 0, image, mask=mask)], tmp_path / str(f), FillConfig(dilate=8, feather=f))[0] for f in (0, 8)
    )
    ring = (hard.mask if hard.mask is not None else mask) & ~mask
    off = [np.abs(one.image[ring].astype(int) - image[ring]).mean() for one in (hard, soft)]
    assert off[1] <= off[0]
    assert soft.mask is not None
    assert soft.mask.sum() == hard.mask.sum()  # type: ignore[union-attr]


def test_inpainting_copies_nothing_of_the_other_objects(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    image = np.clip(random.normal((90, 130, 90), 12, (260, 460, 3)), 0, 255).astype(np.uint8)
    mask = np.zeros(image.shape[:2], np.bool_)
    for left in (60, 242):
        mask[80:190, left : left + 110] = True
        image[80:190, left : left + 110] = (230, 20, 20)
    config = FillConfig(dilate=3)
    surveyor = Surveyor(config, tmp_path)
    frame = Frame(0, 0, image, mask=mask)
    surveyor.add(frame)
    filled = next(iter(fill_frames([frame], surveyor.finish(), Patch(), config))).image
    assert not ((filled[..., 0] > 180) & (filled[..., 1] < 60)).any()


def test_the_store_is_bounded_over_shots(tmp_path: Path) -> None:
    store = BackgroundStore(tmp_path, limit=4, spacing=1)
    image = np.zeros((20, 24, 3), np.uint8)
    for index in range(400):
        frame = Frame(index, index, image, shot=index // 10)
        store.offer(frame, make_view(frame, 0))
    kept = sum(len(store.indexes(shot)) for shot in range(40))
    assert kept <= 8 * 4
    assert len(list(tmp_path.iterdir())) == 3 * kept
    assert store.indexes(39)
    assert not store.indexes(0)


def test_a_camera_path_tells_which_frames_were_looked_at() -> None:
    path = CameraPath()
    for index in (5, 6, 9):
        path.put(index, CameraStep(index % 2, np.eye(3) * index, -1))
    assert [path.get(index) is None for index in (4, 5, 6, 7, 8, 9, 10)] == [
        True,
        False,
        False,
        True,
        True,
        False,
        True,
    ]
    step = path.get(9)
    assert step is not None
    assert step.segment == 1
    np.testing.assert_array_equal(step.place, np.eye(3) * 9)


def test_two_frames_are_linked_alike_either_way(tmp_path: Path) -> None:
    plane = texture(200, 320)
    config = FillConfig(dilate=0)
    surveyor = Surveyor(config, tmp_path)
    frames = [Frame(k, k, np.ascontiguousarray(plane[k : k + 120, 2 * k : 2 * k + 200])) for k in range(8)]
    frames[0] = replace(frames[0], mask=np.pad(np.ones((20, 20), np.bool_), ((50, 50), (90, 90))))
    for frame in frames:
        surveyor.add(frame)
    survey = surveyor.finish()
    first, last = make_view(frames[0], 0), make_view(frames[7], 0)
    there, back = locate(first, last, survey), locate(last, first, survey)
    assert there is not None
    assert back is not None
    np.testing.assert_allclose(there @ back / (there @ back)[2, 2], np.eye(3), atol=1e-9)
    np.testing.assert_allclose((there / there[2, 2])[:2, 2], (-14, -7), atol=0.3)
