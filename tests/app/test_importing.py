from pathlib import Path

import numpy as np
import pytest

from app.hosting import Hosting
from app.importing import is_project, open_project
from app.session import Settings
from app.welcome import open_at
from app.workspace import list_workspaces
from tests.app.conftest import SIZE, medium_of
from vidremove import track
from vidremove.errors import InputError
from vidremove.project import Project, save_project
from vidremove.types import Prompt

MINE = Hosting()
MASK = np.zeros(SIZE, np.bool_)
MASK[50:80, 75:100] = True
SAID = (Prompt(3, "ball", mask=MASK), Prompt(6, "ball", clicks=((90.0, 66.0),)))


def test_a_project_of_the_command_line_goes_on_in_the_page(clip: Path, tmp_path: Path) -> None:
    track(clip, tmp_path / "ball.track", SAID[:1])
    file = tmp_path / "ball.json"
    overrides = ("fill.inpainter=telea", "fill.dilate=4")
    save_project(Project(clip, SAID[:1], tmp_path / "ball.track", "fast", overrides), file)
    before = file.read_bytes()
    session = open_at(f' "{file}" ', MINE)
    assert session.message == ""
    assert medium_of(session).source.path == clip
    assert [(p.object, p.frame) for p in session.said.kept] == [("ball", 3)]
    kept = session.said.kept[0].mask
    assert kept is not None
    assert np.array_equal(kept, MASK)
    assert session.settings == Settings("fast", "telea", 4)
    assert session.track is not None
    assert session.track.path.is_relative_to(session.files.path)
    with session.track:
        assert session.track.mask(3).any()
    assert session.files.cover.is_file()
    assert file.read_bytes() == before


def test_what_the_page_has_no_place_for_is_told(clip: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    save_project(Project(clip, SAID, overrides=("track.keyframe_every=10",), start=2), file)
    session = open_project(str(file), MINE)
    assert "track.keyframe_every=10, start" in session.message
    assert session.said.kept


def test_several_fills_of_a_page_are_taken_over(clip: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    app = {"settings": {"fill": "patch+telea"}, "frame": 5}
    save_project(Project(clip, SAID, overrides=("fill.inpainter=patch",), app=app), file)
    session = open_project(str(file), MINE)
    assert (session.settings.fill, session.frame) == ("patch+telea", 5)


@pytest.mark.parametrize("text", ["{", '{"version": 1, "source": "gone.mp4"}'])
def test_a_project_that_cannot_be_opened_leaves_nothing(text: str, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    file.write_text(text)
    session = open_at(str(file), MINE)
    assert session.workspace is None
    assert session.message.endswith(".")
    assert not list_workspaces()


def test_the_clip_of_a_project_must_lie_where_others_may_open(clip: Path, tmp_path: Path) -> None:
    file = tmp_path / "p.json"
    save_project(Project(clip, SAID), file)
    with pytest.raises(InputError, match="no such file"):
        open_project("p.json", Hosting(root=tmp_path, shared=True))
    assert not list_workspaces()


def test_only_its_name_makes_it_a_project() -> None:
    assert is_project(" 'a/B.JSON' ")
    assert not is_project("a.json/b.mp4")
