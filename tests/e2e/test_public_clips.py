"""Real clips through the command line, against their truth."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.clips import CLIPS, public_clip
from vidremove.cli.main import main

SCORER = CLIPS.parent / "score.py"


def score(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, str(SCORER), *(str(argument) for argument in arguments)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "needed"), [("gt_static_dog", 41.3), ("gt_pan_dancer", 30.0), ("comp_soapbox_object", 18.0)]
)
def test_true_background_comes_back(name: str, needed: float, tmp_path: Path) -> None:
    clip = public_clip(name)
    score("prepare", "--clip", clip, "--out", tmp_path)
    out = tmp_path / "out"
    assert main(["remove", str(tmp_path / "frames"), str(out), "--mask", str(tmp_path / "masks")]) == 0
    found = score("removal", "--pred", out, "--clip", clip)
    assert found["psnr_hole"] >= needed
    assert found["outside_max"] == 0
