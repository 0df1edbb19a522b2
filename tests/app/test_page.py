from pathlib import Path
from types import SimpleNamespace
from typing import Any
from weakref import WeakValueDictionary

import cv2
import numpy as np
import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec
from streamlit.testing.v1 import AppTest

from app import restoring, welcome
from app.hosting import SHARED, SOURCE
from app.opening import Medium, open_path
from app.prompting import apply_event
from app.session import Session, go_to
from app.texts import plain, sentence, shorten
from app.welcome import when
from vidremove.cli.app import script_path

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
    monkeypatch.delenv(SOURCE, raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    return AppTest.from_function(_page, default_timeout=60).run()


@pytest.fixture
def opened(page: AppTest, clip: Path) -> AppTest:
    page.text_input(key="path").set_value(str(clip))
    return press(page, "Open")


def fresh_page(project: str | None = None) -> AppTest:
    """The page in another tab, at the address of a project."""
    page = AppTest.from_function(_page, default_timeout=60)
    if project is not None:
        page.query_params["project"] = project
    page = page.run()
    assert not page.exception
    return page


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
    script = AppTest.from_file(str(script_path("main.py")), default_timeout=60).run()
    assert not script.exception
    assert script.text_input(key="path")


def test_a_wrong_path_is_one_sentence_and_the_page_stays(page: AppTest) -> None:
    page.text_input(key="path").set_value("/no/such.mp4")
    page = press(page, "Open")
    assert "no such file" in page.warning[0].value.replace("\\", "")
    assert page.text_input(key="path")


def test_a_clip_opens_and_is_described(opened: AppTest) -> None:
    assert any("160 × 120 · 12 frames" in text.value for text in opened.markdown)
    assert disabled(opened, "Remove")
    assert disabled(opened, "Keep")


def test_an_upload_opens(page: AppTest, clip: Path) -> None:
    page.file_uploader(key="upload").upload("../my clip.mp4", clip.read_bytes(), "video/mp4").run()
    assert not page.exception
    session = session_of(page)
    assert session.medium is not None
    assert session.medium.source.path == session.files.path / "source.mp4"


def test_the_launcher_says_what_to_open_first(page: AppTest, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SOURCE, str(clip))
    first = fresh_page()
    assert session_of(first).medium is not None


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
    page = page.button(key="undo").click().run().button(key="undo").click().run()
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
    session_of(page).view = "Point"
    page = page.run()
    assert not disabled(page, "Remove")
    page = press(page, "Open another")
    assert page.text_input(key="path")
    assert "project" not in page.query_params
    assert any(caption.value.endswith("1 result") for caption in page.caption)


def test_text_from_outside_is_not_markdown() -> None:
    assert plain("a_b [x](y) :red[z]").replace("\\", "") == "a_b [x](y) :red[z]"
    assert "\\[" in plain("[")


def test_a_reload_takes_the_project_up_again(opened: AppTest) -> None:
    session = session_of(opened)
    apply_event(session, CLICK)
    go_to(session, 10)
    page = opened.run()
    assert page.query_params["project"] == session.files.id
    again = fresh_page(session.files.id)
    assert session_of(again).frame == 10
    assert session_of(again).said.draft[0].clicks == ((90, 66),)
    assert not disabled(again, "Keep")


@pytest.mark.parametrize("project", ["0" * 32, "../../etc", "", "a/b", "%2e%2e"])
def test_an_unknown_project_is_a_new_one(page: AppTest, project: str) -> None:
    other = fresh_page(project)
    assert other.text_input(key="path")
    assert session_of(other).workspace is None
    assert "project" not in other.query_params


def test_a_project_is_gone_on_with_or_deleted(opened: AppTest, clip: Path) -> None:
    key = session_of(opened).files.id
    apply_event(session_of(opened), CLICK)
    page = fresh_page()
    page = page.button(key=f"open_{key}").click().run()
    assert not page.exception
    assert session_of(page).files.id == key
    page = press(page, "Open another")
    page = page.button(key=f"delete_{key}").click().run()
    assert not page.exception
    assert key not in {str(button.key).removeprefix("open_") for button in page.button}
    assert clip.exists()
    assert "deleted" in opened.run().warning[0].value


def test_a_project_that_nothing_was_done_in_is_not_kept(opened: AppTest, home: Path) -> None:
    page = press(opened, "Open another")
    assert not list(home.iterdir())
    assert page.text_input(key="path")


def test_the_launcher_goes_on_where_its_file_was_left(
    page: AppTest, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SOURCE, str(clip))
    first = fresh_page()
    go_to(session_of(first), 1)
    again = fresh_page()
    assert session_of(again).files == session_of(first).files
    assert session_of(again).frame == 1


def test_others_see_neither_projects_nor_paths(opened: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED, "1")
    monkeypatch.setattr(restoring, "_open", WeakValueDictionary())  # another process
    page = fresh_page()
    assert not page.text_input
    assert [button.key for button in page.button] == ["sample"]
    other = fresh_page(session_of(opened).files.id)
    assert session_of(other).medium is None
    assert "upload" in other.warning[0].value


def test_streamlit_lets_go_of_an_upload_that_lies_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = MemoryUploadedFileManager("/upload")
    for name in ("mine", "other"):
        manager.add_file("visitor", UploadedFileRec(name, "clip.mp4", "video/mp4", b"123"))
    context = SimpleNamespace(session_id="visitor", uploaded_file_mgr=manager)
    monkeypatch.setattr(welcome, "get_script_run_ctx", lambda: context)
    welcome._let_go("mine")
    assert [file.file_id for file in manager.get_files("visitor", ["mine", "other"])] == ["other"]


def test_whatever_goes_wrong_on_opening_leaves_no_folder(home: Path) -> None:
    def fail(folder: Path) -> Medium:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        welcome.open_new(Session(), fail)
    assert not list(home.iterdir())


def test_a_picture_of_one_row_opens(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "row.png"), np.zeros((1, 3000, 3), np.uint8))
    session = Session()
    welcome.open_new(session, lambda folder: open_path(str(tmp_path / "row.png")))
    assert session.files.cover.is_file()


def test_a_bad_upload_is_one_sentence_and_leaves_nothing(page: AppTest, home: Path) -> None:
    page.file_uploader(key="upload").upload("broken.mp4", b"no clip", "video/mp4").run()
    assert not page.exception
    assert "broken" in page.warning[0].value
    assert not list(home.iterdir())


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "just now"), (70, "1 minute ago"), (7300, "2 hours ago"), (3 * 86400, "3 days ago")]
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert when(1000.0, 1000.0 + seconds) == words


def test_words_are_short_and_begin_with_a_capital_unless_they_are_a_name() -> None:
    assert shorten("a.mp4", 10) == "a.mp4"
    assert shorten("a very long name.mp4", 12) == "a very….mp4"
    assert sentence("nothing was found") == "Nothing was found"
    assert sentence("dog.mp4: is no clip") == "dog.mp4: is no clip"
    assert sentence("") == ""
