from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from benchmarks.scenes import write_clip

HEIGHT, WIDTH, FRAMES = 120, 160, 24


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A clip with an object that crosses it, and its true masks."""
    return write_clip(tmp_path_factory.mktemp("made"), FRAMES, HEIGHT, WIDTH)


def read_planes(path: Path) -> list[np.ndarray]:
    """All planes of every frame, stacked as PyAV gives them."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


def read_times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]


def read_masks(path: Path) -> list[np.ndarray]:
    if path.is_dir():
        return [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127 for file in sorted(path.iterdir())]
    return [planes > 127 for planes in read_planes(path)]
