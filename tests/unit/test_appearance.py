import cv2
import numpy as np
import pytest

from tests.unit.test_shots import texture
from vidremove.appearance import (
    colour_cells,
    colour_histogram,
    connected_at,
    describe,
    fill_pinholes,
    log_odds,
    nearest_exemplars,
    settle,
    signed_distance,
    stable_region,
)

SIZE = (60, 80)


def patch(y0: int = 20, y1: int = 40, x0: int = 30, x1: int = 60) -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


def two_colours(mask: np.ndarray, inside: tuple[int, int, int], outside: tuple[int, int, int]) -> np.ndarray:
    image = np.where(mask[..., None], np.uint8(inside), np.uint8(outside))
    return cv2.cvtColor(image, cv2.COLOR_RGB2LAB)


def test_histograms_are_shares_and_tell_colours_apart():
    mask = patch()
    cells = colour_cells(two_colours(mask, (220, 40, 30), (30, 60, 200)))
    red, blue = colour_histogram(cells[mask]), colour_histogram(cells[~mask])
    assert red.sum() == pytest.approx(1, abs=1e-5)
    assert np.minimum(red, blue).sum() < 1e-6
    table = log_odds(red, blue, 1e-3, 5)
    assert (table[cells[mask]] > 4).all()
    assert (table[cells[~mask]] < -4).all()
    assert colour_histogram(cells[:0]).sum() == 0


def test_neighbouring_colours_share_cells_of_the_smoothed_histogram():
    gray = np.full((4, 4, 3), 128, np.uint8)
    brighter = gray + np.uint8((16, 0, 0))
    one, other = (colour_histogram(colour_cells(lab)) for lab in (gray, brighter))
    assert np.minimum(one, other).sum() == pytest.approx(0.5, abs=1e-5)


def test_signed_distance_counts_from_the_edge():
    distance = signed_distance(patch())
    assert distance[20, 45] == pytest.approx(0.5, abs=0.1)
    assert distance[19, 45] == pytest.approx(-0.5, abs=0.1)
    assert distance[30, 45] == pytest.approx(9.5, abs=0.6)
    assert distance[0, 45] == pytest.approx(-19.5, abs=1)


def test_settling_removes_noise_and_stops_at_the_edge_of_the_picture():
    mask = patch()
    lab = two_colours(mask, (220, 40, 30), (30, 60, 200))
    rng = np.random.default_rng(2)
    odds = (np.where(mask, 0.6, -0.6) + rng.normal(0, 1, SIZE)).astype(np.float32)
    assert ((odds > 0) != mask).mean() > 0.2
    label = settle(odds, lab, 1.2)
    assert ((label > 0) != mask).mean() < 0.01
    assert np.abs(label).max() <= 1


def test_connected_part_at_a_point_or_near_it():
    mask = patch() | patch(50, 58, 2, 10)
    assert np.array_equal(connected_at(mask, 45, 30, 5), patch())
    assert np.array_equal(connected_at(mask, 45, 17, 5), patch())
    assert not connected_at(mask, 45, 5, 5).any()
    assert not connected_at(np.zeros(SIZE, np.bool_), 4, 4, 50).any()


def test_pinholes_are_closed_and_windows_are_kept():
    mask = patch(5, 55, 5, 75)
    mask[30, 40] = False
    mask[10:20, 10:30] = False
    filled = fill_pinholes(mask)
    assert filled[30, 40]
    assert not filled[10:20, 10:30].any()
    assert not filled[:5].any()


def test_a_stable_region_is_the_patch_that_was_clicked():
    mask = patch()
    image = np.where(mask[..., None], np.uint8((220, 190, 40)), texture(3, SIZE) // 3)
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    disc = np.hypot(*(np.mgrid[0:60, 0:80] - np.array([30, 45])[:, None, None])) < 3
    region = stable_region(lab, disc, 45, 30)
    assert (region & mask).sum() / (region | mask).sum() > 0.8


def test_a_flat_picture_has_no_stable_region():
    lab = np.full((*SIZE, 3), 120, np.uint8)
    disc = patch(28, 33, 40, 45)
    assert not stable_region(lab, disc, 42, 30).any()


def test_nearest_exemplars_match_a_plain_search():
    rng = np.random.default_rng(5)
    places, inside, outside = (
        rng.normal(0, 20, shape).astype(np.float32) for shape in ((9, 11, 10), (70, 10), (40, 10))
    )
    odds = nearest_exemplars(places, inside, outside)
    near = [np.square(places[:, :, None] - one).sum(3).min(2) for one in (inside, outside)]
    assert odds.shape == (9, 11)
    assert np.allclose(odds, np.clip(0.5 * np.log((near[1] + 200) / (near[0] + 200)), -1.5, 1.5), atol=1e-3)


def test_descriptors_tell_colour_and_direction_of_edges():
    lab = cv2.cvtColor(np.tile(np.uint8((40, 40, 40)), (*SIZE, 1)), cv2.COLOR_RGB2LAB)
    lab[:, 40:, 0] = 200
    found = describe(lab)
    assert found.shape == (30, 40, 10)
    assert found[15, 20, 6] > 10 * max(found[15, 20, 7], found[15, 20, 8], found[15, 20, 9], 0.1)
    assert found[15, 5, 0] == pytest.approx(0.6 * lab[30, 10, 0], abs=0.5)
