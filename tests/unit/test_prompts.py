from pathlib import Path

import numpy as np
import pytest

from vidremove.errors import InputError
from vidremove.prompts import check_prompts, gather_prompts, parse_numbers, split_frame
from vidremove.types import Prompt


def test_split_frame_defaults_to_zero() -> None:
    assert split_frame("310,205") == ("310,205", 0)
    assert split_frame("310,205@42") == ("310,205", 42)
    assert split_frame("the boy @ home") == ("the boy @ home", 0)


def test_prompts_of_one_frame_combine() -> None:
    prompts, masks = gather_prompts([("click", "3,4@7"), ("not", "5,6@7"), ("click", "8,9@7"), ("box", "1,2,30,40@9")])
    assert not masks
    first, second = prompts
    assert (first.frame, first.clicks, first.not_clicks) == (7, ((3, 4), (8, 9)), ((5, 6),))
    assert (second.frame, second.box, second.clicks) == (9, (1, 2, 30, 40), ())


def test_object_names_what_follows() -> None:
    prompts, masks = gather_prompts([("click", "3,4"), ("object", "dog"), ("click", "5,6"), ("mask", "a.png@2")])
    assert [(p.object, p.frame) for p in prompts] == [("object", 0), ("dog", 0), ("dog", 2)]
    assert masks == {("dog", 2): Path("a.png")}


@pytest.mark.parametrize(
    "spec",
    [
        ("click", "3"),
        ("click", "3,4,5"),
        ("click", "a,b"),
        ("click", "nan,1"),
        ("click", "inf,1"),
        ("click", "1,2@-3"),
        ("click", "1,2@x"),
        ("box", "1,2,3"),
        ("box", "1,2,1,9"),
    ],
)
def test_text_that_is_no_prompt_is_refused(spec: tuple[str, str]) -> None:
    with pytest.raises(InputError):
        gather_prompts([spec])


def test_corners_of_a_box_in_any_order() -> None:
    prompts, _ = gather_prompts([("box", "30,40,3,2")])
    assert prompts[0].box == (3, 2, 30, 40)


def test_second_box_on_a_frame_is_refused() -> None:
    with pytest.raises(InputError, match="has a box on frame 0"):
        gather_prompts([("box", "1,2,3,4"), ("box", "1,2,3,4@0")])


def test_numbers_say_what_is_needed() -> None:
    with pytest.raises(InputError, match="needed X,Y"):
        parse_numbers("1;2", 2, "X,Y")


def check(prompt: Prompt) -> None:
    check_prompts([prompt], (40, 60), 5, 10)


def test_prompts_inside_pass() -> None:
    check(Prompt(frame=5, clicks=((0, 0), (59, 39)), box=(-5, -5, 70, 50)))


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (Prompt(frame=4, clicks=((1, 1),)), "from 5 to 9"),
        (Prompt(frame=10, clicks=((1, 1),)), "from 5 to 9"),
        (Prompt(frame=5, clicks=((60, 1),)), "60x40"),
        (Prompt(frame=5, not_clicks=((1, -1),)), "60x40"),
        (Prompt(frame=5, box=(60, 0, 70, 10)), "60x40"),
        (Prompt(frame=5, mask=np.ones((4, 6), np.bool_)), "mask for frame 5 is 6x4, needed 60x40"),
        (Prompt(frame=5, mask=np.zeros((40, 60), np.bool_)), "empty"),
        (Prompt(frame=5), "says nothing"),
    ],
)
def test_prompts_outside_are_refused(prompt: Prompt, words: str) -> None:
    with pytest.raises(InputError, match=words):
        check(prompt)
