import base64
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from app.drawing import data_url, draw_layers, masks_url
from app.prompting import apply_event, apply_events, apply_phrase, find, layers, look_ahead, marks, mask_of
from app.reading import apply_mask_file
from app.session import Session, discard, keep, undo
from tests.app.conftest import SIZE, medium_of
from vidremove.errors import InputError
from vidremove.finding import Finder
from vidremove.media import encode_mask, open_source
from vidremove.prompts import is_mask_alone
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.keyframes import segment_keyframe
from vidremove.types import Prompt


@pytest.mark.parametrize(
    "event",
    [
        None,
        "click",
        {},
        {"kind": "click", "at": [1, 2]},
        {"kind": "click", "at": [1, 2], "frame": 12},
        {"kind": "click", "at": [1, 2], "frame": "0"},
        {"kind": "click", "at": [1], "frame": 0},
        {"kind": "click", "at": ["1", 2], "frame": 0},
        {"kind": "click", "at": [float("nan"), 2], "frame": 0},
        {"kind": "box", "at": [5, 5, 6, 50], "frame": 0},
        {"kind": "spray", "at": [5, 5], "frame": 0},
        {"kind": "erase", "at": [5, 5], "radius": 4, "frame": 0},
        {"kind": "brush", "at": [5, 5], "frame": 0},
        {"kind": "brush", "at": [5, 5], "radius": 0, "frame": 0},
        {"kind": "brush", "at": [5, 5], "radius": 1e9, "frame": 0},
        {"kind": "brush", "at": [5, 5, 6], "radius": 4, "frame": 0},
        {"kind": "brush", "at": [5, float("inf")], "radius": 4, "frame": 0},
        {"kind": "brush", "at": [1] * 50_000, "radius": 4, "frame": 0},
        {"kind": "brush", "at": None, "radius": 4, "frame": 0},
        {"kind": "tool", "tool": "rm", "frame": 0},
    ],
)
def test_what_is_not_understood_changes_nothing(session: Session, event: Any) -> None:
    apply_event(session, event)
    assert not session.said.prompts
    assert not session.message


@pytest.mark.usefixtures("square")
def test_events_become_prompts_on_the_frame_that_was_shown(session: Session) -> None:
    session.frame = 3
    apply_event(session, {"kind": "click", "at": [20.123, 30], "frame": 2})
    apply_event(session, {"kind": "not", "at": [-5, 500], "frame": 2})
    apply_event(session, {"kind": "box", "at": [50, 60, 10, 12], "frame": 3})
    here, there = session.said.prompts
    assert (here.frame, here.clicks, here.not_clicks) == (2, ((20.12, 30),), ((0, SIZE[0] - 1),))
    assert (there.frame, there.box) == (3, (10, 12, 50, 60))
    assert list(marks(session)) == [{"kind": "box", "at": [10, 12, 50, 60]}]
    apply_event(session, {"kind": "step", "by": 1, "frame": 3})
    assert session.frame == 4


@pytest.mark.usefixtures("square")
def test_the_mask_is_drawn_in_red_where_the_click_was(session: Session) -> None:
    apply_event(session, {"kind": "click", "at": [80, 60], "frame": 0})
    (layer,) = layers(session)
    assert layer.draft
    assert layer.found.mask[60, 80]
    image = medium_of(session).at(0)
    drawn = draw_layers(image, [(layer.found.mask, "#ff2828")])
    assert int(drawn[60, 80, 0]) == (int(image[60, 80, 0]) + 255) // 2
    assert (drawn[:40] == image[:40]).all()
    assert data_url(drawn).startswith("data:image/jpeg;base64,")


def test_a_wide_frame_is_sent_smaller_with_its_mask_in_place() -> None:
    mask = np.zeros((1000, 2560), np.bool_)
    mask[500:600, 1200:1400] = True
    drawn = draw_layers(np.zeros((1000, 2560, 3), np.uint8), [(mask, "#ff2828")])
    assert drawn.shape == (500, 1280, 3)
    rows, columns = np.nonzero(drawn[:, :, 0])
    assert (rows.min(), rows.max()) == pytest.approx((250, 299), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((600, 699), abs=2)


def test_a_mark_beside_the_object_alone_asks_for_a_click(session: Session) -> None:
    apply_event(session, {"kind": "not", "at": [20, 30], "frame": 0})
    (layer,) = layers(session)
    assert "click on the object first" in layer.found.complaint


def test_words_without_weights_are_answered_by_a_sentence_and_lose_nothing(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("VIDREMOVE_OFFLINE", "1")
    apply_phrase(session, "  ")
    assert not session.message
    apply_phrase(session, "the red car")
    assert "lavt" in session.message
    assert "\n" not in session.message
    assert not session.said.prompts


def test_the_mask_is_the_one_that_a_run_starts_from(session: Session, clip: Path) -> None:
    prompt = Prompt(6, "object", clicks=((90.0, 66.0),))
    with open_source(clip) as source:
        true = segment_keyframe(source, prompt, Embedded(), 0, 12)
    found = find(medium_of(session), prompt)
    assert (found.mask == true.mask).all()
    assert found.score == pytest.approx(true.score)


@pytest.mark.usefixtures("square")
def test_a_prompt_is_asked_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = Prompt(0, "object", clicks=((20.0, 20.0),))
    found = find(medium_of(session), prompt)
    monkeypatch.setattr(Finder, "find", None)
    assert find(medium_of(session), Prompt(0, "another name", clicks=((20.0, 20.0),))) is found


def stroke(session: Session, kind: str, *at: float, radius: float = 5.0, frame: int = 0) -> None:
    apply_event(session, {"kind": kind, "at": list(at), "radius": radius, "frame": frame})


def said_mask(session: Session, frame: int = 0) -> np.ndarray:
    prompt = session.said.on(session.said.name, frame)
    assert prompt is not None
    assert prompt.mask is not None
    assert is_mask_alone(prompt)
    return prompt.mask


class Carried:
    """A track of one object: a square that moves a pixel a frame."""

    objects = ("object 1",)

    def area(self, index: int, name: str) -> int:
        return int(self.mask(index, name).sum())

    def confidence(self, index: int, name: str) -> float:
        return 0.7

    def mask(self, index: int, name: str) -> np.ndarray:
        mask = np.zeros(SIZE, np.bool_)
        mask[40:60, 40 + index : 60 + index] = True
        return mask


@pytest.mark.usefixtures("square")
def test_the_brush_adds_to_what_was_found_and_the_eraser_takes_away(session: Session) -> None:
    apply_event(session, {"kind": "click", "at": [40, 60], "frame": 0})
    found = layers(session)[0].found.mask
    stroke(session, "brush", 100, 20, 120, 20)
    both = said_mask(session)
    assert (both & found == found).all()
    assert both[20, 95:126].all()
    stroke(session, "erase", 40, 60)
    assert not said_mask(session)[60, 40]
    assert said_mask(session)[60, 48]
    assert layers(session)[0].painted
    undo(session)
    assert (said_mask(session) == both).all()
    undo(session)
    assert (layers(session)[0].found.mask == found).all()


@pytest.mark.usefixtures("square")
def test_a_click_after_the_brush_loses_nothing(session: Session) -> None:
    stroke(session, "brush", 10, 10, 60, 10)
    painted = said_mask(session)
    apply_event(session, {"kind": "click", "at": [100, 60], "frame": 0})
    both = said_mask(session)
    assert both[painted].all()
    assert both[60, 100]
    apply_event(session, {"kind": "box", "at": [130, 90, 150, 110], "frame": 0})
    assert said_mask(session)[both].all()
    assert said_mask(session)[90, 130]


def test_a_click_beside_the_object_after_the_brush_takes_away_only_what_is_there(session: Session) -> None:
    stroke(session, "brush", 20, 20, 60, 20)
    stroke(session, "brush", 100, 100, radius=8)
    apply_event(session, {"kind": "not", "at": [100, 100], "frame": 0})
    rest = said_mask(session)
    assert not rest[100, 100]
    assert rest[20, 15:66].all()
    apply_event(session, {"kind": "not", "at": [5, 90], "frame": 0})
    assert "nothing of the mask" in session.message
    assert (said_mask(session) == rest).all()


@pytest.mark.usefixtures("square")
def test_nothing_is_said_by_an_empty_mask(session: Session) -> None:
    stroke(session, "brush", 50, 50)
    stroke(session, "erase", 50, 50, radius=30)
    assert "nothing would be left" in session.message
    assert said_mask(session)[50, 50]


@pytest.mark.usefixtures("square")
def test_tracked_masks_are_shown_and_corrected_from_their_pixels(session: Session) -> None:
    session.track = Carried()
    session.frame = 7
    (layer,) = layers(session)
    assert layer.tracked
    assert layer.found.score == 0.7
    carried = mask_of(session, "object 1", 7)
    assert carried is not None
    stroke(session, "erase", 50, 50, frame=7)
    mask = said_mask(session, 7)
    assert not mask[50, 50]
    assert (mask | carried == carried).all()
    assert mask[41, 65]
    discard(session)
    stroke(session, "brush", 100, 100, frame=7)
    assert said_mask(session, 7)[carried].all()
    discard(session)
    apply_event(session, {"kind": "click", "at": [100, 80], "frame": 7})
    (layer,) = layers(session)
    assert not layer.tracked
    assert not layer.found.mask[50, 50]
    session.frame = 8
    assert layers(session)[0].tracked


@pytest.mark.usefixtures("square")
def test_each_thing_that_the_canvas_tells_is_done_once(session: Session) -> None:
    seen: dict[str, int] = {}
    first = {"n": 1, "kind": "click", "at": [20, 30], "frame": 0}
    second = {"n": 2, "kind": "brush", "at": [80, 80], "radius": 6, "frame": 0}
    apply_events(session, {"who": "a", "events": [first]}, seen)
    apply_events(session, {"who": "a", "events": [first, second]}, seen)
    apply_events(session, {"who": "a", "events": [first, second]}, seen)
    assert seen == {"a": 2}
    assert len(session.undone) == 2
    apply_events(session, {"who": "b", "events": [{**first, "at": [140, 20]}]}, seen)
    assert seen == {"a": 2, "b": 1}
    assert said_mask(session)[20, 140]


@pytest.mark.parametrize(
    "told", [None, [], {"who": 1, "events": []}, {"who": "a"}, {"who": "a", "events": [None, {"n": "1"}]}]
)
def test_a_canvas_that_tells_nothing_is_passed_over(session: Session, told: Any) -> None:
    seen: dict[str, int] = {}
    apply_events(session, told, seen)
    assert not seen


@pytest.mark.usefixtures("square")
def test_keys_undo_keep_and_pick(session: Session) -> None:
    for event in (
        {"kind": "click", "at": [20, 30]},
        {"kind": "click", "at": [60, 30]},
        {"kind": "undo"},
        {"kind": "redo"},
        {"kind": "undo"},
        {"kind": "keep"},
        {"kind": "click", "at": [90, 30]},
        {"kind": "discard"},
        {"kind": "tool", "tool": "brush"},
    ):
        apply_event(session, {**event, "frame": 0})
    assert session.said.kept[0].clicks == ((20, 30),)
    assert not session.said.draft
    assert session.tool == "brush"


def test_a_mask_file_is_taken_as_it_is(session: Session) -> None:
    mask = np.zeros(SIZE, np.bool_)
    mask[30:50, 60:90] = True
    session.frame = 3
    apply_mask_file(session, BytesIO(encode_mask(mask)), "mine.png")
    assert (said_mask(session, 3) == mask).all()
    keep(session)
    assert session.said.kept[0].frame == 3


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (encode_mask(np.ones((10, 20), np.bool_)), "20x10"),
        (encode_mask(np.zeros(SIZE, np.bool_)), "nothing in it is white"),
        (b"no picture", "mine.png"),
        (b"", "mine.png"),
    ],
)
def test_a_file_that_is_no_mask_of_the_frame_is_told(session: Session, data: bytes, word: str) -> None:
    apply_mask_file(session, BytesIO(data), "../../mine.png")
    assert word in session.message
    assert "/tmp" not in session.message
    assert not session.said.prompts


def test_masks_lie_over_the_picture_with_a_solid_edge() -> None:
    mask = np.zeros((40, 60), np.bool_)
    mask[10:20, 30:50] = True
    data = base64.b64decode(masks_url((40, 60), [(mask, "#2f7bff")]).partition(",")[2])
    drawn = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)[:, :, [2, 1, 0, 3]]
    assert ((drawn[:, :, 3] > 0) == mask).all()
    assert drawn[15, 40].tolist() == [47, 123, 255, 115]
    assert drawn[10, 40].tolist() == [47, 123, 255, 255]
    assert masks_url((40, 60), []) == ""


def test_the_frame_is_looked_at_ahead_once_somebody_stays(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.prompting._PAUSE_S", 0.05)
    looked: list[int] = []
    came = threading.Event()

    def prepare(finder: Finder, frame: int, wanted: Any) -> None:
        looked.append(frame)
        assert wanted()
        session.frame = 0
        assert not wanted()
        came.set()
        raise InputError("a damaged frame")

    monkeypatch.setattr(Finder, "prepare", prepare)
    session.frame = 4
    look_ahead(session)
    session.frame = 5
    look_ahead(session)
    assert came.wait(10)
    assert looked == [5]
