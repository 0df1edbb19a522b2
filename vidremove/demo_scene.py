"""The scene of the demo clip: a hand-held camera before a village square, and somebody who walks through it."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from vidremove import demo_textures as textures
from vidremove.demo_figure import HEIGHT_M, draw_figure
from vidremove.images import identity_grid

RATE = 25  # frames a second
_LIGHT = (0.6, -0.62)  # metres of shadow to the right and away for each metre of height
_EYE_M = 1.62
_PATH_M = (3.1, 7.3)  # paved, from the camera
_FIGURE_M = 5.4  # from the camera
SPEED = 1.3  # metres a second
WALKED_M = 0.2  # before frame 0: the phase of the step
_START_M = -1.75
_TILE = 512  # pixels of a ground texture
_GRAIN = 1.6  # grey levels


@dataclass(frozen=True, slots=True, eq=False)
class _Board:
    """An upright picture in the scene, its foot on the ground unless `low` says otherwise."""

    picture: np.ndarray  # float32 (h, w, 4), premultiplied
    left: float  # metres
    depth: float
    scale: float  # pixels a metre
    low: float = 0.0  # metres of its lower edge above the ground


@dataclass(frozen=True, slots=True, eq=False)
class _Camera:
    matrix: np.ndarray  # (3, 3), pixels from directions
    turn: np.ndarray  # (3, 3), camera from world; x right, y down, z away
    place: np.ndarray  # (3,), metres

    def of_plane(self, across: np.ndarray, down: np.ndarray, corner: np.ndarray) -> np.ndarray:
        """Homography from (x, y) in the plane corner + x across + y down to pixels."""
        return self.matrix @ self.turn @ np.stack([across, down, corner - self.place], axis=1)


def draw_scene(index: int, figure: bool = True, size: tuple[int, int] = (360, 640)) -> np.ndarray:
    """One frame.

    Args:
        index: frame, from 0; 125 frames take the figure through the view.
        figure: False leaves the figure and its shadow out: the truth behind it, with the same grain.
        size: (H, W).
    Returns: uint8 (H, W, 3), RGB; the same picture every time.
    """
    time = index / RATE
    camera = _camera(time, size)
    boards = _boards(size[1])
    image = np.zeros((*size, 3), np.float32)
    for board in boards[:3]:
        _paint(image, board, camera)
    walker = _walker(time, size[1])
    shades = [*boards[3:], walker] if figure else list(boards[3:])
    _paint_ground(image, camera, shades, size)
    for board in sorted(shades, key=lambda b: -b.depth):
        _paint(image, board, camera)
    image = cv2.GaussianBlur(image, (3, 3), 0.55)  # a lens
    rng = np.random.default_rng(1000 + index)
    grain = cv2.GaussianBlur(rng.standard_normal(size, np.float32), (3, 3), 0.6)[..., None] * _GRAIN * 1.6
    return np.clip(image + grain + 0.5, 0, 255).astype(np.uint8)


def click_points(index: int, size: tuple[int, int] = (360, 640)) -> tuple[tuple[float, float], tuple[float, float]]:
    """Points (x, y) in pixels on the figure's chest and on the chest of its shadow, in frame `index`."""
    time = index / RATE
    camera = _camera(time, size)
    up, x = 0.68 * HEIGHT_M, _START_M + SPEED * time
    chest = np.array([x, -up, _FIGURE_M])
    shadow = np.array([x + up * _LIGHT[0], 0, _FIGURE_M + up * _LIGHT[1]])
    found = [camera.matrix @ camera.turn @ (point - camera.place) for point in (chest, shadow)]
    (a, b, c), (d, e, f) = (point.tolist() for point in found)
    return (a / c, b / c), (d / f, e / f)


def _camera(time: float, size: tuple[int, int]) -> _Camera:
    """A slow pan with a step to the side, a slight zoom and the tremble of two hands."""
    tremble = [
        sum(
            a * np.sin(2 * np.pi * f * time + p + k) for a, f, p in ((1.0, 0.43, 0.2), (0.5, 1.1, 1.7), (0.2, 2.3, 0.9))
        )
        for k in (0.0, 2.1, 4.4, 1.3)
    ]
    yaw, pitch, roll = np.deg2rad([-2.2 + 1.5 * time + 0.25 * tremble[0], 4.6 + 0.2 * tremble[1], 0.25 * tremble[2]])
    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    turn = (
        np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
        @ np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        @ np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    )
    focal = size[1] * (0.94 + 0.012 * time)
    matrix = np.array([[focal, 0, size[1] / 2 - 0.5], [0, focal, size[0] / 2 - 0.5], [0, 0, 1]])
    return _Camera(matrix, turn, np.array([0.16 * time + 0.01 * tremble[3], -_EYE_M + 0.008 * tremble[1], 0.03 * time]))


@lru_cache(maxsize=2)
def _boards(width: int) -> tuple[_Board, ...]:
    """What stands in the scene, sky and hills first; drawn once, at the resolution it is seen with."""

    def board(draw: object, wide: float, high: float, left: float, depth: float, low: float = 0.0) -> _Board:
        scale = 1.06 * width / depth
        shape = max(2, round(high * scale)), max(2, round(wide * scale))
        return _Board(draw(shape), left, depth, scale, low)  # type: ignore[operator]

    house = textures.house
    return (
        board(textures.sky, 1700, 620, -760, 1000, -40),
        board(lambda s: textures.hills(s, 0.55, 11), 720, 75, -330, 400, -12),
        board(lambda s: textures.hills(s, 0.28, 23), 260, 24, -120, 140, -5),
        board(lambda s: house(s, (196, 204, 198), 2, 4, 9), 9.4, 7.8, -28.5, 35),
        board(lambda s: house(s, (224, 206, 170), 2, 4, 3), 9.2, 7.6, -16.8, 33),
        board(lambda s: house(s, (206, 196, 186), 3, 3, 7), 7.4, 9.6, -6.2, 35),
        board(lambda s: house(s, (222, 178, 142), 2, 5, 5), 11.0, 7.2, 3.4, 33),
        board(lambda s: house(s, (212, 204, 158), 2, 3, 11), 8.2, 8.2, 16.4, 34),
        board(lambda s: house(s, (190, 186, 190), 2, 4, 8), 9.4, 7.2, 26.4, 34),
        board(lambda s: textures.tree(s, 4), 4.6, 6.2, -8.6, 16),
        board(lambda s: textures.tree(s, 8), 4.0, 5.4, -0.4, 18),
        board(lambda s: textures.tree(s, 15), 5.2, 6.6, 7.2, 15.5),
        board(lambda s: textures.stone_wall(s, 6), 30, 0.85, -13, 11.5),
        board(textures.lamp_post, 0.7, 3.7, -4.1, 8.4),
        board(textures.lamp_post, 0.7, 3.7, 3.3, 8.4),
    )


def _walker(time: float, width: int) -> _Board:
    scale = 1.06 * width / _FIGURE_M
    picture = draw_figure(SPEED * time + WALKED_M, scale)
    middle = _START_M + SPEED * time
    return _Board(picture, middle - picture.shape[1] / scale / 2, _FIGURE_M, scale)


def _paint(image: np.ndarray, board: _Board, camera: _Camera) -> None:
    """Lay an upright picture over the image, in place."""
    height = board.picture.shape[0]
    corner = np.array([board.left, -board.low - height / board.scale, board.depth])
    plane = camera.of_plane(np.array([1 / board.scale, 0, 0]), np.array([0, 1 / board.scale, 0]), corner)
    window, layer = _project(board.picture, plane, (image.shape[0], image.shape[1]))
    image[window] *= 1 - layer[..., 3:]
    image[window] += layer[..., :3]


def _project(picture: np.ndarray, plane: np.ndarray, size: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
    """The part of the frame a picture falls on, and the picture as it is seen there."""
    height, width = picture.shape[:2]
    corners = plane @ np.array([[-1, -1, 1], [width, -1, 1], [-1, height, 1], [width, height, 1]]).T
    points = corners[:2] / corners[2]
    x0, y0 = np.floor(points.min(axis=1)).astype(int).clip(0, [size[1] - 1, size[0] - 1]).tolist()
    x1, y1 = np.ceil(points.max(axis=1) + 1).astype(int).clip([x0 + 1, y0 + 1], [size[1], size[0]]).tolist()
    moved = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1]]) @ plane
    return np.s_[y0:y1, x0:x1], cv2.warpPerspective(picture, moved, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)


def _paint_ground(image: np.ndarray, camera: _Camera, boards: list[_Board], size: tuple[int, int]) -> None:
    """Grass and a paved path from perspective, with the shadows of what stands on them, in place."""
    x, z, seen = _ground_points(camera, size)
    first = int(np.flatnonzero(seen.any(axis=1))[0])
    part = np.s_[first:]
    x, z, seen = x[part], z[part], seen[part]
    wiggle = 0.16 * np.sin(x * 1.7) + 0.09 * np.sin(x * 4.3 + 1) + 0.05 * np.sin(x * 9.1)
    paved = _step(z - _PATH_M[0] - wiggle, 0.1) * _step(_PATH_M[1] + wiggle - z, 0.1)
    tiles = _tiles()
    colour = _look_up(tiles[0], x, z, 0.30)
    colour += (_look_up(tiles[1], x, z, 0.26) - colour) * paved[..., None]
    colour *= (0.86 + 0.14 * np.clip(np.abs(paved - 0.5) * 2, 0, 1))[..., None]
    far = np.clip((z - 9) / 60, 0, 0.6)[..., None]
    colour += (textures.f32([170, 186, 176]) - colour) * far
    shade = _shade(boards, camera, size)[part][..., None]
    colour *= 1 - textures.f32([0.56, 0.52, 0.46]) * shade
    cover = np.clip(seen.astype(np.float32), 0, 1)[..., None]
    image[part] += (colour - image[part]) * cover


def _ground_points(camera: _Camera, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the ray of each pixel meets the ground: x and z in metres, and whether it does within 90 metres."""
    back = (camera.turn.T @ np.linalg.inv(camera.matrix)).astype(np.float32)
    rays = cv2.transform(identity_grid(*size), back)
    seen = rays[..., 1] > _EYE_M / 90
    reach = -np.float32(camera.place[1]) / np.where(seen, rays[..., 1], 1)
    x, z = camera.place[0] + reach * rays[..., 0], camera.place[2] + reach * rays[..., 2]
    return x.astype(np.float32), z.astype(np.float32), seen


def _step(value: np.ndarray, width: float) -> np.ndarray:
    return np.clip(value / width + 0.5, 0, 1)


@lru_cache(maxsize=1)
def _tiles() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Grass and cobbles at falling resolutions; each copy is averaged more along the view, where it is seen flatter."""
    return _shrink(textures.grass(_TILE, 2)), _shrink(textures.cobbles(_TILE, 17, 1))


def _shrink(tile: np.ndarray) -> list[np.ndarray]:
    levels = [tile]
    for level in range(1, 6):
        side = _TILE >> level
        wide = cv2.copyMakeBorder(tile, 64, 64, 64, 64, cv2.BORDER_WRAP)
        smooth = cv2.GaussianBlur(wide, (0, 0), sigmaX=0.4 * 2**level, sigmaY=0.8 * 2**level)[64:-64, 64:-64]
        levels.append(cv2.resize(smooth, (side, side), interpolation=cv2.INTER_AREA))
    return levels


def _look_up(levels: list[np.ndarray], x: np.ndarray, z: np.ndarray, metres: float) -> np.ndarray:
    """The repeating ground at points in metres, from the two copies nearest in resolution.

    Args:
        metres: ground that 64 pixels of the finest copy show.
    """
    per_metre = 64 / metres
    level = np.clip(np.log2(np.maximum(z, 0.5) ** 1.5 * per_metre / 640 * 0.55), 0, len(levels) - 1.001)
    total = np.zeros((*x.shape, 3), np.float32)
    for number, tile in enumerate(levels):
        share = np.clip(1 - np.abs(level - number), 0, 1)
        rows = np.flatnonzero(share.any(axis=1))
        if not rows.size:
            continue
        part, scale = np.s_[rows[0] : rows[-1] + 1], per_metre / 2**number
        side = tile.shape[0]
        wrapped = cv2.copyMakeBorder(tile, 0, 1, 0, 1, cv2.BORDER_WRAP)
        at_x, at_z = np.mod(x[part] * scale, side), np.mod(-z[part] * scale, side)
        total[part] += cv2.remap(wrapped, at_x, at_z, cv2.INTER_LINEAR) * share[part][..., None]
    return total


def _shade(boards: list[_Board], camera: _Camera, size: tuple[int, int]) -> np.ndarray:
    """How much of the sun the boards take from the ground, float32 (H, W), 0..1."""
    shade = np.zeros(size, np.float32)
    for board in boards:
        height = board.picture.shape[0]
        down = np.array([-_LIGHT[0], 0, -_LIGHT[1]]) / board.scale
        corner = np.array([board.left, 0, board.depth]) - down * height
        plane = camera.of_plane(np.array([1 / board.scale, 0, 0]), down, corner)
        window, cast = _project(board.picture[..., 3], plane, size)
        np.maximum(shade[window], cast, out=shade[window])
    return np.asarray(cv2.GaussianBlur(shade, (0, 0), 0.002 * size[1]))
