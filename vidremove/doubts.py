"""Frames of a track that deserve a look, worst first, from what is known of the masks without unpacking them."""

from dataclasses import dataclass

import numpy as np

from vidremove.stages.objects import find_losses
from vidremove.tracks import Track
from vidremove.types import Shot

_LEAST = 0.2  # score from which a frame is worth a look
_APART = 3  # frames from one to the next that are told as one
_USUAL = 3.0  # times the usual change between two frames, that a change may be
_FLOOR = 0.05  # change that is never noticed: natural log of the area, or share of the object's sides
_SURE = 0.7  # change beyond the usual that is surely wrong
_WORST_JUMP = 0.8  # score of a change that is surely wrong: some objects do jump
_STEEPNESS = 4.0  # power of the confidence that is left of a mask's credit: 0.95 leaves 0.81, 0.8 leaves 0.41
_EDGE = 0.01  # of the picture's sides, from which an object may leave it
_LOST, _LEFT = 0.9, 0.3  # scores of an object that is lost inside the picture, and at its edge
_AGAIN = 0.4  # score of an object that was just found again, however sure its mask
_SETTLES = 10  # frames from then on, in which its mask is doubted for that
_AFTER_CUT = 0.5  # score of a shot without an object that was in the shot before

_AREA, _PLACE = "its size jumps", "it jumps to another place"
_CONFIDENCE, _GONE, _FOUND = "the mask is unsure", "it is lost", "it is found again"
_CUT = "nothing was tracked after the cut"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A frame, or the worst of some beside each other, whose mask of an object may be wrong."""

    frame: int
    object: str
    score: float  # 0..1; 1 = surely wrong
    reason: str  # in words


def doubtful(track: Track) -> list[Doubt]:
    """The frames that deserve a look, worst first; frames beside each other with one reason are one.

    Source: ours.
    """
    doubts = []
    for name in track.objects:
        for shot, keys in _tracked(track, name):
            doubts += _in_shot(track, name, shot, keys)
        doubts += _after_cuts(track, name)
    return sorted(doubts, key=lambda doubt: (-doubt.score, doubt.frame))


def doubt_scores(track: Track, object: str) -> np.ndarray:
    """How doubtful each mask of an object is: float64 (frames,), 0..1; 0 where it was not tracked."""
    scores = np.zeros(track.frames)
    for shot, keys in _tracked(track, object):
        scores[shot.start : shot.stop] = _together(_causes(track, object, shot, keys))
    return scores


def _tracked(track: Track, name: str) -> list[tuple[Shot, list[int]]]:
    """The shots with keyframes of an object, and these."""
    keys = track.keyframes[name]
    parted = [(shot, [key for key in keys if shot.start <= key < shot.stop]) for shot in track.shots]
    return [(shot, here) for shot, here in parted if here]


def _in_shot(track: Track, name: str, shot: Shot, keys: list[int]) -> list[Doubt]:
    causes = _causes(track, name, shot, keys)
    scores = _together(causes)
    main = np.argmax(list(causes.values()), axis=0)
    doubts = []
    for number, reason in enumerate(causes):
        frames = np.flatnonzero((main == number) & (scores >= _LEAST))
        for group in np.split(frames, np.flatnonzero(np.diff(frames) > _APART) + 1):
            if group.size:
                worst = int(group[np.argmax(scores[group])])
                doubts.append(Doubt(shot.start + worst, name, float(scores[worst]), reason))
    return doubts


def _together(causes: dict[str, np.ndarray]) -> np.ndarray:
    """The chance that one of several independent causes made a mask wrong."""
    return 1 - np.prod([1 - scores for scores in causes.values()], axis=0)


def _causes(track: Track, name: str, shot: Shot, keys: list[int]) -> dict[str, np.ndarray]:
    """What speaks against each mask of a shot: by reason, float64 of its frames, 0..1."""
    inside = slice(shot.start, shot.stop)
    areas, boxes = track.areas(name)[inside].astype(np.float64), track.boxes(name)[inside]
    confidences = track.confidences(name)[inside].astype(np.float64)
    given = np.isin(np.arange(shot.start, shot.stop), keys)
    unsure = np.where((areas > 0) & ~given, 1 - confidences**_STEEPNESS, 0)
    gone, again = _losses(areas, boxes, track.size, shot)
    return {
        _GONE: gone,
        _FOUND: np.where(again, np.maximum(unsure, _AGAIN * (areas > 0)), 0),
        _AREA: _jumps(_area_changes(areas), given),
        _PLACE: _jumps(_place_changes(areas, boxes), given),
        _CONFIDENCE: np.where(again, 0, unsure),
    }


def _area_changes(areas: np.ndarray) -> np.ndarray:
    """Change of the area from the frame before, natural log; NaN where there is none."""
    logs = np.log(np.where(areas > 0, areas, np.nan))
    return np.abs(np.diff(logs, prepend=np.nan))


def _place_changes(areas: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Change of the motion of the box's centre from the frame before, share of its sides; NaN where none."""
    centres = np.where((areas > 0)[:, None], np.stack([boxes[:, :2].mean(1), boxes[:, 2:].mean(1)], 1), np.nan)
    motion = np.diff(centres, axis=0, prepend=np.full((1, 2), np.nan))
    change = np.diff(motion, axis=0, prepend=np.full((1, 2), np.nan))
    sides = np.stack([boxes[:, 1] - boxes[:, 0], boxes[:, 3] - boxes[:, 2]], 1).mean(1)
    return np.asarray(np.linalg.norm(change, axis=1) / np.maximum(sides, 1))


def _jumps(changes: np.ndarray, given: np.ndarray) -> np.ndarray:
    """How far changes are beyond the usual: 0..1. One to a keyframe speaks against the frame before it.

    Args:
        changes: from the frame before, float64 (T,), NaN where unknown.
        given: bool (T,), keyframes, which are not doubted.
    """
    known = changes[np.isfinite(changes)]
    if not known.size:
        return np.zeros(len(changes))
    usual = _FLOOR + _USUAL * float(np.median(known))
    scores = _WORST_JUMP * np.clip((np.nan_to_num(changes) - usual) / _SURE, 0, 1)
    before = np.append(np.where(given, scores, 0)[1:], 0)
    return np.where(given, 0, np.maximum(scores, before))


def _losses(areas: np.ndarray, boxes: np.ndarray, size: tuple[int, int], shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the frames in which an object is lost; and bool, those in which it was just found again."""
    gone, again = np.zeros(len(areas)), np.zeros(len(areas), np.bool_)
    for start, stop in find_losses(areas, Shot(shot.number, 0, len(areas))):
        beside = [index for index in (start - 1, stop) if 0 <= index < len(areas)]
        gone[start:stop] = _LEFT if all(_at_edge(boxes[index], size) for index in beside) else _LOST
        if start > 0:
            again[stop : stop + _SETTLES] = True
    return gone, again


def _at_edge(box: np.ndarray, size: tuple[int, int]) -> bool:
    y0, y1, x0, x1 = box
    height, width = size
    return bool(
        min(y0, height - y1) <= max(1, _EDGE * height) or min(x0, width - x1) <= max(1, _EDGE * width),
    )


def _after_cuts(track: Track, name: str) -> list[Doubt]:
    """The first of the shots that follow each other without an object that was seen before or after them."""
    spoken = [bool(track.areas(name)[shot.start : shot.stop].any()) for shot in track.shots]
    return [
        Doubt(shot.start, name, _AFTER_CUT, _CUT)
        for shot, before, here in zip(track.shots[1:], spoken, spoken[1:], strict=False)
        if before and not here
    ]
