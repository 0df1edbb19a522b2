"""Weights of the networks: what is missing is said where it matters, and fetched on a click.

They belong to the computer, not to a visitor: one fetch serves all, and every page shows how far it is.
"""

import threading

import streamlit as st

from vidremove import weights
from vidremove.published import Published
from vidremove.types import OnProgress, Result

from .hosting import Hosting
from .running import Run
from .texts import plain, sentence

_POLL_S = 0.5  # between two looks at a fetch
_LABELS = {"lama": "LaMa", "mat": "MAT", "lavt": "LAVT", "transfiner": "Mask Transfiner"}
_LONGEST_SENTENCE = 120  # characters of an error that is shown as it is
_EMBEDDED = "The embedded fill is used."
_WITHOUT = {
    "lama": _EMBEDDED,
    "mat": _EMBEDDED,
    "lavt": "Click on the object or draw a box round it.",
    "transfiner": "The embedded way is used.",
}
_FOR = {"lama": "", "mat": "", "lavt": "To find by words: ", "transfiner": "For more exact masks: "}
_WHY = {
    "lama": "A network that fills what no frame shows.",
    "mat": "A network that fills large holes that no frame shows.",
    "lavt": "A network that finds an object by words.",
    "transfiner": "A network that finds clicked and boxed objects more exactly.",
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
    """Size and licence in a word."""
    size = published.sources[0].size
    amount = f"{size / 1e6:.0f} MB" if size else "size not published"
    licence = published.licence.partition(" (")[0]
    return f"{amount}, {'no licence stated' if licence.startswith('none') else f'licence {licence}'}"


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
    with st.container(key=f"offer_{name}", gap="small"):
        run = fetching(name)
        if run is not None:
            _show_fetch(name, run)
            return
        published = weights.find(name)
        text, button = st.columns([2.4, 1], vertical_alignment="center")
        terms = f"{_WHY[name]} Licence: {published.licence}; {published.use}. {published.paper}."
        text.caption(f"{_FOR[name]}**{label(name)}** is not here: {plain(describe(published))}", help=plain(terms))
        if Hosting.told().shared:  # strangers do not fill the disk of whoever runs the page
            text.caption(plain(f"Whoever runs this page may fetch it: vidremove weights get {name}"))
        else:
            button.button("Fetch", key=f"fetch_{name}", width="stretch", on_click=_fetch, args=(name,))
        _show_failure(name)


def _show_failure(name: str) -> None:
    """Why the last fetch failed: in a sentence, and in full for who wants to know."""
    reason = failure(name)
    if not reason:
        return
    if len(reason) <= _LONGEST_SENTENCE:
        st.caption(f":material/cloud_off: {plain(sentence(reason))}")
        return
    why = "VIDREMOVE_OFFLINE forbids it" if weights.offline() else "none of its sources can be reached"
    st.caption(f":material/cloud_off: It could not be fetched: {plain(why)}. {plain(_WITHOUT[name])}")
    with st.expander("What was tried"):
        st.caption(plain(reason))


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
                  width="stretch", disabled=run.stopping, on_click=run.stop)  # fmt: skip

    progress()
