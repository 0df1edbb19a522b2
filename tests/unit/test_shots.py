from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from tests.clips import public_clip
from vidremove.config import ShotsConfig
from vidremove.stages.shots import list_shots, mark_shots
from vidremove.types import Frame


def texture(seed: int, size: tuple[int, int] = (90, 400)) -> np.ndarray:
    """A picture with structure at several scales and colours of its own."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((*size, 3), np.float32)
    for cell in (6, 20, 60):
        noise = rng.uniform(0, 255, (size[0] // cell + 2, size[1] // cell + 2, 3)).astype(np.float32)
        picture += cv2.resize(noise, size[::-1], interpolation=cv2.INTER_CUBIC) / 3
    return np.clip(picture, 0, 255).astype(np.uint8)


def pan(seed: int, count: int, speed: int = 2) -> list[np.ndarray]:
    wide = texture(seed)
    return [wide[:, i * speed : i * speed + 160] for i in range(count)]


def number(images: list[np.ndarray]) -> Iterator[Frame]:
    return (Frame(index, index, np.ascontiguousarray(image)) for index, image in enumerate(images))


def starts(images: list[np.ndarray]) -> list[int]:
    return [shot.start for shot in list_shots(number(images))]


def test_finds_hard_cuts_at_the_right_frame():
    assert starts(pan(1, 12) + pan(2, 9) + pan(3, 15)) == [0, 12, 21]


def test_a_shot_may_be_one_frame_after_a_cut():
    assert starts(pan(1, 8) + pan(2, 8)) == [0, 8]


def test_a_fast_pan_is_no_cut():
    assert starts(pan(4, 20, speed=12)) == [0]


@pytest.mark.parametrize("length", [1, 3])
def test_a_flash_is_no_cut(length: int):
    images = pan(5, 20)
    for i in range(8, 8 + length):
        images[i] = np.clip(images[i].astype(np.int32) + 220, 0, 255).astype(np.uint8)
    assert starts(images) == [0]


def test_a_fade_through_black_ends_the_shot():
    first, second = pan(6, 20), pan(7, 20)
    fades = [
        (images[i] * share).astype(np.uint8)
        for images, order in ((first, 1), (second, -1))
        for i, share in enumerate(np.linspace(1, 0, 10)[::order])
    ]
    found = starts(first[:10] + fades + second[10:])
    assert len(found) == 2
    assert 17 <= found[1] <= 24


def test_a_slow_fade_in_of_one_shot_is_no_cut():
    assert starts([(image * min(1, i / 10)).astype(np.uint8) for i, image in enumerate(pan(8, 20))]) == [0]


def test_frames_pass_through_once_and_in_order():
    images = pan(1, 10) + pan(2, 10)
    marked = list(mark_shots(number(images)))
    assert [frame.index for frame in marked] == list(range(20))
    assert [frame.shot for frame in marked] == [0] * 10 + [1] * 10
    assert all(np.array_equal(frame.image, image) for frame, image in zip(marked, images, strict=True))


def test_detection_can_be_switched_off():
    images = pan(1, 5) + pan(2, 5)
    assert len(list_shots(number(images), ShotsConfig(detect=False))) == 1


def test_one_frame_is_one_shot_and_no_frame_is_none():
    assert [(shot.number, shot.start, shot.stop) for shot in list_shots(number(pan(1, 1)))] == [(0, 0, 1)]
    assert list_shots(number([])) == []


def test_shots_are_counted_from_the_first_frame_given():
    frames = [Frame(index + 40, index, image) for index, image in enumerate(pan(1, 6) + pan(2, 6))]
    assert [(shot.number, shot.start, shot.stop) for shot in list_shots(frames)] == [(0, 40, 46), (1, 46, 52)]


def test_a_cut_to_black_and_back_to_the_same_picture_is_one_shot():
    images = pan(5, 20)
    images[8:12] = [np.zeros_like(images[0])] * 4
    assert starts(images) == [0]


def test_looks_ahead_five_frames_at_most():
    taken = []

    def watched() -> Iterator[Frame]:
        for frame in number(pan(1, 30)):
            taken.append(frame.index)
            yield frame

    for frame in mark_shots(watched()):
        assert taken[-1] - frame.index <= 5


@pytest.mark.parametrize("name", ["prop_bmx_trees", "gt_handheld_horse", "comp_soapbox_object"])
def test_real_clips_are_one_shot_and_joined_clips_two(name: str):
    def small(folder: str) -> list[np.ndarray]:
        paths = sorted((public_clip(folder) / "frames").iterdir())[:30]
        return [cv2.resize(cv2.imread(str(path)), (214, 120), interpolation=cv2.INTER_AREA) for path in paths]

    own, other = small(name), small("prop_dog")
    assert starts(own) == [0]
    assert starts(own + other) == [0, 30]
