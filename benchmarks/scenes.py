"""Clips made on the fly for the benchmarks: a camera that wanders over a textured plane, an object that crosses it."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

RATE = 25


def texture(height: int, width: int, seed: int = 7) -> np.ndarray:
    """Noise of several octaves with some edges, uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    image = np.zeros((height, width, 3), np.float32)
    for octave in range(2, 9):
        cells = random.normal(0, 1, (2**octave, 2 ** (octave + 1), 3)).astype(np.float32)
        image += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC) * 2.0 ** (5 - 0.6 * octave)
    for _ in range(60):
        x, y = (int(v) for v in random.integers(0, (width, height)))
        size = (int(random.integers(3, max(4, width // 12))), int(random.integers(3, max(4, height // 8))))
        colour = [float(c) for c in random.integers(30, 220, 3)]
        cv2.rectangle(image, (x, y), (x + size[0], y + size[1]), [c - 128 for c in colour], -1)
    return np.clip(image + 128, 0, 255).astype(np.uint8)


def frames(count: int, height: int, width: int, area: float = 0.06) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield image uint8 (H, W, 3) and mask bool (H, W); `area` is the share of the picture that the object covers."""
    plane = texture(2 * height, 2 * width)
    skin = texture(height, width, seed=11)[:, :, ::-1]
    radius_y = int(np.sqrt(area * height * width / np.pi * 1.6))
    radius_x = int(radius_y / 1.6)
    random = np.random.default_rng(3)
    for index in range(count):
        t = index / RATE
        x0 = width * (0.5 + 0.3 * np.sin(0.31 * t)) + 1.5 * np.sin(2.9 * t)
        y0 = height * (0.5 + 0.25 * np.sin(0.23 * t + 1)) + 1.5 * np.sin(2.3 * t)
        move = np.float32([[1, 0, x0], [0, 1, y0]])
        image = cv2.warpAffine(plane, move, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        mask = np.zeros((height, width), np.uint8)
        if area:
            centre = (int(width * (0.5 + 0.42 * np.sin(0.9 * t))), int(height * (0.55 + 0.1 * np.sin(3 * t))))
            cv2.ellipse(mask, centre, (radius_x, radius_y), 0, 0, 360, 1, -1)
            image[mask > 0] = np.roll(skin, (index, 2 * index), (0, 1))[mask > 0]
        grain = random.integers(-3, 4, (height, width, 1), np.int16)
        yield np.clip(image.astype(np.int16) + grain, 0, 255).astype(np.uint8), mask > 0


def write_clip(folder: Path, count: int, height: int, width: int, area: float = 0.06) -> tuple[Path, Path]:
    """Write `clip.mp4` (H.264) and its masks as a lossless video `masks.mkv`; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    clip, masks = folder / "clip.mp4", folder / "masks.mkv"
    with av.open(str(clip), "w") as video, av.open(str(masks), "w") as mask_video:
        out = video.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        out_masks = mask_video.add_stream("ffv1", rate=RATE)
        for stream, form in ((out, "yuv420p"), (out_masks, "gray")):
            stream.width, stream.height, stream.pix_fmt = width, height, form
            stream.time_base = Fraction(1, RATE)
        for index, (image, mask) in enumerate(frames(count, height, width, area)):
            pictures = (
                (video, out, av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")),
                (mask_video, out_masks, av.VideoFrame.from_ndarray(mask.astype(np.uint8) * 255, "gray")),
            )
            for container, stream, picture in pictures:
                picture.pts, picture.time_base = index, Fraction(1, RATE)
                container.mux(stream.encode(picture))
        video.mux(out.encode(None))
        mask_video.mux(out_masks.encode(None))
    return clip, masks
