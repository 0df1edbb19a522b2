"""The sound of the demo clip: wind, birds and steps."""

import numpy as np
from scipy.signal import lfilter

SAMPLE_RATE = 48000


def draw_sound(seconds: float, steps_s: list[float]) -> np.ndarray:
    """Stereo sound: float32 (samples, 2) in -1..1; the same every time.

    Args:
        seconds: length.
        steps_s: times at which a foot meets the ground, in seconds.
    """
    count = round(seconds * SAMPLE_RATE)
    rng = np.random.default_rng(7)
    time = np.arange(count) / SAMPLE_RATE
    gusts = 0.7 + 0.3 * np.sin(2 * np.pi * 0.23 * time)
    wind = lfilter([0.02], [1, -0.98], rng.normal(0, 1, (count, 2)), axis=0) * gusts[:, None] * 0.12
    sound = wind
    for at in steps_s:
        place, length = round(at * SAMPLE_RATE), round(0.09 * SAMPLE_RATE)
        if not 0 <= place < count - length:
            continue
        decay = np.exp(-np.arange(length) / (0.018 * SAMPLE_RATE))
        step = lfilter([0.25], [1, -0.75], rng.normal(0, 1, length)) * decay * 0.16
        right = np.clip(at / max(seconds, 1e-6), 0, 1)
        sound[place : place + length] += step[:, None] * [1 - 0.7 * right, 0.3 + 0.7 * right]
    for at, pitch, pan in ((0.5, 3400, 0.2), (1.35, 3900, 0.8), (2.2, 3400, 0.25), (3.1, 4300, 0.6), (3.9, 3600, 0.15)):
        place, length = round(at * SAMPLE_RATE), round(0.28 * SAMPLE_RATE)
        if place + length > count:
            continue
        t = np.arange(length) / SAMPLE_RATE
        trill = np.sin(2 * np.pi * (pitch * t + 18 * np.sin(2 * np.pi * 14 * t)))
        chirp = trill * np.sin(np.pi * t / t[-1]) ** 2 * (0.5 + 0.5 * np.sin(2 * np.pi * 14 * t)) * 0.05
        sound[place : place + length] += chirp[:, None] * [1 - pan, pan]
    return np.clip(sound, -1, 1).astype(np.float32)
