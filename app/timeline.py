"""The clip as a strip under the picture: thumbnails, cuts, prompts, how sure the masks are, and where we are."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import streamlit as st

from vidremove.tracks import Track
from vidremove.types import MediaInfo

from .components import show_strip
from .opening import Medium
from .scanning import Look, Scan, most_frames
from .session import Session, colour_of, go_to
from .tracking import open_doubts

_POLL_S = 0.6  # between two looks at what the scan has found
_BINS = 800  # of the strip that tells how sure the masks are


def show_timeline(session: Session) -> None:
    """Show the strip, and the steps; nothing for a photo. While the scan goes on, it alone is drawn anew."""
    medium = session.medium
    if medium is None or medium.info.frames < 2:
        return
    scan, shown = scan_of(medium, session.track is None), session.frame
    going = not scan.finished

    def strip() -> None:
        if going and (scan.finished or session.frame != shown):
            st.rerun()  # the picture too
        show_strip(timeline_data(session, medium, scan.look), lambda event: apply_step(session, event))

    st.fragment(strip, run_every=_POLL_S)() if going else strip()


def scan_of(medium: Medium, find_cuts: bool = True) -> Scan:
    """The look through the medium, begun when it is first asked for; it ends with the medium."""
    if medium.scan is None:
        medium.scan = Scan(medium.source, find_cuts)
    return medium.scan


def apply_step(session: Session, event: Mapping[str, Any] | None) -> None:
    """Go to the frame that the strip tells; what is not understood is passed over."""
    frame = event.get("frame") if isinstance(event, Mapping) else None
    if isinstance(frame, int) and not isinstance(frame, bool):
        go_to(session, frame)


def timeline_data(session: Session, medium: Medium, look: Look) -> dict[str, Any]:
    """What timeline.js draws."""
    info, track, said = medium.info, session.track, session.said
    cuts = look.cuts if track is None else [shot.start for shot in track.shots[1:]]
    prompts = [
        {"frame": prompt.frame, "colour": colour_of(said, prompt.object), "text": prompt.object}
        for prompt in said.prompts
    ]
    return {
        "frames": info.frames,
        "frame": session.frame,
        "rate": float(info.rate),
        "thumbs": list(look.thumbs),
        "cuts": list(cuts),
        "prompts": prompts,
        "sure": None if track is None else sureness(track),
        "doubts": [{"frame": doubt.frame, "text": doubt.reason} for doubt in open_doubts(session)],
        "note": "" if track is not None else _not_looked_at(info),
    }


def _not_looked_at(info: MediaInfo) -> str:
    """Which part of a long clip is not looked at for cuts."""
    most = most_frames(info.size, info.frames)
    if most == info.frames:
        return ""
    minutes, seconds = divmod(int(most / info.rate) if info.rate else 0, 60)
    return f"cuts after {minutes}:{seconds:02d} are found when the clip is tracked"


@lru_cache(maxsize=8)
def sureness(track: Track) -> list[float]:
    """How sure a track is, from its start to its end: 0..1 of the least sure object, −1 where none is in the picture.

    Returns: one number a frame; of more than `_BINS` frames the least of every so many.
    """
    frames = np.full(track.frames, -1.0)
    for name in track.objects:
        there = np.where(track.areas(name) > 0, track.confidences(name), -1.0)
        prompted = list(track.keyframes[name])  # what was looked at and kept
        there[prompted] = np.where(there[prompted] < 0, -1.0, 1.0)
        frames = np.where(frames < 0, there, np.where(there < 0, frames, np.minimum(frames, there)))
    bounds = np.linspace(0, track.frames, min(track.frames, _BINS) + 1).astype(int)
    parts = [frames[first:last] for first, last in pairwise(bounds)]
    return [round(float(part[part >= 0].min()), 2) if (part >= 0).any() else -1.0 for part in parts]
