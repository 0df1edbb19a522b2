"""Two pictures of one frame against each other: the source and results, or two results."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import streamlit as st

from vidremove.errors import VidremoveError
from vidremove.images import fit_side

from .components import show_compare
from .drawing import data_url
from .opening import Medium
from .session import Session
from .texts import plain

SLIDER, BESIDE, DIFFERENCE = "Slider", "Side by side", "Difference"
MODES = (SLIDER, BESIDE, DIFFERENCE)
SOURCE = -1  # number of the source among the sides; results count from 0
_LONGEST = 1920  # pixels of a side of a picture that is sent, so that it can be looked at closely
_AMPLIFIED = 4
_CHANGED = 8  # levels of 255; less is what encoding does
_DIMMED = 0.3


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared."""

    label: str
    medium: Medium


def number_of_right(session: Session) -> int:
    """The result that is looked at: the accepted one at first, the last one when it has come, else what was chosen."""
    outcomes, state = session.outcomes, st.session_state
    made = tuple(str(outcome.result.target) for outcome in outcomes)
    if state.get("made") != made:
        accepted = [number for number, outcome in enumerate(outcomes) if outcome.accepted and "made" not in state]
        state["made"], state["left"] = made, SOURCE
        state["right"] = accepted[0] if accepted else len(outcomes) - 1
    chosen = state.get("right")
    return chosen if isinstance(chosen, int) and 0 <= chosen < len(outcomes) else len(outcomes) - 1


def number_of_left(session: Session) -> int:
    """What it is compared with: `SOURCE`, or the number of another result."""
    chosen = st.session_state.get("left")
    good = isinstance(chosen, int) and SOURCE <= chosen < len(session.outcomes) and chosen != number_of_right(session)
    return chosen if good and isinstance(chosen, int) else SOURCE


def name_of(session: Session, number: int) -> str:
    """What the page calls the source or a result."""
    if number == SOURCE:
        return "Before"
    label = session.outcomes[number].label
    if len(session.outcomes) == 1:
        return "After"
    return f"Result {number + 1}{f' · {label}' if label else ''}"


def side_of(session: Session, number: int) -> Side:
    """The source or a result, to be shown. Raises: InputError if its file is gone."""
    if number == SOURCE and session.medium is not None:
        return Side(name_of(session, number), session.medium)
    return Side(name_of(session, number), session.outcomes[number].after)


def pictures(session: Session, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """The frame on the left and on the right: uint8 (H, W, 3) of the source's size. Raises: InputError."""
    media = [side_of(session, number).medium for number in (number_of_left(session), number_of_right(session))]
    with ThreadPoolExecutor(2) as side_by_side:
        left, right = side_by_side.map(lambda medium: medium.at(frame), media)
    height, width = min(left.shape[0], right.shape[0]), min(left.shape[1], right.shape[1])
    return left[:height, :width], right[:height, :width]  # odd sides may have been padded


def show_frame(session: Session) -> None:
    """Both pictures of the frame, as it was chosen to look at them."""
    try:
        left, right = pictures(session, session.frame)
    except VidremoveError as error:
        st.error(plain(str(error)))
        return
    labels = [side_of(session, number).label for number in (number_of_left(session), number_of_right(session))]
    ratio, mode = left.shape[1] / left.shape[0], st.session_state.get("mode") or SLIDER
    if mode == DIFFERENCE:
        picture, words = difference(left, right)
        show_compare({"mode": "single", "left": data_url(fit_side(picture, _LONGEST)), "right": "",
                      "labels": ["Difference"], "ratio": ratio})  # fmt: skip
        st.caption(words)
        return
    with ThreadPoolExecutor(2) as side_by_side:
        urls = list(side_by_side.map(lambda picture: data_url(fit_side(picture, _LONGEST)), (left, right)))
    show_compare({"mode": "slider" if mode == SLIDER else "beside", "left": urls[0], "right": urls[1],
                  "labels": labels, "ratio": ratio})  # fmt: skip


def difference(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, str]:
    """Where and how much two pictures differ.

    Args:
        left, right: uint8 (H, W, 3).
    Returns: uint8 (H, W, 3), `left` dimmed and grey, with what changed over it, four times as strong; and a sentence.
    """
    apart = cv2.absdiff(left, right).max(axis=2)
    strength = cv2.convertScaleAbs(np.where(apart > _CHANGED, apart, 0), alpha=_AMPLIFIED)
    grey = cv2.cvtColor(cv2.cvtColor(left, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    heat = cv2.cvtColor(cv2.applyColorMap(strength, cv2.COLORMAP_HOT), cv2.COLOR_BGR2RGB)
    picture = cv2.add(cv2.convertScaleAbs(grey, alpha=_DIMMED), heat)
    share = 100 * float((apart > _CHANGED).mean())
    words = f"{share:.1f} % of the pixels differ by more than {_CHANGED} of 255, at most by {int(apart.max())}. "
    return picture, words + f"Shown {_AMPLIFIED} times as strong."
