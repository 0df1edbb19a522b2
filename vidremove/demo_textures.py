"""Procedural pictures for the demo clip: noise, clouds, hills, stones, grass, houses, trees."""

from functools import partial
from typing import Any

import cv2
import numpy as np


def f32(values: Any) -> np.ndarray:
    """The numbers as a float32 array."""
    return np.array(values, np.float32)


def noise(size: tuple[int, int], cell: tuple[float, float], octaves: int, seed: int) -> np.ndarray:
    """Smooth noise that repeats at its borders, mean 0, most of it in -1..1.

    Args:
        size: (H, W).
        cell: pixels from crest to crest of the coarsest octave, down and across.
        octaves: each twice as fine and 0.55 times as strong as the last.
        seed: same seed, same noise.
    Returns: float32 (H, W).
    Source: Perlin 1985, An image synthesizer; value noise in place of gradient noise.
    """
    rng = np.random.default_rng(seed)
    total, strength = np.zeros(size, np.float32), 1.0
    for octave in range(octaves):
        rows, columns = (max(1, round(side / c * 2**octave)) for side, c in zip(size, cell, strict=True))
        if rows > size[0] and columns > size[1]:
            break
        grid = np.pad(rng.normal(0, 1, (rows, columns)).astype(np.float32), 2, mode="wrap")
        scale = size[1] / columns, size[0] / rows
        matrix = f32([[scale[0], 0, -1.5 * scale[0]], [0, scale[1], -1.5 * scale[1]]])
        total += strength * cv2.warpAffine(grid, matrix, (size[1], size[0]), flags=cv2.INTER_CUBIC)
        strength *= 0.55
    return total


def colours(value: np.ndarray, stops: list[tuple[float, tuple[float, float, float]]]) -> np.ndarray:
    """Colours along a ramp: float32 (H, W, 3) from (H, W) and [(value, (r, g, b)), ...]."""
    places = [stop[0] for stop in stops]
    channels = [np.interp(value, places, [stop[1][c] for stop in stops]) for c in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def with_alpha(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Premultiplied float32 (H, W, 4)."""
    return np.dstack([image * alpha[..., None], alpha]).astype(np.float32)


def sky(size: tuple[int, int]) -> np.ndarray:
    """Afternoon sky with clouds that thin out upwards: float32 (H, W, 4)."""
    height, width = size
    up = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    blue = colours(np.broadcast_to(up, size), [(0, (214, 226, 236)), (0.35, (160, 198, 232)), (1, (84, 142, 208))])
    shape = noise(size, (height / 3.2, width / 4), 6, 3)
    cover = np.clip((shape - 0.15) * 1.4, 0, 1) * np.clip(1.25 - up, 0, 1)
    light = np.clip(0.86 + 0.12 * (shape - np.roll(shape, (-6, -5), (0, 1))) * 4, 0.7, 1.0)
    clouds = f32([255, 251, 244]) * light[..., None]
    return with_alpha(blue + (clouds - blue) * cover[..., None], np.ones(size, np.float32))


def hills(size: tuple[int, int], haze: float, seed: int) -> np.ndarray:
    """A wooded ridge, paler with `haze` (0..1): float32 (H, W, 4)."""
    height, width = size
    ridge = height * (0.45 - 0.22 * noise((1, width), (1, width / 3), 6, seed)[0])
    below = np.arange(height, dtype=np.float32)[:, None] - ridge
    woods = noise(size, (height / 9, width / 40), 4, seed + 1)
    tone = colours(woods, [(-1.5, (38, 62, 44)), (0, (66, 96, 58)), (1.5, (120, 134, 78))])
    fields = np.clip(noise(size, (height / 3, width / 7), 2, seed + 2) * 3 - 1.6, 0, 1)[..., None]
    tone += (f32([168, 166, 98]) - tone) * fields * 0.7
    tone += (f32([176, 198, 218]) - tone) * haze
    return with_alpha(tone, np.clip(below + noise(size, (4, 5), 1, seed + 3), 0, 1))


def cobbles(side: int, stones: int, seed: int) -> np.ndarray:
    """Paving of rounded stones, repeating: float32 (side, side, 3).

    Source: Worley 1996, A cellular texture basis function.
    """
    rng = np.random.default_rng(seed)
    jitter = rng.uniform(0.22, 0.78, (stones, stones, 2)).astype(np.float32)
    jitter[..., 1] += (np.arange(stones) % 2)[:, None] * 0.5 - 0.25
    place = (np.arange(side, dtype=np.float32) + 0.5) * stones / side
    y, x = np.meshgrid(place, place, indexing="ij")
    cell_y, cell_x = np.floor(y).astype(int), np.floor(x).astype(int)
    first, second = np.full(y.shape, 9.0, np.float32), np.full(y.shape, 9.0, np.float32)
    owner = np.zeros(y.shape, np.int64)
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            row, column = (cell_y + dy) % stones, (cell_x + dx) % stones
            point = jitter[row, column]
            distance = np.hypot(y - cell_y - dy - point[..., 0], (x - cell_x - dx - point[..., 1]) * 0.85)
            nearer = distance < first
            second = np.where(nearer, first, np.minimum(second, distance))
            owner = np.where(nearer, row * stones + column, owner)
            first = np.where(nearer, distance, first)
    joint = np.clip((second - first) * 5, 0, 1)
    dome = cv2.GaussianBlur(joint * (1 - 0.35 * first), (0, 0), side / stones / 14)
    dome += 0.05 * noise((side, side), (side / stones / 2,) * 2, 3, seed + 1)
    slope = dome - np.roll(dome, (side // stones // 7, side // stones // 7), (0, 1))
    base = rng.uniform(0.78, 1.12, (stones * stones, 1)) * f32([150, 140, 128])
    base += rng.normal(0, 3, (stones * stones, 3))
    stone = (
        base[owner].astype(np.float32) * (0.92 + 0.08 * noise((side, side), (side / 9,) * 2, 6, seed + 2))[..., None]
    )
    earth = f32([88, 80, 66]) + 10 * noise((side, side), (side / 30,) * 2, 3, seed + 3)[..., None]
    mixed = earth + (stone - earth) * (joint**0.6)[..., None]
    return np.clip(mixed * (1 + 0.9 * slope)[..., None], 0, 255).astype(np.float32)


def grass(side: int, seed: int) -> np.ndarray:
    """Meadow from above, blades along the first axis, repeating: float32 (side, side, 3)."""
    blades = noise((side, side), (side / 14, side / 60), 4, seed)
    patches = noise((side, side), (side / 3, side / 3), 3, seed + 1)
    tone = colours(
        blades + 0.3 * patches, [(-2, (40, 64, 20)), (0, (88, 122, 40)), (1.2, (136, 160, 66)), (2.5, (186, 190, 104))]
    )
    dry = np.clip(patches * 0.8 - 0.5, 0, 0.6)[..., None]
    tone += (f32([164, 148, 92]) + 18 * blades[..., None] - tone) * dry
    flowers = np.random.default_rng(seed + 2).uniform(0, side, (side * side // 2600, 2)).astype(int)
    for index, (x, y) in enumerate(flowers.tolist()):
        cv2.ellipse(tone, (x, y), (1 + index % 2, 3), 0, 0, 360, (238, 228, 150) if index % 3 else (240, 240, 240), -1)
    return np.clip(tone, 0, 255).astype(np.float32)


def house(size: tuple[int, int], wall: tuple[int, int, int], floors: int, windows: int, seed: int) -> np.ndarray:
    """A plastered house with a tiled roof: float32 (H, W, 4)."""
    height, width = size
    eave = int(height * 0.34)
    image = np.full((height, width, 3), wall, np.float32)
    image *= (1 + 0.05 * noise(size, (height / 3, width / 3), 5, seed))[..., None]
    image[int(height * 0.93) :] *= 0.72
    for floor in range(floors):
        for column in range(windows):
            middle = (column + 0.5) * width / windows
            top = eave + (floor + 0.28) * (height * 0.93 - eave) / floors
            door = floor == floors - 1 and column == seed % windows
            _opening(image, middle, top, width / windows, (height * 0.93 - eave) / floors, door)
    rows = np.arange(eave, dtype=np.float32)[:, None]
    tiles = 1 + 0.13 * np.sin(rows * 2 * np.pi / max(4, height / 40)) + 0.1 * noise((eave, width), (5, 7), 2, seed + 1)
    image[:eave] = f32([158, 82, 58]) * (tiles * (0.82 + 0.25 * rows / eave))[..., None]
    shade = np.clip((np.arange(height - eave) - height * 0.035) / (height * 0.03), 0, 1).astype(np.float32)
    image[eave:] *= (0.62 + 0.38 * shade)[:, None, None]
    alpha = np.ones(size, np.float32)
    lean = (1 - np.arange(eave, dtype=np.float32) / eave)[:, None] * width * 0.13
    across = np.arange(width, dtype=np.float32)[None]
    alpha[:eave] = np.clip(np.minimum(across - lean, width - 1 - lean - across) + 1, 0, 1)
    margin = int(width * 0.035)
    alpha[eave:, :margin] = alpha[eave:, -margin:] = 0
    return with_alpha(np.clip(image, 0, 255), alpha)


def _opening(image: np.ndarray, middle: float, top: float, wide: float, high: float, door: bool) -> None:
    """A window with shutters, or a door, drawn in place."""
    half, tall = wide * (0.14 if door else 0.12), high * (0.72 if door else 0.46)
    box = partial(_box, image)
    box(middle - half * 1.25, top - high * 0.05, middle + half * 1.25, top + tall + high * 0.04, (226, 220, 206))
    box(middle - half, top, middle + half, top + tall, (96, 62, 44) if door else (62, 78, 92))
    if door:
        box(middle - half * 0.7, top + tall * 0.1, middle + half * 0.7, top + tall * 0.45, (70, 46, 34))
        return
    box(middle - half, top, middle + half * 0.1, top + tall * 0.42, (128, 152, 172))
    box(middle - half * 0.07, top, middle + half * 0.07, top + tall, (222, 216, 204))
    box(middle - half, top + tall * 0.47, middle + half, top + tall * 0.53, (222, 216, 204))
    for side in (-1, 1):
        edge = middle + side * half * 1.3
        box(min(edge, edge + side * half * 0.95), top, max(edge, edge + side * half * 0.95), top + tall, (74, 108, 92))
        for slat in range(1, 7):
            y = top + tall * slat / 7
            box(min(edge, edge + side * half * 0.9), y, max(edge, edge + side * half * 0.9), y + 1, (56, 84, 72))


def _box(image: np.ndarray, x0: float, y0: float, x1: float, y1: float, colour: tuple[int, int, int]) -> None:
    cv2.rectangle(image, (round(x0 * 16), round(y0 * 16)), (round(x1 * 16), round(y1 * 16)), colour, -1, cv2.LINE_AA, 4)


def tree(size: tuple[int, int], seed: int) -> np.ndarray:
    """A leafy tree lit from the left: float32 (H, W, 4)."""
    height, width = size
    rng = np.random.default_rng(seed)
    fine = 2
    image = np.zeros((height * fine, width * fine, 4), np.float32)
    base, crown = np.array([width * 0.5, height]) * fine, np.array([width * 0.5, height * 0.42]) * fine
    for end, thick in (
        (crown, 0.05),
        (crown + f32([-0.2 * width * fine, -20]), 0.022),
        (crown + f32([0.22 * width * fine, 0]), 0.02),
    ):
        start = base if thick > 0.03 else base + (crown - base) * 0.55
        line = np.rint([start, end]).astype(int)
        cv2.line(
            image, line[0].tolist(), line[1].tolist(), (78, 62, 48, 1), max(2, round(thick * width * fine)), cv2.LINE_AA
        )
    lumps = crown + np.clip(rng.normal(0, 1, (34, 2)), -1.7, 1.7) * [0.17 * width * fine, 0.14 * height * fine]
    lumps = lumps[np.argsort(-lumps[:, 1])]
    for lump in lumps:
        leaves = lump + np.clip(rng.normal(0, 1, (260, 2)), -2, 2) * [0.06 * width * fine, 0.05 * height * fine]
        lit = -((leaves - lump) @ [0.6, 0.9]) / (0.06 * width * fine) - (lump - crown) @ [0.5, 0.9] / (
            0.3 * width * fine
        )
        order = np.argsort(lit, kind="stable")
        shades = colours(
            lit + rng.normal(0, 0.35, lit.size),
            [(-2, (24, 44, 20)), (0, (58, 92, 36)), (1.6, (120, 150, 62)), (3, (176, 186, 92))],
        )
        for leaf, shade in zip(leaves[order], shades[order], strict=True):
            size_leaf = max(1, round(rng.uniform(0.006, 0.013) * width * fine))
            cv2.circle(image, np.rint(leaf).astype(int).tolist(), size_leaf, (*shade.tolist(), 1.0), -1, cv2.LINE_AA)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))


def stone_wall(size: tuple[int, int], seed: int) -> np.ndarray:
    """A low wall of rough courses with a lighter coping: float32 (H, W, 4)."""
    height, width = size
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), (92, 86, 76), np.float32)
    top = height * 0.16
    course = (height - top) / 4
    for row in range(4):
        x = -rng.uniform(0, course)
        while x < width:
            long = course * rng.uniform(1.1, 2.4)
            tone = rng.uniform(0.8, 1.15) * np.array([160, 150, 132]) + rng.normal(0, 2, 3)
            _box(image, x + 1, top + row * course + 1, x + long - 1, top + (row + 1) * course - 1, tuple(tone.tolist()))
            x += long
    _box(image, 0, 0, width, top, (186, 178, 160))
    image *= (1 + 0.09 * noise(size, (height / 3, height / 3), 5, seed))[..., None]
    rows = np.arange(height, dtype=np.float32)[:, None, None]
    image *= np.where((rows > top) & (rows < top * 1.6), 0.72, 1.0) * (
        1 - 0.25 * np.clip(rows / height - 0.75, 0, 1) * 4
    )
    return with_alpha(np.clip(image, 0, 255), np.ones(size, np.float32))


def lamp_post(size: tuple[int, int]) -> np.ndarray:
    """An iron street lamp: float32 (H, W, 4)."""
    height, width = size
    image = np.zeros((height, width, 4), np.float32)
    middle, iron = width / 2, (46, 54, 52, 1)
    for thick, y0, y1 in ((0.10, 0.2, 1.0), (0.22, 0.86, 1.0), (0.30, 0.97, 1.0), (0.17, 0.5, 0.52), (0.3, 0.17, 0.19)):
        box = f32([middle - thick * width / 2, y0 * height, middle + thick * width / 2, y1 * height]) * 16
        x0, top, x1, bottom = np.rint(box).astype(int).tolist()
        cv2.rectangle(image, (x0, top), (x1, bottom), iron, -1, cv2.LINE_AA, 4)
    glass = f32([[-0.3, 0.05], [0.3, 0.05], [0.2, 0.17], [-0.2, 0.17]]) * [width, height] + [middle, 0]
    roof = f32([[-0.4, 0.06], [0, 0.0], [0.4, 0.06]]) * [width, height] + [middle, 0]
    cv2.fillPoly(image, [np.rint(glass * 16).astype(int)], (214, 210, 186, 1), cv2.LINE_AA, 4)
    cv2.fillPoly(image, [np.rint(roof * 16).astype(int)], iron, cv2.LINE_AA, 4)
    across = np.arange(width, dtype=np.float32) - middle
    image[..., :3] += (np.clip(0.5 - np.abs(across + width * 0.025) / (width * 0.05), 0, 1) * 46)[
        None, :, None
    ] * image[..., 3:]
    return image
