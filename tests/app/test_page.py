from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from app.page import START_WITH
from app.prompting import apply_event
from app.session import Session
from app.texts import plain
from vidremove.cli.app import page_path

pytestmark = [
    pytest.mark.usefixtures("square"),
    pytest.mark.filterwarnings("default"),  # Streamlit's own
]
CLICK = {"kind": "click", "at": [90, 66], "frame": 6}


def _page() -> None:
    from app.page import show

    show()


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.delenv(START_WITH, raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    return AppTest.from_function(_page, default_timeout=60).run()


@pytest.fixture
def opened(page: AppTest, clip: Path) -> AppTest:
    page.text_input(key="path").set_value(str(clip))
    return press(page, "Open")


def press(page: AppTest, label: str) -> AppTest:
    button = next(button for button in page.button if button.label == label)
    assert not button.disabled
    page = button.click().run()
    assert not page.exception
    return page


def disabled(page: AppTest, label: str) -> bool:
    return next(bool(button.disabled) for button in page.button if button.label == label)


def session_of(page: AppTest) -> Session:
    session: Any = page.session_state["session"]
    return session


def test_the_script_that_streamlit_runs_shows_the_page(page: AppTest) -> None:
    script = AppTest.from_file(str(page_path()), default_timeout=60).run()
    assert not script.exception
    assert script.text_input(key="path")


def test_a_wrong_path_is_one_sentence_and_the_page_stays(page: AppTest) -> None:
    page.text_input(key="path").set_value("/no/such.mp4")
    page = press(page, "Open")
    assert "no such file" in page.warning[0].value.replace("\\", "")
    assert page.text_input(key="path")


def test_a_clip_opens_and_is_described(opened: AppTest) -> None:
    assert any("160 × 120 · 12 frames" in caption.value for caption in opened.caption)
    assert disabled(opened, "Remove")
    assert disabled(opened, "Keep")


def test_an_upload_opens(page: AppTest, clip: Path) -> None:
    page.file_uploader(key="upload").upload("../my clip.mp4", clip.read_bytes(), "video/mp4").run()
    page = press(page, "Open the upload")
    session = session_of(page)
    assert session.medium is not None
    assert session.medium.source.path == session.folder / "upload-1.mp4"


def test_the_launcher_says_what_to_open_first(page: AppTest, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(START_WITH, str(clip))
    first = AppTest.from_function(_page, default_timeout=60).run()
    assert not first.exception
    assert session_of(first).medium is not None


def test_steps_and_slider_move_to_the_frame(opened: AppTest) -> None:
    page = press(press(opened, "+1"), "+10")
    assert session_of(page).frame == 11
    page = press(page, "−1")
    page = page.slider(key="frame").set_value(4).run()
    assert session_of(page).frame == 4
    assert any("Frame 4 of 11" in caption.value for caption in page.caption)


def test_keep_add_another_and_undo(opened: AppTest) -> None:
    session = session_of(opened)
    session.frame = 6
    apply_event(session, CLICK)
    page = opened.run()
    assert any("score 0.90" in caption.value for caption in page.caption)
    page = press(page, "Keep")
    assert disabled(page, "Keep")
    page = press(page, "Add another")
    assert page.radio(key="object").value == "object 2"
    page = page.text_input(key="name").set_value("a *dog*").run()
    assert session_of(page).said.name == "a *dog*"
    page = press(press(page, "Undo"), "Undo")
    assert session_of(page).said.name == "object 1"


def test_remove_then_compare_then_go_back(opened: AppTest) -> None:
    apply_event(session_of(opened), CLICK)
    opened.run()
    opened.radio(key="preset").set_value("fast").run()
    page = press(opened, "Remove")
    run = session_of(page).run
    assert run is not None
    assert any(button.label in ("Cancel", "Stopping…") for button in page.button)
    assert run.wait(120)
    page = page.run()
    assert not page.exception
    assert "vidremove remove" in page.code[0].value
    assert page.get("download_button")
    page.session_state["view"] = "Point"
    page = page.run()
    assert not disabled(page, "Remove")
    page = press(page, "Open another")
    assert page.text_input(key="path")


def test_text_from_outside_is_not_markdown() -> None:
    assert plain("a_b [x](y) :red[z]").replace("\\", "") == "a_b [x](y) :red[z]"
    assert "\\[" in plain("[")
