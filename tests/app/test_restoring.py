import gc
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app import restoring
from app.hosting import Hosting
from app.opening import open_path
from app.outcomes import Outcome, keep_outcome
from app.recent import list_recent
from app.restoring import restore, share
from app.running import RUNS, Runs
from app.saving import same_prompts
from app.session import COMPARE, Said, Session, Settings, end_run, go_to, start_run, take
from app.workspace import Workspace
from tests.app.conftest import SIZE, medium_of
from vidremove.errors import InputError
from vidremove.types import OnProgress, Progress, Prompt, Result

MINE = Hosting()
WAIT_S = 60


def brush() -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[20:40, 30:50] = True
    return mask


def test_everything_is_taken_up_where_it_was_left(session: Session, clip: Path) -> None:
    kept = (Prompt(0, "a dog", clicks=((40.5, 30.0),), not_clicks=((1, 2),)), Prompt(3, "a dog", mask=brush()))
    draft = (Prompt(0, "a dog", box=(1.0, 2.0, 30.0, 40.0)),)
    session.settings, session.tool, session.view = Settings("fast", "telea", 3, 1), "box", COMPARE
    session.dismissed = {("a dog", 4, "jump")}
    session.say(Said(kept, draft, "a dog"))
    go_to(session, 7)
    again = restore(session.files, MINE)
    assert again is not session
    assert medium_of(again).source.path == clip
    assert (again.frame, again.tool, again.view, again.settings) == (7, "box", COMPARE, session.settings)
    assert again.dismissed == session.dismissed
    assert again.said.name == "a dog"
    assert same_prompts(again.said.kept, kept)
    assert same_prompts(again.said.draft, draft)
    assert (again.said.kept[1].mask == brush()).all()
    assert not again.undone


def test_an_object_without_prompts_yet_keeps_its_name(session: Session) -> None:
    session.say(Said((Prompt(0, "one", clicks=((1, 1),)),), (), "two"))
    assert restore(session.files, MINE).said.name == "two"


def test_tabs_with_one_project_share_its_session(session: Session) -> None:
    session.save()
    share(session)
    assert restore(session.files, MINE) is session


def test_nothing_is_written_when_nothing_changed(session: Session) -> None:
    session.save()
    session.files.project.unlink()
    session.save()
    assert not session.files.project.exists()
    go_to(session, 2)
    assert session.files.project.exists()


def test_a_project_that_was_deleted_is_not_made_again(session: Session) -> None:
    session.files.remove()
    go_to(session, 2)
    assert not session.files.path.exists()
    assert not session.message


def test_a_disk_that_is_full_is_told_and_the_work_goes_on(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise InputError("no room.")

    monkeypatch.setattr("app.saving.save_project", fail)
    session.say(Said((Prompt(0, "one", clicks=((1, 1),)),)))
    assert session.message == "no room."
    assert session.said.kept


def test_a_clip_that_is_gone_is_one_sentence_and_the_project_stays(clip: Path, tmp_path: Path) -> None:
    moved = tmp_path / "moved.mp4"
    moved.write_bytes(clip.read_bytes())
    session = Session()
    take(session, open_path(str(moved)), Workspace.new())
    session.save()
    moved.unlink()
    with pytest.raises(InputError, match=r"moved\.mp4: no such file"):
        restore(session.files, MINE)
    assert session.files.project.exists()


@pytest.mark.parametrize(
    "app",
    [
        {},
        {"frame": "x", "tool": 3, "view": "Nowhere", "object": None, "settings": [], "dismissed": 4, "name": 5},
        {"frame": -8, "settings": {"dilate": "1", "fill": 4, "none": 1}, "dismissed": [[1], ["a", "b", "c"], None]},
        {"frame": 10**8},
    ],
)
def test_what_makes_no_sense_is_passed_over(session: Session, app: dict[str, Any]) -> None:
    session.save()
    values = json.loads(session.files.project.read_text())
    session.files.project.write_text(json.dumps({**values, "app": app}))
    again = restore(session.files, MINE)
    assert 0 <= again.frame < 12
    assert (again.settings, again.view, again.dismissed) == (Settings(), "Point", set())


def test_results_are_found_again(session: Session, clip: Path) -> None:
    target = session.files.new_result(".mp4")
    target.write_bytes(clip.read_bytes())
    keep_outcome(session.files, Outcome(Result(target, 12, 9, 1, 0.5, ("a note",)), "vidremove remove", "Telea", True))
    session.save()
    (outcome,) = restore(session.files, MINE).outcomes
    assert outcome.result == Result(target, 12, 9, 1, 0.5, ("a note",))
    assert (outcome.command, outcome.label, outcome.accepted) == ("vidremove remove", "Telea", True)
    assert outcome.after.info.frames == 12
    (recent,) = list_recent()
    assert recent.name == clip.name
    assert recent.progress == "nothing pointed at yet · 1 result"


def test_a_run_is_found_again_and_its_result_kept_although_the_visitor_left(clip: Path) -> None:
    go_on = threading.Event()
    visitor = Session()
    take(visitor, open_path(str(clip)), Workspace.new())
    visitor.save()
    share(visitor)
    workspace = visitor.files
    target = workspace.new_result(".mp4")

    def work(on_progress: OnProgress) -> Result:
        on_progress(Progress("fill", 1, 2))
        assert go_on.wait(WAIT_S)
        target.write_bytes(clip.read_bytes())
        result = Result(target, 12, 12, 1, 0.1)
        keep_outcome(workspace, Outcome(result, "command"))
        return result

    start_run(visitor, "remove", "Removing", work)
    run = visitor.run
    assert run is not None
    del visitor
    gc.collect()
    back = restore(workspace, MINE)
    assert back.run is run
    assert back.run.passes()[0].done == 1
    with pytest.raises(InputError, match="already"):
        start_run(back, "remove", "Removing", work)
    assert end_run(back) is None
    del back
    go_on.set()
    assert run.wait(WAIT_S)
    gc.collect()
    late = restore(workspace, MINE)
    assert end_run(late) is run
    assert not late.busy
    assert len(late.outcomes) == 1
    assert RUNS.find(workspace.id) is None
    assert restoring._open[workspace.id] is late


def test_a_run_that_was_cut_off_is_told_of_once(session: Session) -> None:
    started, end = threading.Event(), threading.Event()

    def work(on_progress: OnProgress) -> None:
        started.set()
        assert end.wait(WAIT_S)

    session.save()
    start_run(session, "remove", "Removing · LaMa", work)
    run = session.run
    assert run is not None
    assert started.wait(WAIT_S)
    assert session.files.running.read_text() == "Removing · LaMa"
    end.set()
    assert run.wait(WAIT_S)
    assert not session.files.running.exists()
    RUNS.drop(session.files.id)
    session.files.running.write_text("Removing · LaMa")  # as a program leaves it that is killed
    assert "ended before this was done: Removing · LaMa" in restore(session.files, MINE).message
    assert not restore(session.files, MINE).message


def test_no_more_runs_go_on_than_may() -> None:
    runs, end = Runs(most=2), threading.Event()

    def work(on_progress: OnProgress) -> None:
        assert end.wait(WAIT_S)

    started = [runs.start(name, "remove", "Removing", work) for name in "ab"]
    with pytest.raises(InputError, match="busy with 2 other runs"):
        runs.start("c", "remove", "Removing", work)
    end.set()
    assert all(run.wait(WAIT_S) for run in started)
    assert runs.start("c", "remove", "Removing", work).wait(WAIT_S)
    assert runs.find("a") is started[0]
    runs.drop("a")
    assert runs.find("a") is None


def test_the_list_shows_a_clip_that_nothing_was_said_of_once(clip: Path) -> None:
    for said in (Said(), Said((Prompt(0, "dog", clicks=((1, 1),)),)), Said()):
        session = Session()
        take(session, open_path(str(clip)), Workspace.new())
        session.say(said)
    assert sorted(recent.progress for recent in list_recent()) == ["1 object", "nothing pointed at yet"]
