"""Asking a network again on later frames: when, with what, and which answers are taken."""

from typing import ClassVar

import numpy as np
import pytest

from tests.unit.test_track import Scene, scene
from vidremove.config import load_config
from vidremove.errors import InputError
from vidremove.flows.dis import Dis
from vidremove.masks import MaskStore
from vidremove.segmenters.choice import Choice
from vidremove.stages.objects import ObjectStores
from vidremove.stages.propagate import correct_apart, track_apart, track_objects
from vidremove.stages.resegment import Resegmenter, inner_point, overlap
from vidremove.types import Prompt

SIZE = (60, 90)
IMAGE = np.zeros((*SIZE, 3), np.uint8)
CLICK = Prompt(clicks=((30, 30),), not_clicks=((50, 30),))


def box(x0: int, y0: int = 20, side: int = 20) -> np.ndarray:
    mask = np.zeros(SIZE, np.bool_)
    mask[y0 : y0 + side, x0 : x0 + side] = True
    return mask


class Network:
    """Answers with what it is told to, and remembers the questions."""

    knows_objects = True

    def __init__(self, answer: np.ndarray | None) -> None:
        self.answer = answer
        self.asked: list[Prompt] = []

    def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
        assert images.shape == (1, *SIZE, 3)
        assert images.dtype == np.uint8
        assert at == 0
        self.asked.append(prompt)
        if self.answer is None:
            raise InputError("no instance there")
        return self.answer, 0.9


def ask(network: object, prompt: Prompt = CLICK, every: int = 10) -> Resegmenter:
    again = Resegmenter(network, {"object": prompt}, every)
    again.start("object", 0)
    return again


def test_things_that_were_joined_stay_joined():
    both = box(20) | box(44, side=10)
    clicked_twice = Prompt(clicks=((30, 30), (48, 25)))
    assert ask(Network(box(20)), clicked_twice)("object", 10, IMAGE, both, 0.9) is None
    assert ask(Network(both), clicked_twice)("object", 10, IMAGE, both, 0.9) is not None
    once = ask(Network(box(20)))("object", 10, IMAGE, both, 0.9)
    assert once is not None
    assert np.array_equal(once[0], box(20))


def test_it_asks_every_so_often_in_either_direction():
    for step in (1, -1):
        network = Network(box(31))
        again = ask(network)
        answers = [again("object", step * index, IMAGE, box(30), 0.9) for index in range(1, 26)]
        assert [prompt.frame for prompt in network.asked] == [step * 10, step * 20]
        assert [index for index, answer in enumerate(answers, 1) if answer is not None] == [10, 20]
        mask, score = answers[9]
        assert np.array_equal(mask, box(31))
        assert score == 0.9


def test_points_follow_the_carried_mask_and_words_stay():
    network = Network(box(50))
    ask(network)("object", 10, IMAGE, box(50), 0.9)
    (asked,) = network.asked
    assert (asked.frame, asked.box, asked.not_clicks, asked.text) == (10, (50.0, 20.0, 70.0, 40.0), (), None)
    ((x, y),) = asked.clicks
    assert 58 <= x <= 61
    assert 28 <= y <= 31
    ask(network, Prompt(text="a dog", clicks=((1, 2),)))("object", 10, IMAGE.astype(np.uint16), box(50), 0.9)
    asked = network.asked[1]
    assert (asked.frame, asked.text, asked.clicks, asked.box) == (10, "a dog", (), None)


def test_a_drifting_mask_is_set_right_on_the_way(tmp_path):
    """A network that sees the square anywhere, and a prompt whose first mask is only half of it."""
    source, masks = scene([10 + 3 * index for index in range(24)])
    half = masks[0].copy()
    half[:, 23:] = False

    class Seer:
        knows_objects = True
        asked: ClassVar[list[int]] = []

        def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
            self.asked.append(prompt.frame)
            return (half if prompt.frame == 0 else masks[prompt.frame]), 0.9

    found = {}
    for every in (0, 6):
        config = load_config(overrides=[f"track.keyframe_every={every}"])
        with MaskStore(tmp_path / f"{every}.masks", 24, masks[0].shape) as store:
            report = track_objects(source, [Prompt(clicks=((16, 52),))], Seer(), Dis(), store, config, lambda _: None)
            found[every] = [overlap(store.get(index), masks[index]) for index in range(24)]
        assert [frame for _, frame, _ in report.keyframes] == ([0, 6, 12, 18] if every else [0])
    assert min(found[6][6:]) > 0.85
    assert min(found[6][6:]) >= min(found[0][6:])


def test_an_answer_that_is_another_object_is_not_taken():
    network = Network(box(45))
    again = ask(network)
    assert overlap(box(45), box(30)) < 0.25
    assert again("object", 10, IMAGE, box(30), 0.9) is None
    assert len(network.asked) == 1
    network.answer = None
    assert again("object", 20, IMAGE, box(30), 0.9) is None
    assert len(network.asked) == 2


def test_doubt_asks_at_once_but_not_all_the_time():
    network = Network(box(30))
    again = ask(network, every=100)
    for index in range(1, 30):
        again("object", index, IMAGE, box(30), 0.2)
    assert [prompt.frame for prompt in network.asked] == [8, 16, 24]


def test_an_object_that_comes_back_is_looked_at_at_once():
    network = Network(box(40))
    again = ask(network, every=100)
    assert again("object", 1, IMAGE, np.zeros(SIZE, np.bool_), 0.0) is None
    assert not network.asked
    answer = again("object", 2, IMAGE, box(48), 0.9)  # found again, roughly: a third of it overlaps
    assert answer is not None
    assert again("object", 3, IMAGE, box(48), 0.9) is None
    assert len(network.asked) == 1


@pytest.mark.parametrize("prompt", [Prompt(mask=box(30)), Prompt(not_clicks=((1, 1),))])
def test_a_mask_that_was_given_is_left_alone(prompt):
    network = Network(box(30))
    assert ask(network, prompt)("object", 10, IMAGE, box(30), 0.9) is None
    assert not network.asked


def test_only_segmenters_that_know_objects_are_asked():
    network, plain = Network(box(30)), Network(box(30))
    plain.knows_objects = False
    assert ask(plain)("object", 10, IMAGE, box(30), 0.9) is None
    assert ask(network, every=0)("object", 10, IMAGE, box(30), 0.9) is None
    text = Prompt(text="a dog")
    choice = Choice([CLICK, text], for_text=lambda: network, for_points=lambda: plain)
    assert ask(choice, CLICK)("object", 10, IMAGE, box(30), 0.9) is None
    assert ask(choice, text)("object", 10, IMAGE, box(30), 0.9) is not None
    assert not plain.asked


def test_the_inner_point_lies_deep():
    mask = np.zeros(SIZE, np.bool_)
    mask[0:20, 0:20] = True
    mask[5, 20:80] = True  # a thin arm
    x, y = inner_point(mask)
    assert 8 <= x <= 11
    assert 8 <= y <= 11
    single = np.zeros(SIZE, np.bool_)
    single[59, 0] = True
    assert inner_point(single) == (0.0, 59.0)


def test_a_phrase_is_looked_for_in_every_shot(tmp_path):
    """Three shots with the square in the first and the last of them; the phrase was said in the first."""
    parts = [scene([10 + 3 * index for index in range(8)], seed=seed) for seed in (11, 12, 13)]
    pictures = [image if part != 1 else 255 - image for part in range(3) for image in parts[part][0].images]
    masks = [mask for part in parts for mask in part[1]]

    class Seer:
        knows_objects = True

        def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
            if 8 <= prompt.frame < 16:
                raise InputError("nothing of the kind is there")
            return masks[prompt.frame], 0.9

    for said, seen in ((Prompt(text="a yellow square"), {0, 2}), (Prompt(clicks=((16, 52),)), {0})):
        with MaskStore(tmp_path / f"{said.text}.masks", 24, masks[0].shape) as store:
            report = track_objects(Scene(pictures), [said], Seer(), Dis(), store, load_config(), lambda _: None)
            found = [overlap(store.get(index), masks[index]) for index in range(24)]
        assert [(shot.start, shot.stop) for shot in report.shots] == [(0, 8), (8, 16), (16, 24)]
        for part in range(3):
            overlaps = found[8 * part : 8 * part + 8]
            assert min(overlaps) > 0.8 if part in seen else max(overlaps) == 0


def test_a_phrase_that_is_added_is_looked_for_in_every_shot(tmp_path):
    """As if it had been said from the start, of an object that is new; the one that was there keeps its masks."""
    parts = [scene([10 + 3 * index for index in range(8)], seed=seed) for seed in (11, 12)]
    source = Scene(parts[0][0].images + [255 - image for image in parts[1][0].images])
    masks = [mask for part in parts for mask in part[1]]
    corner = Prompt(object="corner", mask=np.roll(masks[0], (-30, 90), (0, 1)))
    phrase = Prompt(2, "square", text="a yellow square")

    class Seer:
        knows_objects = True

        def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
            return masks[prompt.frame], 0.9

    rest = Seer(), Dis()
    for name in ("at once", "added"):
        (tmp_path / name).mkdir()
    with ObjectStores(tmp_path / "at once", 16, masks[0].shape) as whole:
        report = track_apart(source, [corner, phrase], *rest, whole, load_config(), lambda _: None)
        expected = [(whole["square"].get(i), whole["square"].confidence(i)) for i in range(16)]
    with ObjectStores(tmp_path / "added", 16, masks[0].shape) as stores:
        added = correct_apart(
            *(source, [phrase], *rest, stores, report.shots, {"corner": (0,)}, load_config(), lambda _: None)
        )
        assert stores.names == ["square"]
        for index, (mask, confidence) in enumerate(expected):
            assert np.array_equal(stores["square"].get(index), mask)
            assert stores["square"].confidence(index) == confidence
    assert added.keys == tuple(key for key in report.keys if key.object == "square")
    assert [key.frame for key in added.keys] == [2, 8]
