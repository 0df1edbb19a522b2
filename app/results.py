"""The result: before and after of a frame, both clips beside each other, and what to take away."""

import io
import zipfile
from pathlib import Path

import streamlit as st

from vidremove.errors import VidremoveError

from .components import show_compare
from .drawing import data_url, shrink
from .outcomes import Outcome
from .session import COMPARE, PLAY, POINT, Session
from .texts import plain

_PLAYED = (".mp4", ".m4v", ".webm", ".mov")  # that browsers play, if the codec inside is one of theirs
_LARGEST_PLAYED = 500 << 20  # bytes; Streamlit holds what it plays in memory


def views(session: Session) -> tuple[str, ...]:
    """What can be looked at: clips can be played, photos and folders cannot."""
    clip = session.outcome is not None and session.outcome.after.info.kind == "video"
    return (POINT, COMPARE, PLAY) if clip else (POINT, COMPARE)


def playing(session: Session) -> bool:
    """Whether both clips are shown, and not one frame."""
    return comparing(session) and st.session_state.get("view") == PLAY


def comparing(session: Session) -> bool:
    """Whether the result is looked at, and not the prompts."""
    return session.outcome is not None and not session.busy and st.session_state.get("view") in (COMPARE, PLAY)


def show_picture(session: Session) -> None:
    """Before and after, of the frame or as clips."""
    medium, outcome = session.medium, session.outcome
    if medium is None or outcome is None:
        return
    if st.session_state.get("view") == PLAY:
        _show_clips(medium.source.path, outcome.after.source.path)
        return
    try:
        before, after = medium.at(session.frame), outcome.after.at(session.frame)
    except VidremoveError as error:
        st.error(plain(str(error)))
        return
    height, width = before.shape[:2]
    after = after[:height, :width]  # odd sides may have been padded
    show_compare(data_url(shrink(before)), data_url(shrink(after)), width / height)


def _show_clips(before: Path, after: Path) -> None:
    for column, path, label in zip(st.columns(2), (before, after), ("Before", "After"), strict=True):
        with column:
            st.caption(label)
            if path.suffix.lower() in _PLAYED and path.stat().st_size <= _LARGEST_PLAYED:
                st.video(str(path))
            else:
                st.info("Too large for the browser, or of a kind that it does not play: compare by frame.")


def show_panel(session: Session) -> None:
    """What was done, the download, and the command that repeats it."""
    outcome = session.outcome
    if outcome is None:
        return
    result = outcome.result
    st.markdown("##### Done")
    what = f"{result.changed} of {result.frames} frames" if result.frames > 1 else "The picture was"
    st.caption(f"{what} changed in {result.seconds:.0f} s.")
    for note in result.notes:
        st.caption(f":material/info: {plain(note)}")
    _show_download(outcome)
    st.caption("The same from the command line")
    st.code(outcome.command, language="bash", wrap_lines=True)
    st.caption("Not good yet? Go back to **Point**: all prompts are still there. Add some on other frames, run again.")


def _show_download(outcome: Outcome) -> None:
    path = outcome.after.source.path
    name = "clean.zip" if path.is_dir() else f"clean{path.suffix}"
    st.download_button(
        "Download", lambda: read_result(path), file_name=name, key="download", type="primary",
        icon=":material/download:", width="stretch", on_click="ignore",
    )  # fmt: skip


def read_result(path: Path) -> bytes:
    """A result as one file: as it is, or the pictures of a folder zipped."""
    if not path.is_dir():
        return path.read_bytes()
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(path.iterdir()):
            archive.write(file, file.name)
    return data.getvalue()
