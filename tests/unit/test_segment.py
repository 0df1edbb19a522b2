"""The verb `segment` on what is no click."""

import numpy as np
import pytest

from vidremove import Prompt, VidremoveError, segment
from vidremove.errors import InputError

IMAGE = np.zeros((40, 60, 3), np.uint8)


def test_a_mask_alone_is_returned_as_it_is() -> None:
    given = np.zeros((40, 60), np.bool_)
    given[5:9, 5:9] = True
    mask, score = segment(IMAGE, Prompt(mask=given))
    assert np.array_equal(mask, given)
    assert score == 1.0


@pytest.mark.parametrize("prompt", [Prompt(), Prompt(not_clicks=((3, 3),)), Prompt(clicks=((60, 3),))])
def test_a_prompt_that_does_not_do_is_told(prompt: Prompt) -> None:
    with pytest.raises(InputError):
        segment(IMAGE, prompt)


@pytest.mark.parametrize("image", [IMAGE[..., 0], IMAGE[..., :1], IMAGE.astype(np.float32), IMAGE[None, None]])
def test_an_image_of_another_kind_is_told(image: np.ndarray) -> None:
    with pytest.raises(VidremoveError, match=r"needed uint8 \(H, W, 3\)"):
        segment(image, Prompt(clicks=((3, 3),)))


def test_an_image_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match="needed 0 to 0"):
        segment(IMAGE, Prompt(clicks=((3, 3),)), at=1)
