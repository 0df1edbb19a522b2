from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vidremove.demo import demo_prompts, draw_demo
from vidremove.demo_scene import click_points, draw_scene
from vidremove.demo_sound import SAMPLE_RATE, draw_sound
from vidremove.errors import OutputError
from vidremove.media.write import write_clip

SMALL = (180, 320)


def test_the_same_frame_every_time() -> None:
    assert np.array_equal(draw_scene(7, size=SMALL), draw_scene(7, size=SMALL))


def test_the_figure_changes_its_place_and_shadow_only() -> None:
    with_figure, without = (draw_scene(30, figure, SMALL).astype(int) for figure in (True, False))
    changed = np.abs(with_figure - without).max(axis=2) > 0
    assert 0.02 < changed.mean() < 0.12
    for x, y in click_points(30, SMALL):
        assert changed[round(y), round(x)]


def test_the_clicks_lie_on_red_coat_and_dark_shadow() -> None:
    frame, without = draw_scene(0, True, SMALL).astype(int), draw_scene(0, False, SMALL).astype(int)
    (x, y), (u, v) = (prompt.clicks[0] for prompt in demo_prompts(SMALL))
    assert frame[round(y), round(x), 0] > 1.8 * frame[round(y), round(x), 2]
    around = np.s_[round(v) - 2 : round(v) + 3, round(u) - 2 : round(u) + 3]
    assert frame[around].mean() < 0.8 * without[around].mean()


def test_the_figure_leaves_the_view_and_the_camera_moves() -> None:
    last, empty = draw_scene(124, True, SMALL).astype(int), draw_scene(124, False, SMALL).astype(int)
    assert (np.abs(last - empty).max(axis=2) > 0).mean() < 0.03
    first = draw_scene(0, False, SMALL).astype(int)
    assert np.abs(first - empty).mean() > 10


def test_sound_has_a_step_where_it_is_told() -> None:
    quiet, loud = draw_sound(1.0, []), draw_sound(1.0, [0.3])
    assert loud.shape == (SAMPLE_RATE, 2)
    assert loud.dtype == np.float32
    different = np.flatnonzero((quiet != loud).any(axis=1))
    assert different[0] >= 0.3 * SAMPLE_RATE - 1
    assert different[-1] <= 0.4 * SAMPLE_RATE


def test_the_clip_has_pictures_and_sound(tmp_path: Path) -> None:
    target = tmp_path / "demo.mp4"
    draw_demo(target, seconds=0.4, size=SMALL)
    with av.open(str(target)) as clip:
        frames = list(clip.decode(video=0))
        assert (len(frames), frames[0].height, frames[0].width) == (10, *SMALL)
        assert clip.streams.video[0].average_rate == 25
        assert clip.streams.audio[0].codec_context.name == "aac"
        assert float(clip.streams.audio[0].duration * clip.streams.audio[0].time_base) == pytest.approx(0.4, abs=0.05)
    assert [path.name for path in tmp_path.iterdir()] == ["demo.mp4"]


def test_colours_come_back_from_the_clip(tmp_path: Path) -> None:
    target = tmp_path / "plain.mp4"
    image = np.full((64, 64, 3), (30, 180, 60), np.uint8)
    assert write_clip(target, [image] * 3, Fraction(25)) == 3
    with av.open(str(target)) as clip:
        frame = next(clip.decode(video=0))
        assert frame.colorspace == 1
        decoded = frame.reformat(format="rgb24", src_colorspace=1, dst_colorspace=1).to_ndarray()
    assert np.abs(decoded.astype(int) - image).max() <= 3


def test_nothing_is_left_of_a_clip_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no picture"):
        write_clip(tmp_path / "empty.mp4", [], Fraction(25))
    assert not list(tmp_path.iterdir())
