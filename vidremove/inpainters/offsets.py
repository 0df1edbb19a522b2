"""Where a fill may be copied from: a few dozen offsets at which the picture repeats itself."""

import cv2
import numpy as np

from vidremove.images import bounding_box

_PATCH = 7  # pixels a side
_HALF = _PATCH // 2
_QUERIES = 300  # known patches whose nearest neighbour is looked up
_POINTS = 96  # patches on the hole's edge whose likes are looked up
_FAR = np.float32(1e12)


def find_offsets(image: np.ndarray, hole: np.ndarray, source: np.ndarray, most: int) -> np.ndarray:
    """Offsets from hole pixels to pixels worth copying, best first.

    Args:
        image: float32 (H, W, 3) with whole numbers of at most 8 bits; what stands in the hole is not read.
        hole: bool (H, W), True = fill.
        source: bool (H, W), True = may be copied; False in the hole.
        most: how many offsets at most, 2/3 by repetition in the known part, 1/3 by likeness at the edge;
            16 more lead to the pixels beside the hole.
    Returns: int (K, 2), (dy, dx), without repetition; may be empty.
    Source: He and Sun 2012, Statistics of patch offsets for image completion, section 3.1; the matches at the edge as
        in Criminisi et al. 2004, Region filling by exemplar-based inpainting, section III.
    """
    whole, size = _whole(source), (hole.shape[0], hole.shape[1])
    repeats = _repetitions(image, hole, whole)
    ring = hole & cv2.dilate(source.view(np.uint8), np.ones((5, 5), np.uint8)).view(np.bool_)
    edges = _matches(image, ring, source, whole)
    picked = np.concatenate([_peaks(repeats, size, most - most // 3), _peaks(edges, size, most // 3), _beside(hole)])
    _, first = np.unique(picked, axis=0, return_index=True)
    return picked[np.sort(first)]


def _whole(source: np.ndarray) -> np.ndarray:
    """Where the patch round a pixel may be copied as a whole; where there is none, every source pixel."""
    whole = cv2.erode(source.view(np.uint8), np.ones((_PATCH, _PATCH), np.uint8), borderValue=0).view(np.bool_)
    return whole if whole.any() else source


def _beside(hole: np.ndarray) -> np.ndarray:
    """Offsets by half and by all of the hole's size in eight directions: smooth parts have no offset of their own."""
    box = bounding_box(hole)
    if box is None:
        return np.zeros((0, 2), np.intp)
    high, wide = box[1] - box[0] + 1, box[3] - box[2] + 1
    ways = np.array([(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)])
    return np.concatenate([np.rint(share * ways * [high, wide]).astype(np.intp) for share in (0.5, 1.0)])


def cover(hole: np.ndarray, source: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The offsets, with some added so that each hole pixel can be copied by one of them at least.

    Args:
        hole: bool (H, W).
        source: bool (H, W), some pixel is True.
        offsets: int (K, 2).
    Returns: int (K', 2); those that reach no source pixel from any hole pixel are left out.
    """
    height, width = hole.shape
    y, x = np.nonzero(hole)
    places, inside = shifted(y, x, offsets, (height, width))
    usable = inside & source.ravel()[places]
    kept, bare = [offsets[usable.any(axis=1)]], np.flatnonzero(~usable.any(axis=0))
    room = np.pad(source.astype(np.float32), ((height, height), (width, width)))
    while bare.size:
        left = np.zeros((height, width), np.float32)
        left[y[bare], x[bare]] = 1
        reached = cv2.matchTemplate(room, left, cv2.TM_CCORR)
        best = np.unravel_index(int(np.rint(reached).argmax()), reached.shape)
        step = np.array([[best[0] - height, best[1] - width]])
        places, inside = shifted(y[bare], x[bare], step, (height, width))
        kept.append(step)
        bare = bare[~(inside & source.ravel()[places])[0]]
    return np.concatenate(kept)


def shifted(y: np.ndarray, x: np.ndarray, offsets: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Flat positions (K, n) of the points moved by each offset, clipped, and whether they lay inside."""
    rows, columns = y + offsets[:, :1], x + offsets[:, 1:]
    inside = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    return np.clip(rows, 0, size[0] - 1) * size[1] + np.clip(columns, 0, size[1] - 1), inside


def _repetitions(image: np.ndarray, hole: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Offsets between known patches near the hole and their nearest neighbours far enough away, both ways."""
    height, width = hole.shape
    reach = int(max(height, width) * 0.2) * 2 + 1
    near = whole & cv2.dilate(hole.view(np.uint8), np.ones((reach, reach), np.uint8)).view(np.bool_)
    queries = np.flatnonzero(near)
    queries = queries[:: max(1, queries.size // _QUERIES)]
    features = _features(image).reshape(height * width, -1)
    norms = np.where(whole.ravel(), (features * features).sum(axis=1), _FAR)
    apart = max(2, max(height, width) // 15)
    found = [np.zeros((0, 2), np.intp)]
    for start in range(0, queries.size, 64):
        some = queries[start : start + 64]
        distance = norms - 2 * (features[some] @ features.T)
        planes = distance.reshape(some.size, height, width)
        for plane, y, x in zip(planes, some // width, some % width, strict=True):
            plane[max(0, y - apart) : y + apart + 1, max(0, x - apart) : x + apart + 1] = _FAR
        found.append(_nearest(distance, some, np.arange(height * width), width))
    offsets = np.concatenate(found)
    return np.concatenate([offsets, -offsets])


def _matches(image: np.ndarray, points: np.ndarray, known: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Offsets from the patches round some of the points to the whole patches most alike, by their known part."""
    here = np.flatnonzero(points)
    here = here[:: max(1, here.size // _POINTS)]
    places = np.flatnonzero(whole)
    share = _patches(known.astype(np.float32)[..., None], here)
    target = _patches(image * known[..., None], here)
    kind = _patches(image, places)
    distance = np.tile(share, 3) @ (kind * kind).T - 2 * (target @ kind.T)
    return _nearest(distance, here, places, points.shape[1])


def _nearest(distance: np.ndarray, here: np.ndarray, places: np.ndarray, width: int) -> np.ndarray:
    """Offsets to the best place above or left of each point and to the best below or right; of equals, the nearer row.

    Args:
        distance: float32 (n, m), `_FAR` where not to be used.
        here: int (n,), flat positions.
        places: int (m,), flat positions, rising.
    Returns: int (<= 2 n, 2).
    """
    found = []
    for row, point, split in zip(distance, here, np.searchsorted(places, here), strict=True):
        for best in (
            split - 1 - row[:split][::-1].argmin() if split else -1,
            split + row[split:].argmin() if split < row.size else -1,
        ):
            if best >= 0 and row[best] < _FAR / 2:
                found.append((places[best] // width - point // width, places[best] % width - point % width))
    return np.array(found, np.intp).reshape(-1, 2)


def _patches(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Patches round flat positions, one a row, channel by channel; zeros outside the image."""
    padded = np.pad(image, ((_HALF, _HALF), (_HALF, _HALF), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_PATCH, _PATCH), (0, 1))
    return np.asarray(windows[places // image.shape[1], places % image.shape[1]].reshape(places.size, -1))


def _features(image: np.ndarray) -> np.ndarray:
    """Lowest cosine coefficients of the patch round every pixel, (H, W, 27): their distance is the patches' distance.

    Whole numbers, so that the sums in a matrix product are exact, whatever the order and the number of threads.
    """
    steps = np.arange(_PATCH) + 0.5
    waves = [np.cos(np.pi * k * steps / _PATCH) * np.sqrt((2 if k else 1) / _PATCH) for k in range(_PATCH)]
    planes = []
    for channel, top in ((0, 4), (1, 2), (2, 2)):
        plane = np.ascontiguousarray(image[..., channel])
        for u in range(top + 1):
            across = cv2.filter2D(plane, -1, waves[u].astype(np.float32)[None], borderType=cv2.BORDER_REFLECT)
            for v in range(top + 1 - u):
                kernel = waves[v].astype(np.float32)[:, None]
                planes.append(cv2.filter2D(across, -1, kernel, borderType=cv2.BORDER_REFLECT))
    return np.rint(np.stack(planes, axis=-1))


def _peaks(offsets: np.ndarray, size: tuple[int, int], most: int) -> np.ndarray:
    """The most frequent offsets, no two closer than 3 pixels: int (K, 2)."""
    height, width = size
    histogram = np.zeros((2 * height + 1, 2 * width + 1), np.float32)
    np.add.at(histogram, (offsets[:, 0] + height, offsets[:, 1] + width), 1)
    smooth: np.ndarray = cv2.GaussianBlur(histogram, (9, 9), 1.4)
    top = (smooth == cv2.dilate(smooth, np.ones((5, 5), np.uint8))) & (smooth > 1e-3)
    places = np.argwhere(top)
    order = np.argsort(-smooth[top], kind="stable")[:most]
    return np.asarray(places[order] - [height, width])
