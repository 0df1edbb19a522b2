import numpy as np
import pytest

from app.painting import draw_stroke, take_part


def ends(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return int(columns.min()), int(columns.max()), int(rows.min()), int(rows.max())


def test_a_stroke_is_as_wide_as_the_brush() -> None:
    mask = draw_stroke((400, 600), [100.0, 100.0, 500.0, 300.0], 30.0)
    assert ends(mask) == pytest.approx((70, 530, 70, 330), abs=1)
    across = mask[:, 300]
    assert int(across.sum()) == pytest.approx(2 * 30 * np.hypot(400, 200) / 400, abs=2)


@pytest.mark.parametrize("radius", [1.0, 2.5, 8.0, 40.3])
def test_a_dab_is_a_disc(radius: float) -> None:
    rows, columns = np.mgrid[:200, :200]
    distance = np.hypot(columns - 100.25, rows - 90.5)
    mask = draw_stroke((200, 200), [100.25, 90.5], radius)
    assert mask[distance < radius - 1].all()
    assert not mask[distance > radius + 1].any()


def test_the_thinnest_brush_paints_single_pixels() -> None:
    assert np.argwhere(draw_stroke((20, 20), [7.0, 9.0], 0.5)).tolist() == [[9, 7]]


def test_strokes_may_leave_the_picture() -> None:
    mask = draw_stroke((50, 50), [-100.0, 25.0, 200.0, 25.0], 4.0)
    assert mask[25].all()
    assert not mask[:18].any()


def test_only_the_part_at_the_point_is_taken() -> None:
    mask = np.zeros((60, 60), np.bool_)
    mask[5:15, 5:50] = mask[40:50, 5:50] = True
    without = mask.copy()
    without[5:15, 30:] = without[40:50, 30:] = False
    left = take_part(mask, without, (40.2, 9.8), 2)
    assert not left[5:15, 30:].any()
    assert left[5:15, 5:30].all()
    assert left[40:50, 5:50].all()
    assert int(mask.sum()) == 900


def test_at_least_a_disc_is_taken() -> None:
    mask = np.ones((40, 40), np.bool_)
    left = take_part(mask, mask, (20.0, 10.0), 3)
    assert int((~left).sum()) == pytest.approx(np.pi * 9, abs=8)
    assert not left[10, 20]
