"""Tracks: what goes in comes out; corrections touch their span alone, and at one stroke; damage is one sentence."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.test_track import SIZE, Scene, overlap, scene, square_at
from vidremove import Cancelled, Progress, Prompt, Track, correct, remove, track
from vidremove.config import load_config
from vidremove.errors import InputError, OutputError
from vidremove.media import open_source
from vidremove.tracks import TrackSink, is_track, revise
from vidremove.types import Key, Shot

FRAMES = 40
CONFIG = load_config(overrides=["track.look_ahead=6"])  # so that a span of the clip is not all of it


def write(source: Scene, folder: Path) -> Path:
    folder.mkdir()
    for index, image in enumerate(source.images):
        cv2.imwrite(str(folder / f"{index:02}.png"), image[..., ::-1])
    return folder


def moving() -> tuple[Scene, list[np.ndarray]]:
    """The square goes to and fro, beside a blue block that stays."""
    source, masks = scene([10 + 3 * min(i, FRAMES - i) for i in range(FRAMES)])
    for image in source.images:
        image[block()] = (40, 90, 230)
    return source, masks


def block() -> np.ndarray:
    return square_at(120, 4, 20)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[np.ndarray]]:
    source, masks = moving()
    return write(source, tmp_path_factory.mktemp("clip") / "frames"), masks


@pytest.fixture(scope="module")
def first(clip: tuple[Path, list[np.ndarray]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames, masks = clip
    target = tmp_path_factory.mktemp("first") / "a.track"
    prompts = [Prompt(frame, "square", mask=masks[frame]) for frame in (4, 34)]
    track(frames, target, [Prompt(0, "block", mask=block()), *prompts], config=CONFIG)
    return target


@pytest.fixture
def tracked(first: Path, tmp_path: Path) -> Path:
    """Two objects, a block with a keyframe at 0 and a square with keyframes at 4 and 34."""
    return Path(shutil.copytree(first, tmp_path / "a.track"))


def contents(path: Path, name: str) -> list[tuple[bytes, float]]:
    with Track.open(path) as opened:
        return [(opened.mask(i, name).tobytes(), opened.confidence(i, name)) for i in range(opened.frames)]


def files(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_a_track_says_what_it_is(tracked: Path, clip: tuple[Path, list[np.ndarray]]) -> None:
    with Track.open(tracked) as opened:
        assert (opened.frames, opened.size, opened.objects) == (FRAMES, SIZE, ("block", "square"))
        assert opened.keyframes == {"square": (4, 34), "block": (0,)}
        assert [(shot.start, shot.stop) for shot in opened.shots] == [(0, FRAMES)]
        assert opened.notes == ()
        for index in (0, 4, 20, 39):
            square, still = opened.mask(index, "square"), opened.mask(index, "block")
            assert overlap(square, clip[1][index]) > 0.85
            assert overlap(still, block()) > 0.85
            assert np.array_equal(opened.mask(index), square | still)
            assert opened.area(index) == (square | still).sum()
            assert opened.area(index, "square") == opened.areas("square")[index] == square.sum()
            assert opened.confidence(index) == min(opened.confidence(index, name) for name in opened.objects)
            y0, y1, x0, x1 = opened.boxes("square")[index]
            assert square[y0:y1, x0:x1].sum() == square.sum()
    assert is_track(tracked)


def test_masks_as_pictures_are_the_union(tracked: Path, clip: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    frames, masks = clip
    prompts = [Prompt(frame, "square", mask=masks[frame]) for frame in (4, 34)]
    track(frames, tmp_path / "pictures", [*prompts, Prompt(0, "block", mask=block())], config=CONFIG)
    with Track.open(tracked) as opened:
        for index, file in enumerate(sorted((tmp_path / "pictures").iterdir())):
            assert np.array_equal(opened.mask(index), cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 0)


@pytest.mark.parametrize("frame", [18, 34, 1, 37])
def test_a_correction_is_a_full_run_within_its_span(
    frame: int, tracked: Path, clip: tuple[Path, list[np.ndarray]], tmp_path: Path
) -> None:
    frames, masks = clip
    odd = masks[frame].copy()
    odd[::3] = False
    before, still = contents(tracked, "square"), contents(tracked, "block")
    steps: list[Progress] = []
    correct(frames, tracked, [Prompt(frame, "square", mask=odd)], config=CONFIG, on_progress=steps.append)
    start, stop = {18: (5, 34), 34: (5, 40), 1: (0, 4), 37: (35, 40)}[frame]
    after = contents(tracked, "square")
    assert after[:start] == before[:start]
    assert after[stop:] == before[stop:]
    assert after[frame] == (odd.tobytes(), 1.0)
    assert contents(tracked, "block") == still
    assert [step.done for step in steps] == list(range(1, len(steps) + 1))
    assert {step.stage for step in steps} == {"track"}
    assert steps[-1].done == steps[-1].total <= 2 * (stop - start) + 4

    said = {4: masks[4], 34: masks[34], frame: odd}
    prompts = [Prompt(key, "square", mask=mask) for key, mask in said.items()]
    track(frames, tmp_path / "b.track", [*prompts, Prompt(0, "block", mask=block())], config=CONFIG)
    assert contents(tmp_path / "b.track", "square") == after
    with Track.open(tracked) as one, Track.open(tmp_path / "b.track") as other:
        assert one.keys == other.keys


def test_several_corrections_at_once(tracked: Path, clip: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    frames, masks = clip
    new = [Prompt(frame, "square", mask=masks[frame]) for frame in (12, 22)]
    correct(frames, tracked, [*new, Prompt(30, "block", mask=block())], config=CONFIG)
    every = [*new, *(Prompt(frame, "square", mask=masks[frame]) for frame in (4, 34))]
    every += [Prompt(frame, "block", mask=block()) for frame in (0, 30)]
    track(frames, tmp_path / "b.track", every, config=CONFIG)
    for name in ("square", "block"):
        assert contents(tracked, name) == contents(tmp_path / "b.track", name)


def test_a_new_object_is_tracked_in_its_shot(clip: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    frames, masks = clip
    said = Prompt(4, "square", mask=masks[4]), Prompt(9, "block", mask=block())
    track(frames, tmp_path / "one.track", said[:1], config=CONFIG)
    before = contents(tmp_path / "one.track", "square")
    result = correct(frames, tmp_path / "one.track", said[1:], config=CONFIG)
    track(frames, tmp_path / "both.track", said, config=CONFIG)
    assert contents(tmp_path / "one.track", "square") == before
    assert contents(tmp_path / "one.track", "block") == contents(tmp_path / "both.track", "block")
    assert (result.changed, result.shots, result.target) == (FRAMES, 1, tmp_path / "one.track")


def test_cuts_bound_a_correction(tmp_path: Path) -> None:
    first, masks = scene([10 + 3 * i for i in range(12)])
    second, _ = scene([10 + 3 * i for i in range(12)], seed=23)
    frames = write(Scene(first.images + [image[::-1, ::-1] for image in second.images]), tmp_path / "frames")
    result = track(frames, tmp_path / "a.track", [Prompt(mask=masks[0])])
    assert any("frames 12 to 23 are in shots" in note for note in result.notes)
    before = contents(tmp_path / "a.track", "object")
    correct(frames, tmp_path / "a.track", [Prompt(20, mask=masks[8][::-1, ::-1])])
    after = contents(tmp_path / "a.track", "object")
    assert after[:12] == before[:12]
    with Track.open(tmp_path / "a.track") as opened:
        assert [shot.start for shot in opened.shots] == [0, 12]
        assert opened.notes == ()
        assert min(overlap(opened.mask(12 + i), masks[i][::-1, ::-1]) for i in range(12)) > 0.85


def test_notes_follow_a_correction(tmp_path: Path) -> None:
    source, masks = scene([90 + 5 * i for i in range(24)])
    frames = write(source, tmp_path / "frames")
    result = track(frames, tmp_path / "a.track", [Prompt(mask=masks[0])])
    with Track.open(tmp_path / "a.track") as opened:
        assert opened.notes == result.notes
        assert any("not seen" in note for note in opened.notes)
    seen = square_at(130)
    result = correct(frames, tmp_path / "a.track", [Prompt(23, mask=seen)])
    with Track.open(tmp_path / "a.track") as opened:
        assert opened.notes == result.notes


def test_only_the_range_is_tracked(clip: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    frames, masks = clip
    track(frames, tmp_path / "a.track", [Prompt(12, mask=masks[12])], start=10, end=20)
    with Track.open(tmp_path / "a.track") as opened:
        assert [opened.area(index) > 0 for index in range(FRAMES)] == [10 <= index < 20 for index in range(FRAMES)]
        assert [(shot.start, shot.stop) for shot in opened.shots] == [(10, 20)]
    with pytest.raises(InputError, match="from 10 to 19"):
        correct(frames, tmp_path / "a.track", [Prompt(25, mask=masks[25])])


def test_one_picture(tmp_path: Path) -> None:
    source, masks = scene([60])
    cv2.imwrite(str(tmp_path / "photo.png"), source.images[0][..., ::-1])
    track(tmp_path / "photo.png", tmp_path / "a.track", [Prompt(clicks=((72, 52),))])
    correct(tmp_path / "photo.png", tmp_path / "a.track", [Prompt(mask=masks[0]), Prompt(0, "b", mask=block())])
    with Track.open(tmp_path / "a.track") as opened:
        assert np.array_equal(opened.mask(0), masks[0] | block())
        assert opened.keyframes == {"object": (0,), "b": (0,)}


def stop(step: Progress) -> bool:
    return step.done < 3


@pytest.mark.parametrize(
    ("prompts", "error"),
    [
        ([Prompt(18, "square", clicks=((20, 20),))], Cancelled),
        ([Prompt(18, "square", clicks=((2000, 20),))], InputError),
        ([Prompt(18, "\n", box=(3, 3, 40, 40))], InputError),
        ([], InputError),
    ],
)
def test_a_correction_that_fails_leaves_the_track(
    prompts: Sequence[Prompt], error: type[Exception], tracked: Path, clip: tuple[Path, list[np.ndarray]]
) -> None:
    before = files(tracked)
    with pytest.raises(error):
        correct(clip[0], tracked, prompts, config=CONFIG, on_progress=stop)
    assert files(tracked) == before
    assert [path.name for path in tracked.parent.iterdir()] == ["a.track"]


@pytest.mark.parametrize("step", ["rename", "replace", "fsync"])
def test_the_track_is_whole_if_the_disk_fails_at_the_end(
    step: str, tracked: Path, clip: tuple[Path, list[np.ndarray]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(tracked, "square")

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, step, fail)
        with pytest.raises(OutputError, match="No space left"):
            correct(clip[0], tracked, [Prompt(37, "square", mask=clip[1][37])], config=CONFIG)
    assert contents(tracked, "square") == before
    correct(clip[0], tracked, [Prompt(37, "square", mask=clip[1][37])], config=CONFIG)
    assert len(files(tracked)) == 3  # what an end like that left behind is gone


def test_an_open_track_stays_as_it_was(tracked: Path, clip: tuple[Path, list[np.ndarray]]) -> None:
    with Track.open(tracked) as opened:
        before = [opened.mask(index) for index in range(FRAMES)]
        empty = np.zeros(SIZE, np.bool_)
        empty[0, 0] = True
        correct(clip[0], tracked, [Prompt(37, "square", mask=empty)], config=CONFIG)
        assert all(np.array_equal(opened.mask(index), before[index]) for index in range(FRAMES))


def test_two_corrections_at_a_time_do_not_mix(tracked: Path, clip: tuple[Path, list[np.ndarray]]) -> None:
    frames, masks = clip

    def other(step: Progress) -> None:
        if step.done == 2:
            correct(frames, tracked, [Prompt(1, "square", mask=masks[1])], config=CONFIG)

    with pytest.raises(OutputError, match="somebody else"):
        correct(frames, tracked, [Prompt(37, "square", mask=masks[37])], config=CONFIG, on_progress=other)
    with Track.open(tracked) as opened:
        assert opened.keyframes["square"] == (1, 4, 34)


def test_opening_never_sees_a_mix(tracked: Path) -> None:
    """Both objects are changed to the same mask again and again, while others open the track."""
    seen: list[bool] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            with Track.open(tracked) as opened:
                seen.append(np.array_equal(opened.mask(0, "block"), opened.mask(0, "square")))

    def change(number: int) -> None:
        mask = np.zeros(SIZE, np.bool_)
        mask[number] = True
        with Track.open(tracked) as opened, revise(opened, ["block", "square"]) as revision:
            for name in opened.objects:
                revision.stores[name].put(0, mask)
            revision.commit(())

    change(0)
    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 40):
        change(number)
    over.set()
    for thread in threads:
        thread.join()
    assert len(seen) > 10
    assert all(seen)
    assert len(files(tracked)) == 3


def test_a_mask_without_confidence_counts(clip: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    info = open_source(clip[0]).info
    with TrackSink(tmp_path / "a.track", info) as sink:
        sink.stores["a"].put(3, clip[1][3], 0.0)
        sink.finish((Shot(0, 0, FRAMES),), (Key("a", 3, 0.0),))
    remove(clip[0], tmp_path / "out", masks=tmp_path / "a.track", save_masks=tmp_path / "masks")
    found = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 0 for file in sorted((tmp_path / "masks").iterdir())]
    assert np.array_equal(found[3], clip[1][3])
    assert [mask.any() for mask in found] == [index == 3 for index in range(FRAMES)]


def test_another_source_is_refused(tracked: Path, tmp_path: Path) -> None:
    source, masks = scene([10, 13, 16])
    frames = write(source, tmp_path / "frames")
    with pytest.raises(InputError, match="is the track of 40 frames"):
        correct(frames, tracked, [Prompt(1, mask=masks[1])])


def test_a_track_is_replaced_only_if_asked(tracked: Path, clip: tuple[Path, list[np.ndarray]], tmp_path: Path) -> None:
    said = [Prompt(2, mask=clip[1][2])]
    with pytest.raises(OutputError, match="exists already"):
        track(clip[0], tracked, said, end=4)
    track(clip[0], tracked, said, end=4, overwrite=True)
    with Track.open(tracked) as opened:
        assert opened.objects == ("object",)
    (tracked / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="not part of a track"):
        track(clip[0], tracked, said, end=4, overwrite=True)
    with pytest.raises(OutputError, match="not part of a track"):
        correct(clip[0], tracked, [Prompt(3, mask=clip[1][3])])


def test_folders_that_are_no_tracks(tmp_path: Path) -> None:
    (tmp_path / "empty.track").mkdir()
    (tmp_path / "file.track").write_text("")
    for name in ("empty.track", "file.track", "missing.track"):
        with pytest.raises(InputError, match="is no track"):
            Track.open(tmp_path / name)


def put(table: dict, *keys: str | int, value: object) -> None:
    for key in keys[:-1]:
        table = table[key]
    table[keys[-1]] = value


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.clear(),
        lambda t: put(t, "version", value=2),
        lambda t: put(t, "version", value=True),
        lambda t: put(t, "frames", value=41),
        lambda t: put(t, "frames", value=-1),
        lambda t: put(t, "frames", value=1e9),
        lambda t: put(t, "size", value=[160, 96]),
        lambda t: put(t, "size", value=[96]),
        lambda t: put(t, "size", value="96"),
        lambda t: put(t, "shots", value=[]),
        lambda t: put(t, "shots", value=[[0, 10], [11, 40]]),
        lambda t: put(t, "shots", value=[[0, 41]]),
        lambda t: put(t, "shots", value=[[5, 5]]),
        lambda t: put(t, "objects", value={"a": 1}),
        lambda t: put(t, "objects", 0, "name", value="square"),
        lambda t: put(t, "objects", 0, "name", value="a\nb"),
        lambda t: put(t, "objects", 0, "name", value=""),
        lambda t: put(t, "objects", 0, "masks", value="../../etc/passwd"),
        lambda t: put(t, "objects", 0, "masks", value="0" * 32 + ".masks"),
        lambda t: put(t, "objects", 0, "masks", value=t["objects"][1]["masks"]),
        lambda t: put(t, "objects", 0, "keyframes", 0, "frame", value=40),
        lambda t: put(t, "objects", 1, "keyframes", 1, "frame", value=4),
        lambda t: put(t, "objects", 0, "keyframes", 0, "score", value=2),
        lambda t: put(t, "objects", 0, "keyframes", 0, "score", value="1"),
        lambda t: put(t, "objects", 0, "keyframes", value=7),
        lambda t: put(t, "objects", 0, "keyframes", 0, "notes", value=[3]),
        lambda t: t.pop("shots"),
    ],
)
def test_hostile_headers_are_one_sentence(change: Callable[[dict], object], tracked: Path) -> None:
    table = json.loads((tracked / "track.json").read_text())
    change(table)
    (tracked / "track.json").write_text(json.dumps(table))
    with pytest.raises(InputError) as caught:
        Track.open(tracked)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "[" * 10**5, '{"version": NaN}', '{"version": ' + "9" * 9999 + "}", "\ud800", " " * (17 << 20)]
)
def test_other_headers_are_one_sentence(text: str, tracked: Path) -> None:
    (tracked / "track.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(InputError):
        Track.open(tracked)


def test_links_are_not_followed(tracked: Path) -> None:
    file = next(path for path in tracked.iterdir() if path.suffix == ".masks")
    file.rename(tracked.parent / "elsewhere")
    file.symlink_to(tracked.parent / "elsewhere")
    with pytest.raises(InputError, match="no file of masks"):
        Track.open(tracked)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    which=st.integers(0, 2),
    places=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_flipped_bytes_give_masks_or_a_sentence(which: int, places: list[tuple[int, int]], small: Path) -> None:
    file = sorted(small.iterdir())[which % len(list(small.iterdir()))]
    whole = file.read_bytes()
    data = bytearray(whole)
    for place, value in places:
        data[place % len(data)] = value
    file.write_bytes(data)
    try:
        with Track.open(small) as opened:
            for name in opened.objects:
                assert opened.mask(1, name).shape == opened.size
                assert 0 <= opened.confidence(1, name) <= 1
    except InputError:
        pass
    finally:
        file.write_bytes(whole)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    source, masks = scene([10 + 3 * i for i in range(4)])
    track(write(source, folder / "frames"), folder / "a.track", [Prompt(mask=masks[0]), Prompt(0, "b", mask=block())])
    return folder / "a.track"
