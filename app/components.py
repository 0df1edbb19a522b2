"""The two parts of the page that Streamlit has no widget for: the canvas, and the before/after slider."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def _make(name: str) -> Any:
    html, css, js = ((_HERE / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"vidremove_{name}", html=html, css=css, js=js)


def show_canvas(data: dict[str, Any], on_event: Callable[[Any], None]) -> None:
    """Show the frame to draw on; see canvas.js for `data`. `on_event` is handed what was drawn, before the rerun."""

    def tell() -> None:
        on_event(st.session_state["canvas"].get("event"))

    _make("canvas")(key="canvas", data=data, on_event_change=tell, width="stretch")


def show_compare(before: str, after: str, ratio: float) -> None:
    """Show two pictures, data URLs of this width over height, with a line between them to move."""
    _make("compare")(key="compare", data={"before": before, "after": after, "ratio": ratio}, width="stretch")
