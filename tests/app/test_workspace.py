import os
import time
from pathlib import Path

import pytest

from app.workspace import STALE_DAYS, Workspace, home_folder, list_workspaces, read_json, sweep, write_json
from vidremove.errors import OutputError

OLD_S = time.time() - (STALE_DAYS + 1) * 86400


def age(workspace: Workspace) -> None:
    for path in (workspace.results, workspace.path):
        os.utime(path, (OLD_S, OLD_S))


def test_a_project_has_a_folder_of_its_own_that_nobody_else_may_enter(home: Path) -> None:
    one, other = Workspace.new(), Workspace.new()
    assert one.path.parent == other.path.parent == home
    assert one.id != other.id
    assert len(one.id) == 32
    assert one.path.stat().st_mode & 0o077 == 0
    assert Workspace.find(one.id) == one


@pytest.mark.parametrize(
    "key",
    [None, 7, "", "x", "..", "../" * 10 + "etc", "a" * 31, "A" * 32, "a" * 33, "a" * 32 + "\n", "0" * 32, ["a" * 32]],
)
def test_an_id_that_is_none_or_unknown_finds_nothing(home: Path, key: object) -> None:
    (home.parent / ("a" * 32)).mkdir(exist_ok=True)
    assert Workspace.find(key) is None


def test_a_link_is_no_project(home: Path, tmp_path: Path) -> None:
    (home / ("b" * 32)).symlink_to(tmp_path, target_is_directory=True)
    assert Workspace.find("b" * 32) is None
    assert not list_workspaces()


def test_results_are_found_once_they_are_complete(home: Path) -> None:
    workspace = Workspace.new()
    first = workspace.new_result(".mp4")
    first.write_bytes(b"1")
    assert not workspace.list_results()
    second = workspace.new_result("")
    second.mkdir()
    workspace.keep_result(second, {"frames": 2})
    workspace.keep_result(first, {"frames": 1})
    assert [(path.name, record["frames"]) for path, record in workspace.list_results()] == [("1.mp4", 1), ("2", 2)]
    workspace.forget_result(second)
    assert [path.name for path, _ in workspace.list_results()] == ["1.mp4"]
    assert not second.exists()


@pytest.mark.parametrize("target", ["../1.mp4", "1/../../x", 5, None, "2.mp4"])
def test_a_record_that_points_elsewhere_is_passed_over(home: Path, target: object) -> None:
    workspace = Workspace.new()
    (workspace.path / "1.mp4").write_bytes(b"")
    (workspace.results / "2.mp4").write_bytes(b"")
    write_json(workspace.results / "1.json", {"target": target})
    (workspace.results / "3.json").write_text("{")
    assert not workspace.list_results()


def test_what_a_broken_run_left_is_taken_away_when_it_is_old(home: Path) -> None:
    workspace = Workspace.new()
    done, broken, young = (workspace.results / name for name in ("1.mp4", "2.mp4.part", "3.mp4"))
    for file in (done, broken, young):
        file.write_bytes(b"")
    workspace.keep_result(done, {})
    for file in (done, broken):
        os.utime(file, (OLD_S, OLD_S))
    workspace.tidy()
    assert sorted(file.name for file in workspace.results.iterdir()) == ["1.json", "1.mp4", "3.mp4"]


def test_only_stale_projects_are_swept_and_nothing_else(home: Path) -> None:
    stale, used = Workspace.new(), Workspace.new()
    other = home / "films"
    other.mkdir()
    os.utime(other, (OLD_S, OLD_S))
    age(stale)
    assert [found.id for found in list_workspaces()] == [used.id, stale.id]
    assert sweep() == 1
    assert list_workspaces() == [used]
    assert other.is_dir()


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be kept"):
        Workspace.new(tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be kept"):
        write_json(tmp_path / "none" / "x.json", {})


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\x00"])
def test_what_is_damaged_reads_as_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    assert read_json(tmp_path / "x.json") == {}


def test_the_folder_of_projects_is_where_data_of_this_user_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VIDREMOVE_PROJECTS")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home_folder() == tmp_path / "vidremove" / "projects"
