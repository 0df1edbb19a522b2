from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import prompting
from app.drawing import data_url, draw_layers
from app.prompting import apply_event, apply_phrase, find, layers, marks
from app.session import Session
from tests.app.conftest import SIZE, medium_of
from vidremove.media import open_source
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
        {"kind": "erase", "at": [5, 5], "frame": 0},
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
    monkeypatch.setattr(prompting, "segment", None)
    assert find(medium_of(session), Prompt(0, "another name", clicks=((20.0, 20.0),))) is found
