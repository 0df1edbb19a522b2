"""Weights of the networks: what is missing is said where it matters, and fetched on a click.

They belong to the computer, not to a visitor: one fetch serves all, and every page shows how far it is.
"""

import threading

import streamlit as st

from vidremove import weights
from vidremove.published import Published
from vidremove.types import OnProgress, Result

from .running import Run
from .texts import plain

_POLL_S = 0.5  # between two looks at a fetch
_LABELS = {"lama": "LaMa", "mat": "MAT", "lavt": "LAVT", "transfiner": "Mask Transfiner"}
_WHY = {
    "lama": "fills what no frame shows by a network. Without it, the embedded fill is used.",
    "mat": "fills large holes that no frame shows by a network. Without it, the embedded fill is used.",
    "lavt": "finds an object by words. Without it, click on the object or draw a box round it.",
    "transfiner": "finds clicked and boxed objects more exactly. Without it, the embedded way is used.",
}

_fetches: dict[str, Run] = {}  # by the name of the weights; those that failed stay for their sentence
_lock = threading.Lock()


def label(name: str) -> str:
    """The network's name as its authors write it."""
    return _LABELS.get(name, name)


def present(name: str) -> bool:
    """Whether a network's weights are here; those that need none always are."""
    return name not in _LABELS or weights.kept_file(weights.find(name)).is_file()


def missing(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of these networks whose weights are not here."""
    return tuple(name for name in names if not present(name))


def describe(published: Published) -> str:
    """Size and licence in a few words."""
    size = published.sources[0].size
    amount = f"{size / 1e6:.0f} MB" if size else "size not published"
    return f"{amount} · licence: {published.licence} · {published.use}"


def fetch(name: str) -> Run:
    """Start to fetch weights, unless that is going on already."""

    def work(on_progress: OnProgress) -> Result:
        return Result(weights.get(name, on_progress), 0, 0, 0, 0.0)

    with _lock:
        run = _fetches.get(name)
        if run is None or run.finished:
            run = _fetches[name] = Run(work)
        return run


def _fetch(name: str) -> None:
    fetch(name)


def fetching(name: str) -> Run | None:
    """The fetch that goes on."""
    run = _fetches.get(name)
    return None if run is None or run.finished else run


def failure(name: str) -> str:
    """Why the last fetch did not bring the weights, in one sentence; "" if there was none, or it did."""
    run = _fetches.get(name)
    if run is None or not run.finished or present(name):
        return ""
    return "stopped as asked; the next fetch goes on from there." if run.cancelled else run.error


def show_offer(name: str) -> None:
    """Say what weights are missing for, and offer to fetch them; nothing where they are here."""
    if present(name):
        return
    with st.container(border=True, key=f"offer_{name}"):
        run = fetching(name)
        if run is not None:
            _show_fetch(name, run)
            return
        st.caption(f"**{label(name)}** · {plain(_WHY[name])}")
        st.caption(plain(describe(weights.find(name))))
        if failure(name):
            st.warning(plain(failure(name)), icon=":material/cloud_off:")
        st.button("Fetch the weights", key=f"fetch_{name}", icon=":material/cloud_download:", width="stretch",
                  on_click=_fetch, args=(name,))  # fmt: skip


def show_for_words(message: str) -> None:
    """Offer the weights that finding by words needs, where an error says that they are missing, or they are fetched.

    Args:
        message: of the error, see `vidremove.weights.path`.
    """
    if "weights 'lavt' are not" in message or fetching("lavt") is not None:
        show_offer("lavt")


def _show_fetch(name: str, run: Run) -> None:
    """How far the fetch is, and Cancel."""

    @st.fragment(run_every=_POLL_S)
    def progress() -> None:
        if run.finished:
            st.rerun()
        st.caption(f"Fetching **{label(name)}**")
        step = next(iter(run.passes()), None)
        if step is None or not step.total:
            st.progress(0.0, text="…")
        else:
            left = f" · {(step.total - step.done) / step.rate:.0f} s left" if step.rate else ""
            st.progress(step.share, text=f"{step.done / 1e6:.0f} of {step.total / 1e6:.0f} MB{left}")
        st.button("Stopping…" if run.stopping else "Cancel", key=f"stop_{name}", icon=":material/stop:",
                  width="stretch", disabled=run.stopping, on_click=run.cancel)  # fmt: skip

    progress()
