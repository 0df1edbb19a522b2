"""A project comes back as it was kept, and a file that came from anybody does no harm."""

import json
import os
from collections.abc import Callable
from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vidremove.config import Config, list_changes, load_config
from vidremove.errors import InputError, OutputError
from vidremove.project import Project, default_target, load_project, save_project
from vidremove.types import Prompt


def blob(x: int) -> np.ndarray:
    mask = np.zeros((37, 53), np.bool_)
    mask[5:20, x : x + 9] = True
    return mask


PROMPTS = (
    Prompt(3, "the red ball", ((1.5, 2.25), (7, 8)), ((30.0, 4.0),), (1.0, 2.5, 30.0, 31.0)),
    Prompt(0, "Schatten ü", mask=blob(4)),
    Prompt(7, "Schatten ü", text="the long shadow", mask=blob(20)),
)


@pytest.fixture
def whole(tmp_path: Path) -> Project:
    """Everything that a project can hold."""
    return Project(
        source=tmp_path / "clip.mp4",
        prompts=PROMPTS,
        track=tmp_path / "tracked.track",
        preset="fast",
        overrides=("fill.dilate=4", "fill.inpainter=lama"),
        target=tmp_path / "results" / "1.mp4",
        start=0,
        end=4.5,
        rate=Fraction(30000, 1001),
        drafts=(Prompt(9, "new", mask=blob(30)),),
        app={"frame": 12, "names": ["a", "ü"], "nested": {"zoom": 1.5, "none": None}},
    )


def as_plain(value: Any) -> Any:
    """Something that can be compared."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Prompt | Project):
        return {item.name: as_plain(getattr(value, item.name)) for item in fields(value)}
    return [as_plain(each) for each in value] if isinstance(value, tuple) else value


def test_everything_comes_back(whole: Project, tmp_path: Path) -> None:
    save_project(whole, tmp_path / "p.json")
    assert as_plain(load_project(tmp_path / "p.json")) == as_plain(whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.json", "p.masks"]
    assert len(list((tmp_path / "p.masks").iterdir())) == 3


def test_little_comes_back(tmp_path: Path) -> None:
    save_project(Project(tmp_path / "clip.mp4"), tmp_path / "p.json")
    assert as_plain(load_project(tmp_path / "p.json")) == as_plain(Project(tmp_path / "clip.mp4"))
    assert load_project(tmp_path / "p.json").config == Config()
    assert json.loads((tmp_path / "p.json").read_text()) == {"version": 1, "source": "clip.mp4", "preset": "default"}


def test_a_project_may_be_moved_with_its_folder(whole: Project, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    moved = replace(whole, source=old / "clip.mp4", track=old / "x.track", target=old / "out.mp4")
    save_project(moved, old / "p.json")
    old.rename(new)
    found = load_project(new / "p.json")
    assert (found.source, found.track, found.target) == (new / "clip.mp4", new / "x.track", new / "out.mp4")
    assert as_plain(found.prompts) == as_plain(PROMPTS)


def test_only_the_source_may_lie_elsewhere(whole: Project, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    place = tmp_path / "in" / "p.json"
    save_project(replace(whole, track=None), place)
    found = load_project(place)
    assert (found.source, found.target) == (tmp_path / "clip.mp4", None)
    with pytest.raises(InputError, match=r"tracked.track: lies outside the folder"):
        save_project(whole, place)


def test_masks_are_written_once_and_stale_ones_go(tmp_path: Path) -> None:
    def save(*columns: int) -> dict[str, int]:
        prompts = tuple(Prompt(place, mask=blob(x)) for place, x in enumerate(columns))
        save_project(Project(tmp_path / "clip.mp4", prompts), tmp_path / "p.json")
        return {file.name: file.stat().st_ino for file in (tmp_path / "p.masks").glob("*.png")}

    first, second = save(1, 2, 1), save(2, 3)
    assert len(first) == len(second) == 2
    assert len(first.items() & second.items()) == 1
    (tmp_path / "p.masks" / "mine.txt").write_text("kept")
    assert save() == {}
    assert [file.name for file in (tmp_path / "p.masks").iterdir()] == ["mine.txt"]


def test_a_mask_may_be_painted_with_another_program(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), blob(4).astype(np.uint8) * 255)
    write(tmp_path, prompts=[{"mask": "m.png"}])
    (prompt,) = load_project(tmp_path / "p.json").prompts
    assert np.array_equal(prompt.mask, blob(4))


def write(folder: Path, **values: Any) -> Path:
    """A project's file with these values beside what it needs."""
    table = {"version": 1, "source": "clip.mp4", **values}
    (folder / "p.json").write_text(json.dumps({key: value for key, value in table.items() if value is not None}))
    return folder / "p.json"


MANY = [[1, 2]] * 1001


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"version": None}, "is no project"),
        ({"version": True}, "is no project"),
        ({"version": 2}, "newer vidremove"),
        ({"source": None}, "source"),
        ({"source": ["clip.mp4"]}, "source: is a list of 1, needed the name of a file"),
        ({"source": "a\0b"}, "needed the name of a file"),
        ({"source": "\ud800"}, "needed the name of a file"),
        ({"source": "a" * 5000}, "needed the name of a file"),
        ({"extra": 1}, "unknown key 'extra'. Known: version, source"),
        ({"prompts": {"frame": 0}}, "prompts: is an object of 1, needed a list"),
        ({"prompts": [3]}, r"prompts\[0\]: is 3, needed an object"),
        ({"prompts": [{}, {"clik": [[1, 2]]}]}, r"prompts\[1\]: unknown key 'clik'"),
        ({"prompts": [{"frame": -1}]}, "needed a whole number from 0"),
        ({"prompts": [{"frame": 1.0}]}, "needed a whole number from 0"),
        ({"prompts": [{"frame": True}]}, "needed a whole number from 0"),
        ({"prompts": [{"frame": 10**20}]}, "needed a whole number from 0"),
        ({"prompts": [{"clicks": [[1]]}]}, "clicks: is a list of 1, needed 2 numbers"),
        ({"prompts": [{"clicks": [["1", 2]]}]}, "needed 2 numbers"),
        ({"prompts": [{"clicks": [[10**400, 2]]}]}, "needed 2 numbers"),
        ({"prompts": [{"clicks": [[float("nan"), 2]]}]}, "NaN is no number"),
        ({"prompts": [{"clicks": [[float("inf"), 2]]}]}, "Infinity is no number"),
        ({"prompts": [{"clicks": MANY}]}, "has 1001 entries, needed at most 1000"),
        ({"prompts": [{}] * 10001}, "has 10001 entries, needed at most 10000"),
        ({"drafts": [{"box": [1, 2, 3]}]}, r"drafts\[0\] box: is a list of 3, needed 4 numbers"),
        ({"prompts": [{"box": [1, 2, 1, 9]}]}, "stand apart"),
        ({"prompts": [{"text": ""}]}, "needed text of 1 to 1000 printable"),
        ({"prompts": [{"text": "a\nb"}]}, "needed text of 1 to 1000 printable"),
        ({"prompts": [{"object": "a" * 1001}]}, "needed text"),
        ({"prompts": [{"mask": "none.png"}]}, "mask none.png is missing"),
        ({"prompts": [{"mask": "../outside.png"}]}, "leads out of the project's folder"),
        ({"prompts": [{"mask": "p.masks/../../outside.png"}]}, "leads out of the project's folder"),
        ({"prompts": [{"mask": "link/outside.png"}]}, "leads out of the project's folder"),
        ({"prompts": [{"mask": "p.json"}]}, "is not a picture"),
        ({"track": "../x.track"}, "track: .*leads out"),
        ({"track": "/etc"}, "track: .*leads out"),
        ({"track": "."}, "track: .*leads out"),
        ({"target": "../out.mp4"}, "target: .*leads out"),
        ({"target": "/out.mp4"}, "target: .*leads out"),
        ({"preset": "../mine"}, "not one of ours"),
        ({"preset": "nowhere"}, "no such settings file"),
        ({"overrides": "fill.dilate=4"}, "overrides: is 'fill.dilate=4', needed a list"),
        ({"overrides": ["fill.dialte=4"]}, "unknown key 'dialte'"),
        ({"overrides": ["fill.dilate=4000"]}, "needed -1 to 200"),
        ({"overrides": ["fill.dilate=" + "[" * 900]}, "needed int"),
        ({"start": -3}, "start: is -3"),
        ({"end": {"time_s": -1}}, "needed seconds from 0"),
        ({"end": {"seconds": 1}}, "unknown key 'seconds'"),
        ({"rate": 25}, "needed frames per second as text"),
        ({"rate": "1/0"}, "needed frames per second as text"),
        ({"rate": "1e999999999"}, "needed frames per second as text"),
        ({"app": [1]}, "app: is a list of 1, needed an object"),
        ({"app": {"a": "b" * (1 << 20)}}, "app: has .* bytes"),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, values: dict[str, Any], words: str) -> None:
    cv2.imwrite(str(tmp_path / "outside.png"), np.zeros((8, 8), np.uint8))
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "p.masks").mkdir()
    os.symlink(tmp_path, folder / "link")
    path = write(folder, **values)
    with pytest.raises(InputError, match=words) as caught:
        load_project(path)
    assert str(caught.value).startswith(str(folder))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000 + len(str(folder))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b'{"version": 1' + b"0" * 9999 + b"}", b" " * (9 << 20)],
    ids=["empty", "cut", "list", "null", "binary", "deep", "digits", "large"],
)
def test_what_is_no_project_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "p.json").write_bytes(data)
    with pytest.raises(InputError, match=r"p\.json"):
        load_project(tmp_path / "p.json")


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "..", "/", "x"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "version",
    "source",
    "target",
    "track",
    "preset",
    "overrides",
    "start",
    "end",
    "rate",
    "prompts",
    "drafts",
    "app",
)
SAID = st.fixed_dictionaries(
    {}, optional={key: ANYTHING for key in ("object", "frame", "clicks", "box", "text", "mask")}
)


@given(
    st.fixed_dictionaries(
        {"version": st.just(1), "source": st.just("clip.mp4")}, optional={k: ANYTHING for k in KEYS[2:]}
    )
    | st.fixed_dictionaries(
        {"version": st.just(1), "source": st.just("clip.mp4"), "prompts": st.lists(SAID, max_size=2)}
    )
    | st.dictionaries(st.sampled_from(KEYS), ANYTHING)
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_there_ends_in_a_project_or_a_sentence(tmp_path: Path, table: dict[str, Any]) -> None:
    (tmp_path / "p.json").write_text(json.dumps(table))
    try:
        project = load_project(tmp_path / "p.json")
    except InputError:
        return
    save_project(project, tmp_path / "again.json")
    assert as_plain(load_project(tmp_path / "again.json")) == as_plain(project)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such project"):
        load_project(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot be read"):
        load_project(tmp_path)


def test_masks_that_are_too_large_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_project(Project(tmp_path / "clip.mp4", PROMPTS), tmp_path / "p.json")
    monkeypatch.setattr("vidremove.project.MOST_MASK_PIXELS", blob(0).size)
    with pytest.raises(InputError, match="pixels together"):
        load_project(tmp_path / "p.json")


@pytest.mark.parametrize(
    "change",
    [
        lambda p: replace(p, prompts=(Prompt(clicks=((float("nan"), 2.0),)),)),
        lambda p: replace(p, prompts=(Prompt(object=""),)),
        lambda p: replace(p, prompts=(Prompt(mask=blob(3).astype(np.uint8)),)),
        lambda p: replace(p, overrides=("fill.dialte=4",)),
        lambda p: replace(p, preset="none"),
        lambda p: replace(p, app={"a": object()}),
        lambda p: replace(p, app={"a": float("inf")}),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(
    whole: Project, tmp_path: Path, change: Callable[[Project], Project]
) -> None:
    save_project(whole, tmp_path / "p.json")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError):
        save_project(change(whole), tmp_path / "p.json")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    project = Project(tmp_path / "clip.mp4")
    (tmp_path / "package.json").write_text('{"name": "x"}')
    with pytest.raises(OutputError, match="is no project"):
        save_project(project, tmp_path / "package.json")
    with pytest.raises(OutputError, match=r"ending in \.json"):
        save_project(project, tmp_path / "clip.mp4")
    with pytest.raises(OutputError, match="does not exist"):
        save_project(project, tmp_path / "none" / "p.json")
    save_project(project, tmp_path / "p.json")
    with pytest.raises(OutputError, match="exists already"):
        save_project(project, tmp_path / "p.json", overwrite=False)


def test_the_result_lies_beside_the_project(tmp_path: Path) -> None:
    def suffix(name: str) -> str:
        return default_target(Project(tmp_path / name), tmp_path / "p.json").name

    (tmp_path / "frames.v2").mkdir()
    names = ["a.MOV", "a.webm", "a.png", "a.ts", "frames.v2"]
    assert [suffix(name) for name in names] == ["clean.mov", "clean.webm", "clean.png", "clean.mp4", "clean"]
    kept = Project(tmp_path / "a.mp4", target=tmp_path / "x.mkv")
    assert default_target(kept, tmp_path / "p.json") == tmp_path / "x.mkv"


def test_settings_are_told_by_what_differs() -> None:
    fast = load_config("fast")
    config = load_config("fast", ["fill.dilate=7", "fill.inpainter=lama", "output.lossless=true", "shots.detect=false"])
    changes = list_changes(config, fast)
    assert set(changes) == {"fill.dilate=7", "fill.inpainter=lama", "output.lossless=true", "shots.detect=false"}
    assert load_config("fast", changes) == config
    assert load_config(overrides=list_changes(config, Config())) == config
