import pytest

from app.prompting import apply_event
from app.session import Session, add_another, choose, colour_of, discard, forget, go_to, keep, redo, rename, undo

pytestmark = pytest.mark.usefixtures("square")


def click(session: Session, x: float, y: float, frame: int = 0, kind: str = "click") -> None:
    apply_event(session, {"kind": kind, "at": [x, y], "frame": frame})


def test_keep_discard_and_add_another_go_round(session: Session) -> None:
    click(session, 40, 40)
    keep(session)
    click(session, 50, 50)
    discard(session)
    assert [prompt.clicks for prompt in session.said.prompts] == [((40, 40),)]
    add_another(session)
    click(session, 100, 80, frame=5)
    assert session.said.names == ["object 1", "object 2"]
    assert [(p.object, p.frame) for p in session.said.prompts] == [("object 1", 0), ("object 2", 5)]
    assert colour_of(session.said, "object 1") != colour_of(session.said, "object 2")


def test_a_correction_goes_on_from_what_was_kept(session: Session) -> None:
    click(session, 40, 40)
    add_another(session)
    choose(session, "object 1")
    click(session, 60, 60, kind="not")
    keep(session)
    (prompt,) = session.said.kept
    assert (prompt.clicks, prompt.not_clicks) == (((40, 40),), ((60, 60),))


def test_undo_goes_back_step_by_step(session: Session) -> None:
    click(session, 40, 40)
    click(session, 50, 50)
    keep(session)
    forget(session, "object 1")
    assert not session.said.prompts
    undo(session)
    assert len(session.said.kept[0].clicks) == 2
    undo(session)
    assert session.said.draft
    undo(session)
    undo(session)
    undo(session)
    assert not session.said.prompts


def test_renaming_keeps_the_prompts_and_refuses_names_that_are_none_or_taken(session: Session) -> None:
    click(session, 40, 40)
    rename(session, "  the   dog ")
    assert session.said.draft[0].object == "the dog"
    add_another(session)
    rename(session, "the dog")
    assert "already" in session.message
    rename(session, "  ")
    assert "needs a name" in session.message
    assert session.said.names == ["the dog", "object 1"]


def test_frames_past_the_ends_are_the_ends(session: Session) -> None:
    go_to(session, 99)
    assert session.frame == 11
    go_to(session, -3)
    assert session.frame == 0


def test_what_was_taken_back_can_be_said_again_until_something_else_is_said(session: Session) -> None:
    click(session, 40, 40)
    keep(session)
    undo(session)
    undo(session)
    redo(session)
    assert session.said.draft
    redo(session)
    redo(session)
    assert session.said.kept
    undo(session)
    click(session, 50, 50)
    redo(session)
    assert [prompt.clicks for prompt in session.said.prompts] == [((40, 40), (50, 50))]


def test_painted_masks_bound_how_far_one_can_go_back(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.session._MOST_UNDONE_BYTES", 3 * 120 * 160)
    for x in range(10, 100, 10):
        apply_event(session, {"kind": "brush", "at": [x, 50], "radius": 4, "frame": 0})
    assert len(session.undone) == 3
    undo(session)
    mask = session.said.draft[0].mask
    assert mask is not None
    assert mask[50, 80]
    assert not mask[50, 90]
