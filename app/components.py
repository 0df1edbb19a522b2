"""The parts of the page that Streamlit has no widget for; each is NAME.html, NAME.css and NAME.js beside this file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def _make(name: str) -> Any:
    html, css, js = ((_HERE / f"{name}.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component(f"vidremove_{name}", html=html, css=css, js=js)


def show_canvas(data: dict[str, Any], on_event: Callable[[Any], None]) -> None:
    """Show the frame to draw on; see canvas.js for `data`. `on_event` is handed what was done, before the rerun."""

    def tell() -> None:
        on_event(st.session_state["canvas"].get("event"))

    _make("canvas")(key="canvas", data=data, on_event_change=tell, width="stretch")


def show_compare(data: dict[str, Any]) -> None:
    """Show two pictures of one frame, parted by a line to move or beside each other; see compare.js for `data`."""
    _make("compare")(key="compare", data=data, width="stretch")


def show_player(data: dict[str, Any], on_event: Callable[[Any], None]) -> None:
    """Play two clips in step; see player.js for `data`. `on_event` is handed where they were stopped."""

    def tell() -> None:
        on_event(st.session_state["player"].get("event"))

    _make("player")(key="player", data=data, on_event_change=tell, width="stretch")


def show_links(links: list[dict[str, str]]) -> None:
    """Show links that save a file each: label, URL and a note; the first stands out."""
    _make("links")(key="links", data={"links": links}, width="stretch")


def show_still(picture: str, ratio: float) -> None:
    """Show one picture, a data URL of this width over height."""
    _make("still")(key="still", data={"picture": picture, "ratio": ratio}, width="stretch")


def show_strip(data: dict[str, Any], on_event: Callable[[Any], None]) -> None:
    """Show the timeline; see timeline.js for `data`. `on_event` is handed the step, before the rerun."""

    def tell() -> None:
        on_event(st.session_state["timeline"].get("event"))

    _make("timeline")(key="timeline", data=data, on_event_change=tell, width="stretch")
