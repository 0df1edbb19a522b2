"""How to remove, and the button that does it: the lower part of the panel where objects are pointed at."""

from dataclasses import replace
from itertools import combinations

import streamlit as st

from vidremove.choices import BOTH

from . import weights
from .removing import FILLS, PRESETS, label_of, start
from .session import Session, Settings


def show_removal(session: Session) -> None:
    """The settings and Remove."""
    _show_settings(session)
    for name in session.settings.fills:
        weights.show_offer(name)
    ready = bool(session.said.prompts)
    st.button(
        "Remove", key="remove", type="primary", icon=":material/ink_eraser:", width="stretch", disabled=not ready,
        on_click=start, args=(session,),
    )  # fmt: skip
    if not ready:
        st.caption("Click on what should go; its mask appears over the frame.")


def _show_settings(session: Session) -> None:
    now = session.settings
    fill, more = st.columns([3, 1], vertical_alignment="bottom")
    with fill:
        fills = _choose_fills(now)
    with more.popover("", icon=":material/tune:", width="stretch", help="quality, edge, masks by a network"):
        preset = st.radio("Quality", list(PRESETS), format_func=PRESETS.__getitem__, horizontal=True,
                          index=list(PRESETS).index(now.preset), key="preset")  # fmt: skip
        grown = _choose_pixels("Grow the mask", now.dilate, 60, "dilate", "by the size of the picture")
        faded = _choose_pixels("Fade the edge", now.feather, 30, "feather", "as the quality has it")
        weights.show_offer("transfiner")
    session.settings = replace(now, preset=preset, fill="+".join(fills), dilate=grown, feather=faded)


def _choose_fills(now: Settings) -> tuple[str, ...]:
    """One fill, or two whose results are compared."""
    pairs = [BOTH, *(pair for pair in combinations(FILLS, 2) if pair != BOTH)]
    choices = [*((name,) for name in FILLS), *pairs]
    at = choices.index(now.fills) if now.fills in choices else 0
    return st.selectbox(
        "Fill what no frame shows", choices, index=at, key="fill", format_func=label_of,
        help="Embedded needs nothing. Two: one after the other with the same masks, to look at side by side.",
    )  # fmt: skip


def _choose_pixels(label: str, now: int, most: int, key: str, by_itself: str) -> int:
    """A number of pixels; -1 where it is left open."""
    return st.select_slider(
        label, range(-1, max(most, now) + 1), now, key=key, help=f"auto: {by_itself}",
        format_func=lambda value: "auto" if value < 0 else f"{value} px",
    )  # fmt: skip
