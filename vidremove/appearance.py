"""What the object looks like, with no weights: colour models, descriptors, masks that follow the picture's edges."""

import cv2
import numpy as np

_CELLS = 16  # of the colour histogram, per channel
_CHROMA_LOW, _CHROMA_STEP = 88, 5  # the range of a* and b* that pictures fill, OpenCV's 8-bit scale


def colour_cells(lab: np.ndarray) -> np.ndarray:
    """Cell of each pixel in the colour histogram: int32 (H, W) from uint8 CIELAB (H, W, 3)."""
    chroma = np.clip((lab[..., 1:].astype(np.int32) - _CHROMA_LOW) // _CHROMA_STEP, 0, _CELLS - 1)
    return ((lab[..., 0] >> 4).astype(np.int32) * _CELLS + chroma[..., 0]) * _CELLS + chroma[..., 1]


def colour_histogram(cells: np.ndarray) -> np.ndarray:
    """Share of each colour, smoothed over neighbouring cells: float64 (4096,), sums to 1 (or is 0 for no pixels)."""
    counts = np.bincount(cells.ravel(), minlength=_CELLS**3).astype(np.float32).reshape(_CELLS, -1)
    kernel, one = np.array([0.25, 0.5, 0.25], np.float32), np.ones(1, np.float32)
    for _ in range(3):  # smooth the last axis, then turn the next one there
        counts = cv2.sepFilter2D(counts.reshape(-1, _CELLS), -1, kernel, one, borderType=cv2.BORDER_REPLICATE)
        counts = np.ascontiguousarray(np.moveaxis(counts.reshape((_CELLS,) * 3), 2, 0))
    return counts.ravel() / max(float(counts.sum()), 1e-9)


def log_odds(inside: np.ndarray, outside: np.ndarray, floor: float, limit: float) -> np.ndarray:
    """Logarithm of the ratio of two histograms, held within +-`limit`: float32."""
    return np.clip(np.log((inside + floor) / (outside + floor)), -limit, limit).astype(np.float32)


def describe(lab: np.ndarray) -> np.ndarray:
    """Hand-made descriptors at half size: colour at two scales and edge strength in four directions.

    Args:
        lab: uint8 (H, W, 3), CIELAB.
    Returns: float32 (H // 2, W // 2, 10).
    Source: ours, after DAISY (Tola et al. 2010) for the edge part.
    """
    height, width = lab.shape[:2]
    colour = cv2.resize(lab, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.float32)
    colour[..., 0] *= 0.6  # light changes more than colour does
    light = np.ascontiguousarray(colour[..., 0])
    across, down = cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=0.25)
    edges = np.dstack([across, -across, down, -down])
    return np.dstack(
        [colour, cv2.GaussianBlur(colour, (0, 0), 2.0) * 1.5, cv2.GaussianBlur(np.maximum(edges, 0), (0, 0), 1.5)]
    )


def signed_distance(mask: np.ndarray) -> np.ndarray:
    """Distance to the edge of a bool mask, pixels, positive inside: float32 (H, W)."""
    inside = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, 3)
    outside = cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 3)
    return np.where(mask, inside - 0.5, 0.5 - outside).astype(np.float32)


def settle(odds: np.ndarray, lab: np.ndarray, strength: float, rounds: int = 12) -> np.ndarray:
    """Let neighbours agree, except across edges of the picture: mean field of a contrast-sensitive Ising model.

    Args:
        odds: float32 (H, W), log odds of object against background, pixel by pixel.
        lab: uint8 (H, W, 3), CIELAB.
        strength: weight of a neighbour of the same colour.
    Returns: float32 (H, W) in [-1, 1], expected label, positive = object.
    Source: Boykov and Jolly 2001, section 3 (the energy); Parisi 1988 (mean field).
    """
    colour = lab.astype(np.float32)
    across, down = (np.einsum("ijk,ijk->ij", step, step) for step in (np.diff(colour, axis=1), np.diff(colour, axis=0)))
    scale = -1.0 / (float(across.mean()) + float(down.mean()) + 1e-3)
    across, down = strength * np.exp(scale * across), strength * np.exp(scale * down)
    label: np.ndarray = np.tanh(odds / 2)
    for _ in range(rounds):
        field = odds.copy()
        field[:, 1:] += across * label[:, :-1]
        field[:, :-1] += across * label[:, 1:]
        field[1:] += down * label[:-1]
        field[:-1] += down * label[1:]
        label += np.tanh(field / 2)
        label *= 0.5
    return label


def connected_at(mask: np.ndarray, x: int, y: int, reach: float) -> np.ndarray:
    """The connected part of a bool mask at a point, or the nearest part within `reach` pixels; empty without one."""
    count, labels = cv2.connectedComponents(mask.view(np.uint8), connectivity=4)
    if count <= 1:
        return np.zeros_like(mask)
    if mask[y, x]:
        return labels == labels[y, x]
    rows, columns = np.nonzero(mask)
    distance = np.hypot(rows - y, columns - x)
    nearest = int(distance.argmin())
    if distance[nearest] > reach:
        return np.zeros_like(mask)
    return labels == labels[rows[nearest], columns[nearest]]


_LEVELS = tuple(range(8, 50, 3))  # colour distances tried, CIELAB
_REGION = 0.4  # largest share of the picture of a region


def stable_region(lab: np.ndarray, disc: np.ndarray, x: int, y: int) -> np.ndarray:
    """The region of like colour round a point whose edge is the most distinct.

    Regions grow with the colour distance allowed; where one hardly grows from level to level, its edge is a real one.

    Args:
        lab: uint8 (H, W, 3), CIELAB.
        disc: bool (H, W), pixels known to be inside; those near the point give the colours.
        x, y: the point.
    Returns: bool (H, W); empty where no region larger than the disc has an edge.
    Source: Matas et al. 2002, MSER (the stability), here on colour distance.
    """
    smooth = cv2.GaussianBlur(lab, (5, 5), 0).astype(np.float32)
    near = connected_at(disc, x, y, 2)
    distance = np.sqrt(np.square(smooth - smooth[near].mean(0)).sum(2)) if near.any() else np.full(lab.shape[:2], 99.0)
    regions = [connected_at((distance < level) | near, x, y, 2) for level in _LEVELS]
    areas = np.array([max(int(region.sum()), 1) for region in regions], np.float64)
    growth = areas[2:] / areas[:-2]
    plausible = (areas[1:-1] >= 3 * max(int(near.sum()), 1)) & (areas[1:-1] <= _REGION * disc.size)
    if not plausible.any():
        return np.zeros_like(disc)
    return regions[1 + int(np.where(plausible, growth, np.inf).argmin())]


def fill_pinholes(mask: np.ndarray, share: float = 0.01) -> np.ndarray:
    """Close holes smaller than `share` of the mask: bool (H, W)."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~mask).view(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < share * max(int(mask.sum()), 1)
    small[0] = False
    return mask | small[labels] if count > 1 and small.any() else mask


MOST_LIKELY = 1.5  # limit of what `nearest_exemplars` says
_NOISE = 200.0  # squared distance of descriptors that means nothing
_PRODUCT = 250_000  # multiplications in one matrix product: OpenBLAS runs larger ones on threads that wait in a loop


def nearest_exemplars(descriptors: np.ndarray, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Compare each place with the exemplars of the object and of its surroundings.

    Args:
        descriptors: float32 (h, w, C).
        inside, outside: float32 (N, C) and (M, C), exemplars.
    Returns: float32 (h, w), half the log ratio of the smallest distances, positive = like the object.
    Source: Voigtlaender et al. 2019, FEELVOS, section 3.4 (global matching), with hand-made descriptors.
    """
    flat = descriptors.reshape(-1, descriptors.shape[2])
    norms = np.einsum("ij,ij->i", flat, flat)
    columns = np.vstack([flat.T, np.ones((1, len(flat)), np.float32)])
    nearest = [np.maximum(_smallest(exemplars, columns) + norms, 0) for exemplars in (inside, outside)]
    ratio = np.log((nearest[1] + _NOISE) / (nearest[0] + _NOISE))
    return np.clip(0.5 * ratio, -MOST_LIKELY, MOST_LIKELY).astype(np.float32).reshape(descriptors.shape[:2])


def _smallest(exemplars: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Squared distance to the nearest exemplar less the place's own norm: float32 (P,), `columns` is (C + 1, P)."""
    own = np.einsum("ij,ij->i", exemplars, exemplars)[:, None]
    rows = np.hstack([-2 * exemplars, own]).astype(np.float32)
    smallest = np.empty(columns.shape[1], np.float32)
    step = max(16, _PRODUCT // rows.size)
    for start in range(0, len(smallest), step):
        np.minimum.reduce(rows @ columns[:, start : start + step], axis=0, out=smallest[start : start + step])
    return smallest
