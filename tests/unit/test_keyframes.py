"""Prompts joined and scaled, and handed to the segmenter with the frames round them."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.test_shots import texture
from tests.unit.test_track import SIZE, Scene, overlap
from vidremove.errors import InputError
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.keyframes import clicks_apart, combine_prompts, scale_prompt, segment_keyframe
from vidremove.types import Frame, Prompt


def area(*rectangles: tuple[int, int, int, int]) -> np.ndarray:
    """True in y0, y1, x0, x1."""
    mask = np.zeros(SIZE, np.bool_)
    for y0, y1, x0, x1 in rectangles:
        mask[y0:y1, x0:x1] = True
    return mask


def test_boxes_join_to_their_hull_and_masks_to_their_union():
    left, right = area((10, 20, 10, 20)), area((10, 20, 30, 40))
    prompts = [Prompt(box=(10, 12, 20, 22), mask=left, text="a dog"), Prompt(box=(5, 15, 18, 40), mask=right)]
    joined = combine_prompts([*prompts, Prompt(text="the dog")])
    assert len(joined) == 1
    assert joined[0].box == (5, 12, 20, 40)
    assert np.array_equal(joined[0].mask, left | right)
    assert joined[0].text == "the dog"


def test_a_lone_box_and_mask_survive_joining_in_either_order():
    mask = area((0, 5, 0, 5))
    one, other = Prompt(box=(1, 2, 3, 4)), Prompt(mask=mask)
    for prompts in ([one, other], [other, one]):
        (joined,) = combine_prompts(prompts)
        assert joined.box == (1, 2, 3, 4)
        assert joined.mask is mask


def test_objects_and_frames_stay_apart_ordered_by_frame():
    prompts = [Prompt(7, "b"), Prompt(2, "b"), Prompt(7, "a"), Prompt(7, "b", clicks=((1, 1),))]
    joined = combine_prompts(prompts)
    assert [(prompt.frame, prompt.object) for prompt in joined] == [(2, "b"), (7, "b"), (7, "a")]
    assert joined[1].clicks == ((1, 1),)


def test_no_prompts_join_to_none():
    assert combine_prompts([]) == []


def test_pixel_centres_stay_pixel_centres_when_a_prompt_is_scaled():
    prompt = Prompt(not_clicks=((0.5, 0.5), (3.5, 1.5)), mask=area((16, 48, 32, 64)))
    scaled = scale_prompt(prompt, SIZE, (SIZE[0] // 2, SIZE[1] // 2))
    assert scaled.not_clicks == ((0, 0), (1.5, 0.5))
    assert scaled.mask is not None
    assert scaled.mask.shape == (48, 80)
    assert scaled.mask.sum() == 16 * 16
    assert scaled.mask[8:24, 16:32].all()


def test_a_prompt_of_the_same_size_is_left_alone():
    prompt = Prompt(clicks=((3, 4),))
    assert scale_prompt(prompt, SIZE, SIZE) is prompt


class Recorder:
    """Marks the clicked pixel's quarter of the image; remembers what it was given."""

    reach, side = 2, 80

    def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
        self.images, self.at, self.prompt = images, at, prompt
        mask = np.zeros(images.shape[1:3], np.bool_)
        mask[: mask.shape[0] // 2, : mask.shape[1] // 2] = True
        return mask, 0.25


def test_the_segmenter_gets_the_frames_of_the_shot_at_its_own_size():
    source = Scene([np.full((*SIZE, 3), 10 * i, np.uint8) for i in range(12)])
    segmenter = Recorder()
    key = segment_keyframe(source, Prompt(frame=6, clicks=((99.5, 49.5),)), segmenter, 5, 12)
    assert segmenter.images.shape == (4, 48, 80, 3)
    assert segmenter.images[:, 0, 0, 0].tolist() == [50, 60, 70, 80]
    assert segmenter.at == 1
    assert segmenter.prompt.clicks == ((49.5, 24.5),)
    assert (key.frame, key.object, key.score) == (6, "object", 0.25)
    assert overlap(key.mask, area((0, 48, 0, 80))) > 0.97


def test_a_mask_alone_is_taken_as_it_is_and_no_frame_is_read():
    mask = area((3, 4, 5, 6))
    key = segment_keyframe(Scene([]), Prompt(frame=3, mask=mask), Recorder(), 0, 9)
    assert np.array_equal(key.mask, mask)
    assert key.score == 1


def test_a_frame_that_cannot_be_read_is_named():
    class CutShort(Scene):
        def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
            return super().frames(start, min(4, 4 if stop is None else stop))

    source = CutShort([np.zeros((*SIZE, 3), np.uint8)] * 4)
    with pytest.raises(InputError, match="frame 9"):
        segment_keyframe(source, Prompt(frame=9, clicks=((1, 1),)), Recorder(), 4, 12)


@pytest.fixture
def pair() -> np.ndarray:
    """One image (1, H, W, 3): two yellow patches joined by a bar, on a dark background."""
    image = texture(3, SIZE) // 3
    image[30:70, 20:60] = image[30:70, 100:140] = image[45:55, 60:100] = (240, 200, 40)
    return image[None]


def test_a_click_on_a_single_image_finds_the_patch_by_its_colour(pair: np.ndarray):
    mask, score = Embedded()(pair, 0, Prompt(clicks=((40, 50),)))
    assert overlap(mask, area((30, 70, 20, 60), (30, 70, 100, 140), (45, 55, 60, 100))) > 0.85
    assert 0.3 < score <= 1


def test_a_click_beside_the_object_takes_its_part_away(pair: np.ndarray):
    prompt = Prompt(clicks=((40, 50),))
    whole, _ = Embedded()(pair, 0, prompt)
    less, _ = Embedded()(pair, 0, replace(prompt, not_clicks=((80, 50),)))
    assert whole[50, 80]
    assert not less[50, 80]
    assert less[50, 40]
    assert less.sum() < whole.sum()


def test_a_box_holds_the_mask_inside(pair: np.ndarray):
    mask, _ = Embedded()(pair, 0, Prompt(box=(14, 24, 66, 76)))
    assert overlap(mask, area((30, 70, 20, 60), (45, 55, 60, 66))) > 0.85
    assert not (mask & ~area((24, 76, 14, 66))).any()


def test_a_rough_mask_with_a_click_is_settled_on_the_edges(pair: np.ndarray):
    rough = area((33, 74, 17, 57))
    mask, _ = Embedded()(pair, 0, Prompt(clicks=((40, 50),), mask=rough))
    true = area((30, 70, 20, 60))
    assert overlap(mask & area((0, 96, 0, 61)), true) > overlap(rough, true)


def test_a_flat_image_gives_a_small_mask_at_the_click_and_a_low_score():
    image = np.full((1, *SIZE, 3), 90, np.uint8)
    mask, score = Embedded()(image, 0, Prompt(clicks=((80, 48),)))
    assert mask[48, 80]
    assert score < 0.2


@pytest.mark.parametrize("size", [(33, 57), (40, 300)])
def test_odd_sizes_give_masks_of_the_same_size(size: tuple[int, int]):
    image = (texture(4, size) // 3)[None]
    image[0, 10:25, 20:40] = (240, 200, 40)
    mask, _ = Embedded()(image, 0, Prompt(box=(17, 7, 43, 28)))
    true = np.zeros(size, np.bool_)
    true[10:25, 20:40] = True
    assert mask.shape == size
    assert overlap(mask, true) > 0.7


def test_a_click_on_another_part_is_told_apart():
    mask = np.zeros((40, 60), np.bool_)
    mask[5:20, 5:20] = mask[30:32, 50:52] = True
    prompt = Prompt(clicks=((10.0, 10.0), (15.0, 7.0), (51.0, 31.0), (99.0, 99.0)))
    assert clicks_apart(prompt, mask) == [(51.0, 31.0), (99.0, 99.0)]
    assert clicks_apart(Prompt(box=(1, 1, 5, 5)), mask) == []
