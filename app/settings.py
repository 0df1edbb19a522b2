"""How to remove, and the button that does it: the lower part of the panel where objects are pointed at."""

import streamlit as st

from vidremove import list_plugins

from .removing import start
from .session import Session, Settings

_PRESETS = {"fast": "Fast", "default": "Balanced", "quality": "Best"}


def show_removal(session: Session) -> None:
    """The settings and Remove."""
    _show_settings(session)
    ready = bool(session.said.prompts)
    st.button(
        "Remove", key="remove", type="primary", icon=":material/ink_eraser:", width="stretch", disabled=not ready,
        on_click=start, args=(session,),
    )  # fmt: skip
    if not ready:
        st.caption("Click on what should go; its mask appears over the frame.")


def _show_settings(session: Session) -> None:
    with st.expander("Settings", icon=":material/tune:"):
        now, fills = session.settings, list_plugins("inpainter")
        preset = st.radio("Quality", list(_PRESETS), format_func=_PRESETS.__getitem__, horizontal=True,
                          index=list(_PRESETS).index(now.preset), key="preset")  # fmt: skip
        fill = st.selectbox("Fill for what no frame shows", fills, index=fills.index(now.fill), key="fill",
                            help="patch and telea need nothing; lama and mat need weights")  # fmt: skip
        grown = st.slider("Grow the mask by, pixels (−1: by the size of the picture)", -1, 60, now.dilate, key="dilate")
        session.settings = Settings(preset, fill, grown)
