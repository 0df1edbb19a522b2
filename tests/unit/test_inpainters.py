import cv2
import numpy as np
import pytest

from vidremove.errors import ShapeError
from vidremove.inpainters.offsets import cover, find_offsets
from vidremove.inpainters.seams import blend_seams
from vidremove.registry import list_plugins, load_plugin

NAMES = [name for name in list_plugins("inpainter") if name not in ("lama", "mat")]  # those: test_inpainter_nets.py


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth colour ramp with coarse noise, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    noise = cv2.resize(rng.normal(0, 20, (max(1, height // 4), max(1, width // 4), 3)), (width, height))
    ramp = np.linspace(60, 190, width)[None, :, None]
    return np.clip(ramp + noise.reshape(height, width, 3), 0, 255).astype(np.uint8)


def box_hole(size: tuple[int, int], y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    hole = np.zeros(size, np.bool_)
    hole[y0:y1, x0:x1] = True
    return hole


def psnr(one: np.ndarray, other: np.ndarray, where: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.square(one[where].astype(float) - other[where]).mean(), 1e-9)))


HOLES = {
    "inside": box_hole((60, 80), 20, 40, 30, 55),
    "corner": box_hole((60, 80), 0, 25, 0, 30),
    "full width": box_hole((60, 80), 25, 40, 0, 80),
    "line": box_hole((60, 80), 30, 31, 5, 70),
    "dot": box_hole((60, 80), 30, 31, 40, 41),
    "nearly all": ~box_hole((60, 80), 0, 3, 0, 3),
    "several": box_hole((60, 80), 5, 20, 5, 20) | box_hole((60, 80), 35, 55, 50, 70),
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", HOLES)
def test_shape_type_and_every_pixel_outside_the_hole_stay(name: str, kind: str) -> None:
    images, holes = picture(60, 80)[None], HOLES[kind][None]
    before = images.copy()
    filled = load_plugin("inpainter", name)(images, holes, None)
    assert filled.shape == images.shape
    assert filled.dtype == np.uint8
    assert np.array_equal(filled[~holes], before[~holes])
    assert np.array_equal(images, before)


@pytest.mark.parametrize("name", NAMES)
def test_same_answer_every_time(name: str) -> None:
    images, holes = picture(60, 80)[None], HOLES["inside"][None]
    threads = cv2.getNumThreads()
    first = load_plugin("inpainter", name)(images, holes, None)
    cv2.setNumThreads(1)
    try:
        second = load_plugin("inpainter", name)(images, holes, None)
    finally:
        cv2.setNumThreads(threads)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", HOLES)
def test_what_stands_in_the_hole_does_not_matter(name: str, kind: str) -> None:
    hole = HOLES[kind]
    grey, noise = picture(60, 80), picture(60, 80)
    grey[hole] = 127
    noise[hole] = np.random.default_rng(5).integers(0, 256, (int(hole.sum()), 3))
    inpainter = load_plugin("inpainter", name)
    assert np.array_equal(inpainter(grey[None], hole[None], None), inpainter(noise[None], hole[None], None))


@pytest.mark.parametrize("name", NAMES)
def test_images_are_filled_one_by_one(name: str) -> None:
    images = np.stack([picture(40, 50, seed) for seed in range(2)])
    holes = np.stack([box_hole((40, 50), 10, 25, 15, 30), np.zeros((40, 50), np.bool_)])
    inpainter = load_plugin("inpainter", name)
    filled = inpainter(images, holes, None)
    assert np.array_equal(filled[0], inpainter(images[:1], holes[:1], None)[0])
    assert np.array_equal(filled[1], images[1])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 2), (3, 5)])
@pytest.mark.parametrize("whole", [True, False])
def test_tiny_images_and_holes_that_cover_all(name: str, size: tuple[int, int], whole: bool) -> None:
    image = np.full((*size, 3), 90, np.uint8)
    hole = np.ones(size, np.bool_)
    if not whole:
        hole[0, 0] = False
    image[hole] = 255
    filled = load_plugin("inpainter", name)(image[None], hole[None], None)[0]
    assert np.array_equal(filled[~hole], image[~hole])
    if not whole:
        assert np.abs(filled.astype(int) - 90).max() <= 2


@pytest.mark.parametrize("name", NAMES)
def test_a_flat_picture_stays_flat(name: str) -> None:
    image = np.full((64, 64, 3), (40, 120, 200), np.uint8)
    hole = box_hole((64, 64), 16, 50, 20, 44)
    filled = load_plugin("inpainter", name)(
        np.where(hole[..., None], 0, image).astype(np.uint8)[None], hole[None], None
    )
    assert np.abs(filled[0].astype(int) - image).max() <= 3


def stripes() -> np.ndarray:
    return np.repeat(np.tile(np.repeat(np.uint8([40, 210]), 5), 16)[None, :, None], 100, axis=0).repeat(3, axis=2)


def checker() -> np.ndarray:
    y, x = np.mgrid[:96, :120]
    return np.repeat((((y // 6 + x // 6) % 2) * 170 + 40).astype(np.uint8)[..., None], 3, axis=2)


def slanted() -> np.ndarray:
    y, x = np.mgrid[:100, :140]
    return np.dstack([((x + y) // 7 % 2 * 150 + 50)] * 3).astype(np.uint8)


@pytest.mark.parametrize("draw", [stripes, checker, slanted])
def test_patch_continues_what_repeats(draw) -> None:
    truth = draw()
    hole = box_hole(truth.shape[:2], 30, 66, 40, 80)
    image = np.where(hole[..., None], np.uint8(127), truth)
    ours = load_plugin("inpainter", "patch")(image[None], hole[None], None)[0]
    telea = load_plugin("inpainter", "telea")(image[None], hole[None], None)[0]
    assert psnr(ours, truth, hole) > 30
    assert psnr(ours, truth, hole) > psnr(telea, truth, hole) + 10


def test_patch_continues_an_edge_through_a_large_hole() -> None:
    truth = np.full((300, 400, 3), (120, 170, 230), np.uint8)
    truth[160:] = (60, 110, 50)
    rng = np.random.default_rng(1)
    truth = np.clip(truth + rng.normal(0, 6, truth.shape), 0, 255).astype(np.uint8)
    hole = box_hole((300, 400), 90, 230, 140, 260)
    filled = load_plugin("inpainter", "patch")(truth[None], hole[None], None)[0]
    assert psnr(filled, truth, hole) > 25
    assert 0.7 < filled[hole].std() / truth[hole].std() < 1.3


def test_patch_copies_nothing_from_banned_pixels() -> None:
    image = picture(90, 120)
    hole = box_hole((90, 120), 30, 60, 40, 70)
    banned = box_hole((90, 120), 20, 70, 72, 100)
    image[banned] = (255, 0, 0)
    filled = load_plugin("inpainter", "patch")(image[None], hole[None], banned[None])[0]
    assert (filled[hole].astype(int) - [255, 0, 0])[:, 1:].max(axis=1).min() > 20
    other = image.copy()
    other[banned] = (0, 255, 0)
    assert np.array_equal(
        load_plugin("inpainter", "patch")(other[None], hole[None], banned[None])[0][hole], filled[hole]
    )


def test_patch_where_all_the_rest_is_banned() -> None:
    image = np.full((30, 40, 3), 77, np.uint8)
    hole = box_hole((30, 40), 10, 20, 10, 30)
    filled = load_plugin("inpainter", "patch")(image[None], hole[None], ~hole[None])
    assert np.array_equal(filled[0], image)


def test_patch_says_which_shapes_do_not_fit() -> None:
    with pytest.raises(ShapeError, match="holes"):
        load_plugin("inpainter", "patch")(np.zeros((1, 8, 8, 3), np.uint8), np.zeros((1, 8, 9), np.bool_))


def test_offsets_find_the_period_of_the_picture() -> None:
    hole = box_hole((96, 120), 30, 60, 40, 70)
    offsets = find_offsets(checker().astype(np.float32), hole, ~hole, 30)
    assert ((offsets.sum(axis=1) % 6 == 0) & (offsets[:, 0] % 6 == 0)).any()


def test_cover_leaves_no_hole_pixel_without_a_source() -> None:
    hole = box_hole((40, 50), 5, 35, 5, 48)
    offsets = cover(hole, ~hole, np.zeros((0, 2), np.intp))
    y, x = np.nonzero(hole)
    rows, columns = y + offsets[:, :1], x + offsets[:, 1:]
    inside = (rows >= 0) & (rows < 40) & (columns >= 0) & (columns < 50)
    assert (inside & ~hole[rows.clip(0, 39), columns.clip(0, 49)]).any(axis=0).all()


def test_blending_takes_out_a_shift_in_brightness() -> None:
    image = np.full((40, 80, 3), 100, np.uint8)
    image[:, 50:] = 115
    hole = box_hole((40, 80), 10, 30, 10, 30)
    offsets = np.tile([0, 45], (int(hole.sum()), 1))
    fill = blend_seams(image, hole, ~hole, offsets)
    assert np.abs(fill.astype(int) - 100).max() <= 4
