"""An object that is lost is found again when it comes back, and is not found when it does not."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.unit.test_shots import texture
from tests.unit.test_track import SIZE, Scene, overlap
from vidremove.config import Config
from vidremove.flows.dis import Dis
from vidremove.masks import MaskStore
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.observe import Observation, observe
from vidremove.stages.propagate import TrackReport, track_objects
from vidremove.stages.recover import Memory
from vidremove.types import Frame, Prompt

SIDE = 26


def skin() -> np.ndarray:
    """Yellow with stripes: unlike the background."""
    image = np.full((SIDE, SIDE, 3), (230, 200, 60), np.uint8)
    image[::6] = (200, 120, 30)
    return image


def clip(places: Sequence[int | None], pillar: tuple[int, int] | None = None) -> tuple[Scene, list[np.ndarray]]:
    """The square at these x (None: nowhere) before a still background, behind a pillar if there is one."""
    background = texture(11, SIZE) // 2
    images, masks = [], []
    for x in places:
        image, mask = background.copy(), np.zeros(SIZE, np.bool_)
        left, right = (0, 0) if x is None else (max(x, 0), min(max(x + SIDE, 0), SIZE[1]))
        if x is not None and right > left:
            image[40 : 40 + SIDE, left:right] = skin()[:, left - x : right - x]
            mask[40 : 40 + SIDE, left:right] = True
        if pillar is not None:
            image[:, pillar[0] : pillar[1]] = cv2.resize(texture(5, (96, 40)), (pillar[1] - pillar[0], 96)) // 2 + 40
            mask[:, pillar[0] : pillar[1]] = False
        images.append(image)
        masks.append(mask)
    return Scene(images), masks


def follow(source: Scene, mask: np.ndarray, folder: Path) -> tuple[list[np.ndarray], list[float], TrackReport]:
    with MaskStore(folder / "masks", source.info.frames, SIZE) as store:
        report = track_objects(source, [Prompt(mask=mask)], Embedded(), Dis(), store, Config(), lambda index: None)
        return list(store), [store.confidence(i) for i in range(len(store))], report


def test_an_object_that_leaves_the_view_is_found_when_it_returns(tmp_path: Path):
    places = [100 + 5 * i for i in range(13)] + [None] * 8 + [160 - 5 * i for i in range(20)]
    source, masks = clip(places)
    found, confidences, report = follow(source, masks[0], tmp_path)
    assert not any(found[i].any() for i in range(14, 21))
    assert min(overlap(found[i], masks[i]) for i in range(27, 41)) > 0.8
    assert confidences[16] == 0
    again = next(i for i in range(14, 41) if found[i].any())
    assert again <= 23  # a quarter of it shows at 22
    assert 0 < max(confidences[again : again + 2]) <= 0.6 < confidences[again + 12]
    assert min(overlap(found[i], masks[i]) for i in range(24, 41)) > 0.7
    assert len(report.notes) == 1
    assert report.notes[0].endswith(f"to {again - 1}, found again at {again}")


def test_an_object_is_found_when_it_comes_out_behind_a_pillar(tmp_path: Path):
    source, masks = clip([8 + 3 * i for i in range(42)], pillar=(56, 100))
    found, _, report = follow(source, masks[0], tmp_path)
    hidden = [i for i in range(42) if not masks[i].any()]
    assert len(hidden) >= 5
    assert not any(found[i].any() for i in hidden[2:])
    assert min(overlap(found[i], masks[i]) for i in range(42) if masks[i].any()) > 0.8
    assert any("found again" in note for note in report.notes)


def test_an_object_is_found_backwards_as_well(tmp_path: Path):
    source, masks = clip([8 + 3 * i for i in range(42)], pillar=(56, 100))
    with MaskStore(tmp_path / "masks", 42, SIZE) as store:
        prompt = Prompt(frame=41, mask=masks[41])
        report = track_objects(source, [prompt], Embedded(), Dis(), store, Config(), lambda index: None)
        seen = [i for i in range(42) if masks[i].any()]
        assert min(overlap(store.get(i), masks[i]) for i in seen) > 0.8
        assert not any(store.area(i) for i in range(18, 21))
    assert len(report.notes) == 1


def test_an_object_that_never_returns_is_reported_and_nothing_else_is_taken(tmp_path: Path):
    source, masks = clip([100 + 5 * i for i in range(13)] + [None] * 25)
    for step, image in enumerate(source.images[16:]):  # another moving thing of the same size, blue
        image[20:46, 4 * step : 4 * step + 26] = (40, 60, 220)
    found, confidences, report = follow(source, masks[0], tmp_path)
    assert not any(mask.any() for mask in found[14:])
    assert max(confidences[14:]) == 0
    assert len(report.notes) == 1
    assert "not seen in frames" in report.notes[0]
    assert "found again" not in report.notes[0]


def look(image: np.ndarray) -> Observation:
    return next(observe([Frame(0, 0, image)], Dis(), 432 * 240, 30))


@pytest.fixture
def keyframe() -> tuple[Observation, np.ndarray]:
    source, masks = clip([30])
    return look(source.images[0]), masks[0]


def test_memory_finds_the_object_elsewhere(keyframe: tuple[Observation, np.ndarray]):
    memory = Memory(*keyframe)
    assert memory.usable
    source, masks = clip([110])
    find = memory.find(look(source.images[0]))
    assert find is not None
    assert overlap(find.mask, masks[0]) > 0.6
    assert 0.85 <= find.likeness <= 1


def test_memory_does_not_choose_between_two_of_a_kind(keyframe: tuple[Observation, np.ndarray]):
    source, _ = clip([110])
    source.images[0][40:66, 10:36] = skin()
    assert Memory(*keyframe).find(look(source.images[0])) is None


def test_memory_refuses_implausible_sizes(keyframe: tuple[Observation, np.ndarray]):
    memory = Memory(*keyframe)
    image = texture(11, SIZE) // 2
    image[10:90, 20:140] = cv2.resize(skin(), (120, 80), interpolation=cv2.INTER_NEAREST)
    assert memory.find(look(image)) is None
    small = texture(11, SIZE) // 2
    small[50:57, 60:67] = skin()[:7, :7]
    assert memory.find(look(small)) is None


def test_an_object_that_shrinks_out_of_view_is_not_taken_to_be_small(keyframe: tuple[Observation, np.ndarray]):
    memory = Memory(*keyframe)
    for area in range(600, 20, -60):
        memory.note_area(area)
    small = texture(11, SIZE) // 2
    small[50:60, 60:70] = skin()[:10, :10]
    assert memory.find(look(small)) is None
    source, _ = clip([110])
    assert memory.find(look(source.images[0])) is not None


def test_an_object_like_its_surroundings_is_never_searched_for():
    image = np.tile(texture(11, (32, 32)), (3, 5, 1))
    mask = np.zeros(SIZE, np.bool_)
    mask[32:64, 64:96] = True
    memory = Memory(look(image), mask)
    assert not memory.usable
    assert memory.find(look(image)) is None


def test_a_mask_of_everything_leaves_nothing_to_search_by():
    image = texture(11, SIZE) // 2
    assert not Memory(look(image), np.ones(SIZE, np.bool_)).usable
