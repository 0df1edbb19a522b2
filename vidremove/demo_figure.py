"""The walking figure of the demo clip, drawn limb by limb."""

from collections.abc import Callable

import numpy as np

HEIGHT_M = 1.8
_WIDTH_M = 1.5
STRIDE_M = 1.5  # two steps
Colour = tuple[int, int, int]
_SKIN: Colour = (204, 152, 120)
_HAIR: Colour = (62, 42, 30)
_COAT: Colour = (196, 62, 44)
_JEANS: Colour = (48, 66, 104)
_SHOES: Colour = (128, 66, 30)
_BAG: Colour = (58, 92, 84)


def draw_figure(walked_m: float, pixels_per_m: float) -> np.ndarray:
    """The figure seen from its right side, walking to the right.

    Args:
        walked_m: metres walked so far; sets the phase of the step.
        pixels_per_m: resolution.
    Returns: float32 (H, W, 4), premultiplied RGB 0..255 and alpha 0..1; the soles stand on the last row, the middle of
        the hip is half-way across.
    """
    size = round(HEIGHT_M * 1.04 * pixels_per_m), round(_WIDTH_M * pixels_per_m)
    canvas = np.zeros((*size, 4), np.float32)
    joints = _pose(2 * np.pi * walked_m / STRIDE_M)

    def limb(start: str, end: str, wide: float, narrow: float, colour: Colour, light: float = 1.0) -> None:
        _capsule(canvas, joints[start], joints[end], wide, narrow, colour, light, pixels_per_m)

    for side, light in (("far", 0.66), ("near", 1.0)):
        if side == "near":
            limb("chest", "bag", 0.15, 0.16, _BAG)
            limb("waist", "chest", 0.135, 0.165, _COAT)
            limb("hip", "waist", 0.13, 0.135, _COAT, 0.92)
            limb("collar", "neck", 0.06, 0.055, _SKIN, 0.85)
            limb("skull", "head", 0.112, 0.105, _HAIR)
            limb("cheek", "face", 0.088, 0.078, _SKIN)
            limb("face", "nose", 0.045, 0.012, _SKIN)
        limb("hip", f"{side} knee", 0.098, 0.07, _JEANS, light)
        limb(f"{side} knee", f"{side} ankle", 0.07, 0.05, _JEANS, light * 0.97)
        limb(f"{side} heel", f"{side} toe", 0.045, 0.038, _SHOES, light)
        if side == "far":
            _arm(limb, side, light)
    limb("hip", "waist", 0.125, 0.13, _COAT, 0.95)
    _arm(limb, "near", 1.08)
    return canvas


def _arm(limb: Callable[..., None], side: str, light: float) -> None:
    limb("shoulder", f"{side} elbow", 0.068, 0.055, _COAT, light)
    limb(f"{side} elbow", f"{side} wrist", 0.055, 0.042, _COAT, light * 0.96)
    limb(f"{side} wrist", f"{side} hand", 0.04, 0.035, _SKIN, light)


def _pose(phase: float) -> dict[str, np.ndarray]:
    """Joints in metres, (x forwards, y down from the soles, so negative is up); the lower foot stands on the ground."""
    hip = np.array([0.0, 0.0])

    def at(forwards: float, down: float) -> np.ndarray:
        return hip + np.array([forwards, down])

    joints = {"hip": hip, "waist": at(0.0, -0.16), "chest": at(0.03, -0.40)}
    joints["shoulder"] = at(0.02, -0.47)
    joints["collar"] = at(0.045, -0.545)
    joints["bag"] = at(-0.17, -0.30)
    joints["neck"] = at(0.06, -0.58)
    joints["head"], joints["skull"] = at(0.075, -0.72), at(0.05, -0.71)
    joints["cheek"], joints["face"], joints["nose"] = at(0.09, -0.68), at(0.10, -0.64), at(0.188, -0.65)
    for side, turn in (("near", phase), ("far", phase + np.pi)):
        swing = 0.46 * np.sin(turn)
        bend = 0.18 + 0.62 * max(0.0, np.cos(turn)) ** 1.5
        knee = hip + 0.44 * np.array([np.sin(swing), np.cos(swing)])
        ankle = knee + 0.41 * np.array([np.sin(swing - bend), np.cos(swing - bend)])
        foot = 0.5 * (swing - bend) + 0.12
        joints[f"{side} knee"], joints[f"{side} ankle"] = knee, ankle
        joints[f"{side} heel"] = ankle + np.array([-0.03, 0.045])
        joints[f"{side} toe"] = ankle + np.array([0.17 * np.cos(foot), 0.05 - 0.17 * np.sin(foot)])
        reach = -0.5 * np.sin(turn)
        elbow = joints["shoulder"] + 0.29 * np.array([np.sin(reach), np.cos(reach)])
        lower = reach + 0.35 + 0.2 * max(0.0, float(np.sin(reach)))
        wrist = elbow + 0.25 * np.array([np.sin(lower), np.cos(lower)])
        joints[f"{side} elbow"], joints[f"{side} wrist"] = elbow, wrist
        joints[f"{side} hand"] = wrist + 0.09 * np.array([np.sin(lower), np.cos(lower)])
    lowest = max(float(joints[f"{side} {end}"][1]) for side in ("near", "far") for end in ("heel", "toe"))
    return {name: place - [0.0, lowest + 0.042] for name, place in joints.items()}


def _capsule(
    canvas: np.ndarray, start: np.ndarray, end: np.ndarray, wide: float, narrow: float, colour: Colour, light: float,
    scale: float,
) -> None:  # fmt: skip
    """A rounded limb from `start` to `end`, radii in metres, lit from the upper left, over the canvas in place."""
    height, width = canvas.shape[:2]
    origin = np.array([width / 2, height - 0.5])
    a, b = start * scale + origin, end * scale + origin
    reach = max(wide, narrow) * scale + 2
    low = np.floor(np.minimum(a, b) - reach).astype(int).clip(0, [width, height])
    high = np.ceil(np.maximum(a, b) + reach).astype(int).clip(0, [width, height])
    if (high <= low).any():
        return
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]].astype(np.float32)
    along = b - a
    t = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(float(along @ along), 1e-6), 0, 1)
    across = np.dstack([x - a[0] - t * along[0], y - a[1] - t * along[1]])
    radius = (wide + (narrow - wide) * t) * scale
    alpha = np.clip(radius - np.linalg.norm(across, axis=2) + 0.5, 0, 1)[..., None]
    facing = -(across @ np.array([0.55, 0.6])) / radius
    folds = 0.02 * np.sin(t * 8 + facing * 4)
    tone = np.array(colour) * (light * np.clip(0.84 + 0.26 * facing + folds, 0.35, 1.25))[..., None]
    part = canvas[low[1] : high[1], low[0] : high[0]]
    part[..., :3] += (np.clip(tone, 0, 255) - part[..., :3]) * alpha
    part[..., 3:] += (1 - part[..., 3:]) * alpha
