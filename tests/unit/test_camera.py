import cv2
import numpy as np
import pytest

from tests.unit.test_shots import texture
from vidremove.camera import UNKNOWN, background_difference, camera_motion, motion_residual
from vidremove.flows.dis import Dis

SIZE = (120, 200)
WHOLE = (0, 120, 0, 200)


def view(x: int, y: int = 10) -> np.ndarray:
    """A window of a wide textured picture."""
    return np.ascontiguousarray(texture(4, (140, 400))[y : y + SIZE[0], x : x + SIZE[1]])


def gray(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def moved(dx: float, dy: float = 0) -> np.ndarray:
    return np.array([[1.0, 0, dx], [0, 1, dy], [0, 0, 1]])


def test_camera_motion_of_a_pan_in_spite_of_a_moving_object():
    here, there = view(50), view(57)
    here[40:90, 60:110] = there[40:90, 75:125] = (250, 240, 20)
    flow = Dis()(gray(here), gray(there))
    camera = camera_motion(flow, gray(here), gray(there))
    centre = cv2.perspectiveTransform(np.array([[[20.0, 20.0], [180.0, 100.0]]]), camera)[0]
    assert np.abs(centre - [[13, 20], [173, 100]]).max() < 0.5


def test_a_still_camera_is_exactly_still():
    rng = np.random.default_rng(1)
    here, there = (np.clip(view(50) + rng.normal(0, 3, (*SIZE, 3)), 0, 255).astype(np.uint8) for _ in range(2))
    camera = camera_motion(Dis()(gray(here), gray(there)), gray(here), gray(there))
    assert np.array_equal(camera, np.eye(3))


def test_residual_is_what_the_camera_does_not_explain():
    flow = np.full((*SIZE, 2), (-7, 0), np.float32)
    flow[40:90, 60:110] = (8, 1)
    residual = motion_residual(flow, moved(-7), (30, 100, 50, 120))
    assert residual.shape == (70, 70, 2)
    assert np.abs(residual[:8]).max() < 1e-3
    assert np.allclose(residual[20, 20], (15, 1), atol=1e-3)


def test_difference_shows_the_object_and_not_the_registered_background():
    here = view(50)
    here[40:90, 60:110] = (250, 240, 20)
    neighbours = [(view(50 + shift), moved(-shift)) for shift in (-6, 5, 9)]
    difference = background_difference(here, neighbours, WHOLE)
    assert (difference[42:88, 62:108] > 60).mean() > 0.95
    assert (difference[:, 120:180] == 0).all()


def test_what_fewer_than_two_neighbours_show_is_unknown():
    here = view(50)
    neighbours = [(view(50 + shift), moved(-shift)) for shift in (40, 60)]
    difference = background_difference(here, neighbours, WHOLE)
    assert (difference[:, :59] == UNKNOWN).all()
    assert (difference[:, 62:] == 0).all()
    assert (background_difference(here, neighbours[:1], WHOLE) == UNKNOWN).all()


@pytest.mark.parametrize("box", [(0, 120, 0, 200), (31, 77, 45, 120)])
def test_a_part_is_the_same_as_that_part_of_the_whole(box: tuple[int, int, int, int]):
    here = view(50)
    here[40:90, 60:110] = (250, 240, 20)
    neighbours = [(view(50 + shift), moved(-shift)) for shift in (-30, 25, 40)]
    y0, y1, x0, x1 = box
    whole, part = background_difference(here, neighbours, WHOLE), background_difference(here, neighbours, box)
    assert np.array_equal(part, whole[y0:y1, x0:x1])
