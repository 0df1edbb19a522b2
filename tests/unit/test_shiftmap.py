import numpy as np
import pytest

from vidremove.inpainters.seams import blend_seams
from vidremove.inpainters.shiftmap import Level, ShiftMap, choose_offsets, make_level, refine


def level(luma: np.ndarray, hole: np.ndarray) -> Level:
    image = np.zeros((*luma.shape, 3), np.float32)
    image[..., 0] = luma
    return make_level(image * ~hole[..., None], hole, ~hole)


def copied(level: Level, shifts: ShiftMap) -> np.ndarray:
    """What stands where the hole pixels are copied from; fails where that is not a source."""
    y, x = np.divmod(level.nodes, level.hole.shape[1])
    dy, dx = shifts.pieces[shifts.labels].T
    assert ((y + dy >= 0) & (x + dx >= 0)).all()
    assert level.source[y + dy, x + dx].all()
    return level.image[y + dy, x + dx, 0]


def waves(height: int, width: int, period: int) -> np.ndarray:
    return np.rint(100 + 60 * np.sin(2 * np.pi * np.arange(width) / period)) * np.ones((height, 1))


def box(size: tuple[int, int], y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    hole = np.zeros(size, np.bool_)
    hole[y0:y1, x0:x1] = True
    return hole


def test_offsets_that_fit_are_chosen() -> None:
    luma = waves(40, 90, 12)
    fine = level(luma, box(luma.shape, 12, 28, 36, 54))
    shifts = choose_offsets(fine, np.array([[0, 19], [0, 24], [0, -24], [3, -19], [0, 29]]))
    assert np.array_equal(copied(fine, shifts), luma[fine.hole])


def test_each_pixel_is_copied_by_an_offset_that_may_be_used_there() -> None:
    luma = waves(40, 90, 12)
    wide = level(luma, box(luma.shape, 12, 28, 5, 85))
    many = np.array([[0, dx] for dx in range(1, 60)])
    shifts = choose_offsets(wide, np.concatenate([many, [[16, 1], [-16, 1]], [[-20, -1], [20, -1]]]))
    copied(wide, shifts)


@pytest.mark.parametrize("width", [120, 121])
def test_pieces_are_shifted_by_the_pixel_that_the_coarse_level_could_not_see(width: int) -> None:
    luma = waves(60, width, 15)
    hole = box(luma.shape, 20, 40, 40, 70)
    fine, coarse = level(luma, hole), level(luma[::2, ::2], hole[::2, ::2])
    half = np.where(np.nonzero(coarse.hole)[1] < 27, 0, 1)
    shifts = refine(fine, coarse, ShiftMap(np.array([[0, -15], [0, 23], [5, 5]]), half), 3)
    assert np.abs(copied(fine, shifts) - luma[hole]).max() < 1
    assert len(shifts.pieces) == 2


def test_a_seam_moves_to_where_it_is_not_seen() -> None:
    """Left of column 60 the left piece is right, from there on the right one; the coarse seam is 2 pixels off."""
    rng = np.random.default_rng(2)
    luma = np.repeat(rng.integers(40, 200, (60, 1)), 120, axis=1).astype(np.float32)
    luma[:, 60:] = np.roll(luma[:, 60:], 7, axis=0)
    hole = box(luma.shape, 20, 40, 48, 72)
    fine, coarse = level(luma, hole), level(luma[::2, ::2], hole[::2, ::2])
    half = np.where(np.nonzero(coarse.hole)[1] < 29, 0, 1)
    shifts = refine(fine, coarse, ShiftMap(np.array([[0, -12], [0, 12]]), half), 3)
    assert np.count_nonzero(copied(fine, shifts) != luma[hole]) <= np.count_nonzero(half == 0)


def test_blending_lets_no_colour_of_another_object_in() -> None:
    image = np.full((60, 90, 3), 200, np.uint8)
    image[:20] = (180, 20, 20)
    hole = box((60, 90), 20, 50, 20, 40)
    fill = blend_seams(image, hole, ~hole, np.tile([0, 30], (int(hole.sum()), 1)))
    assert np.abs(fill.astype(int) - 200).max() <= 6
