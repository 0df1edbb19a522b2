"""The demo's own removal, smaller and shorter, against the scene without its figure."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from vidremove import demo
from vidremove.cli.main import main
from vidremove.demo_scene import draw_scene
from vidremove.media import open_source

SMALL, SECONDS = (180, 320), 2.0


def test_the_demo_takes_figure_and_shadow_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "draw_demo", partial(demo.draw_demo, seconds=SECONDS, size=SMALL))
    monkeypatch.setattr(demo, "demo_prompts", partial(demo.demo_prompts, SMALL))
    assert main(["demo", str(tmp_path / "demo")]) == 0
    told = capsys.readouterr().err
    for name in ("clip.mp4", "clean.mp4", "before_after.png"):
        assert str(tmp_path / "demo" / name) in told
    assert cv2.imread(str(tmp_path / "demo" / "before_after.png")).shape[0] == SMALL[0]
    with open_source(tmp_path / "demo" / "clean.mp4") as clean:
        found = [frame.image.astype(float) for frame in clean.frames()]
    assert len(found) == 50
    before, after = [], []
    for index in range(0, 50, 7):
        true, drawn = (draw_scene(index, figure, SMALL).astype(float) for figure in (False, True))
        there = np.abs(true - drawn).max(axis=2) > 8
        before.append(np.abs(drawn - true)[there].mean())
        after.append(np.abs(found[index] - true)[there].mean())
    assert np.mean(after) < 0.25 * np.mean(before)
