"""Tracking on made-up clips: a textured square that moves over a textured background."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.unit.test_shots import texture
from vidremove.config import Config
from vidremove.errors import InputError
from vidremove.flows.dis import Dis
from vidremove.masks import MaskStore
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.keyframes import combine_prompts, scale_prompt
from vidremove.stages.observe import neighbour_distances, observe
from vidremove.stages.propagate import TrackReport, track_objects
from vidremove.types import Frame, MediaInfo, Prompt

SIZE = (96, 160)


class Scene:
    """A source of frames held in memory, and the true masks."""

    def __init__(self, images: list[np.ndarray]) -> None:
        self.images = images
        self.info = MediaInfo(Path("scene"), "folder", SIZE, len(images), Fraction(1, 25), Fraction(25))

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        return (Frame(i, i, self.images[i]) for i in range(start, len(self.images) if stop is None else stop))

    def reversed(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        return (Frame(i, i, self.images[i]) for i in reversed(range(start, len(self.images) if stop is None else stop)))


def square_at(x: int, y: int = 40, side: int = 26) -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[max(y, 0) : y + side, max(x, 0) : max(x + side, 0)] = True
    return mask


def scene(places: list[int], seed: int = 11) -> tuple[Scene, list[np.ndarray]]:
    """The square at these x, over a still background."""
    background = texture(seed, SIZE) // 2
    skin = np.full((26, 26, 3), (230, 200, 60), np.uint8)
    skin[::6] = (200, 120, 30)
    images, masks = [], []
    for x in places:
        image, mask = background.copy(), square_at(x)
        left, right = max(x, 0), min(max(x + 26, 0), SIZE[1])
        if right > left:
            image[40:66, left:right] = skin[:, left - x : right - x]
        images.append(image)
        masks.append(mask)
    return Scene(images), masks


Run = Callable[[Scene, list[Prompt]], tuple[MaskStore, TrackReport, list[int]]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with ExitStack() as stack:

        def track(source: Scene, prompts: list[Prompt]) -> tuple[MaskStore, TrackReport, list[int]]:
            store, seen = stack.enter_context(MaskStore(tmp_path / "masks", source.info.frames, SIZE)), []
            report = track_objects(source, prompts, Embedded(), Dis(), store, Config(), seen.append)
            return store, report, seen

        yield track


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def test_carries_a_mask_forwards(run: Run):
    source, masks = scene([10 + 3 * i for i in range(30)])
    store, report, seen = run(source, [Prompt(mask=masks[0])])
    assert np.array_equal(store.get(0), masks[0])
    assert min(overlap(store.get(i), masks[i]) for i in range(30)) > 0.85
    assert [shot.stop for shot in report.shots] == [30]
    assert seen == list(range(30))
    assert min(store.confidence(i) for i in range(30)) > 0.5


def test_a_click_finds_what_moves_and_follows_it(run: Run):
    source, masks = scene([10 + 3 * i for i in range(30)])
    store, report, _ = run(source, [Prompt(clicks=((22, 52),))])
    assert overlap(store.get(0), masks[0]) > 0.7
    assert min(overlap(store.get(i), masks[i]) for i in range(30)) > 0.7
    assert report.keyframes[0][:2] == ("object", 0)
    assert report.keyframes[0][2] > 0.5


def test_carries_backwards_from_a_later_keyframe(run: Run):
    source, masks = scene([10 + 3 * i for i in range(30)])
    store, _, _ = run(source, [Prompt(frame=20, mask=masks[20])])
    assert min(overlap(store.get(i), masks[i]) for i in range(30)) > 0.85


def test_merges_between_two_keyframes(run: Run):
    source, masks = scene([10 + 3 * i for i in range(30)])
    prompts = [Prompt(frame=0, mask=masks[0]), Prompt(frame=29, mask=masks[29])]
    store, _, _ = run(source, prompts)
    assert min(overlap(store.get(i), masks[i]) for i in range(30)) > 0.85


def test_two_objects_become_their_union(run: Run):
    source, masks = scene([10 + 3 * i for i in range(20)])
    other = square_at(120, 4, 20)
    for image in source.images:
        image[other] = (40, 90, 230)
    prompts = [Prompt(mask=masks[0]), Prompt(object="block", mask=other)]
    store, _, _ = run(source, prompts)
    assert min(overlap(store.get(i), masks[i] | other) for i in range(20)) > 0.8


def test_nothing_crosses_a_cut(run: Run):
    first, masks = scene([10 + 3 * i for i in range(12)])
    second, _ = scene([10 + 3 * i for i in range(12)], seed=23)
    for image in second.images:
        image[:] = image[::-1, ::-1]
    source = Scene(first.images + second.images)
    store, report, _ = run(source, [Prompt(mask=masks[0])])
    assert [shot.start for shot in report.shots] == [0, 12]
    assert store.area(11) > 0
    assert all(store.area(i) == 0 for i in range(12, 24))


def test_a_prompt_in_the_second_shot_speaks_for_it_alone(run: Run):
    first, _ = scene([10 + 3 * i for i in range(12)])
    second, masks = scene([10 + 3 * i for i in range(12)], seed=23)
    source = Scene(first.images + [image[::-1, ::-1].copy() for image in second.images])
    masks = [mask[::-1, ::-1] for mask in masks]
    store, report, seen = run(source, [Prompt(frame=18, mask=masks[6])])
    assert len(report.shots) == 2
    assert all(store.area(i) == 0 for i in range(12))
    assert min(overlap(store.get(12 + i), masks[i]) for i in range(12)) > 0.85
    assert set(seen) == set(range(12, 24))
    assert report.keyframes == (("object", 18, 1.0),)


def test_keyframe_masks_are_kept_as_they_were_given(run: Run):
    source, masks = scene([10 + 3 * i for i in range(20)])
    odd = masks[9].copy()
    odd[::3] = False
    store, _, _ = run(source, [Prompt(mask=masks[0]), Prompt(frame=9, mask=odd), Prompt(frame=19, mask=masks[19])])
    assert np.array_equal(store.get(0), masks[0])
    assert np.array_equal(store.get(9), odd)
    assert np.array_equal(store.get(19), masks[19])
    assert [store.confidence(i) for i in (0, 9, 19)] == [1, 1, 1]


def test_two_objects_prompted_on_different_frames(run: Run):
    source, masks = scene([10 + 3 * i for i in range(20)])
    other = square_at(120, 4, 20)
    for image in source.images:
        image[other] = (40, 90, 230)
    store, report, _ = run(source, [Prompt(mask=masks[0]), Prompt(frame=14, object="block", mask=other)])
    assert min(overlap(store.get(i), masks[i] | other) for i in range(20)) > 0.8
    assert [name for name, _, _ in report.keyframes] == ["object", "block"]


def test_the_caller_may_stop_the_run(tmp_path: Path):
    source, masks = scene([10 + 3 * i for i in range(20)])
    seen: list[int] = []

    def stop_at_five(index: int) -> None:
        seen.append(index)
        if index == 5:
            raise KeyboardInterrupt

    with MaskStore(tmp_path / "masks", 20, SIZE) as store, pytest.raises(KeyboardInterrupt):
        track_objects(source, [Prompt(mask=masks[0])], Embedded(), Dis(), store, Config(), stop_at_five)
    assert seen == [0, 1, 2, 3, 4, 5]


def test_an_object_that_leaves_is_reported(run: Run):
    source, masks = scene([90 + 5 * i for i in range(24)])
    store, report, _ = run(source, [Prompt(mask=masks[0])])
    assert overlap(store.get(8), masks[8]) > 0.7
    assert all(store.area(i) == 0 and store.confidence(i) == 0 for i in range(18, 24))
    assert any("not seen" in note for note in report.notes)


def test_one_frame_is_enough(run: Run):
    source, masks = scene([60])
    store, report, _ = run(source, [Prompt(clicks=((72, 52),))])
    assert overlap(store.get(0), masks[0]) > 0.7
    assert len(report.shots) == 1


def test_a_prompt_past_the_end_is_refused(run: Run):
    source, _ = scene([10, 13])
    with pytest.raises(InputError, match="past the end"):
        run(source, [Prompt(frame=2, clicks=((5, 5),))])


def test_no_prompt_is_refused(run: Run):
    source, _ = scene([10, 13])
    with pytest.raises(InputError, match="nothing to track"):
        run(source, [])


def test_prompts_of_one_object_on_one_frame_combine():
    prompts = [
        Prompt(frame=3, clicks=((1, 2),)),
        Prompt(frame=3, not_clicks=((5, 6),), box=(0, 0, 9, 9)),
        Prompt(frame=1, object="b", clicks=((7, 8),)),
    ]
    joined = combine_prompts(prompts)
    assert [(p.frame, p.object) for p in joined] == [(1, "b"), (3, "object")]
    assert joined[1].clicks == ((1, 2),)
    assert joined[1].not_clicks == ((5, 6),)
    assert joined[1].box == (0, 0, 9, 9)


def test_a_prompt_scales_with_the_frame():
    scaled = scale_prompt(Prompt(clicks=((99.5, 49.5),), box=(20, 10, 40, 30)), (100, 200), (50, 100))
    assert scaled.clicks == ((49.5, 24.5),)
    assert scaled.box == (10, 5, 20, 15)


def test_neighbours_are_taken_from_both_sides_where_there_are_some():
    assert neighbour_distances(30, 30) == ([3, 9, 20, 30], [3, 9, 20, 30])
    behind, ahead = neighbour_distances(0, 30)
    assert behind == []
    assert len(ahead) == 8
    assert neighbour_distances(1, 2) == ([1], [2])


def test_observes_every_frame_once_with_bounded_look_ahead():
    source, _ = scene([10 + i for i in range(20)])
    taken = []

    def watched() -> Iterator[Frame]:
        for frame in source.frames():
            taken.append(frame.index)
            yield frame

    indexes = []
    for seen in observe(watched(), Dis(), 160 * 96, 5):
        indexes.append(seen.frame.index)
        assert taken[-1] - seen.frame.index <= 5
    assert indexes == list(range(20))


def test_embedded_box():
    image = (texture(3, SIZE) // 3)[None]
    image[0, 20:60, 20:70] = (240, 200, 40)
    image[0, 20:60, 100:140] = (240, 200, 40)
    left = square_at(20, 20, 40)
    left[20:60, 20:70] = True
    mask, score = Embedded()(image, 0, Prompt(box=(14, 14, 76, 66)))
    assert overlap(mask, left) > 0.85
    assert 0 < score <= 1


def test_embedded_says_what_it_needs():
    image = cv2.cvtColor(texture(3, SIZE)[..., 0], cv2.COLOR_GRAY2RGB)[None]
    with pytest.raises(InputError, match="weights"):
        Embedded()(image, 0, Prompt(text="the dog"))
    with pytest.raises(InputError, match="outside"):
        Embedded()(image, 0, Prompt(clicks=((500, 3),)))
