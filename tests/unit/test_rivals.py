"""Things that look like the object, apart from it and in front of each other."""

from dataclasses import replace

import numpy as np

from tests.unit.test_shots import texture
from tests.unit.test_track import SIZE, Run, overlap, run, scene, square_at  # noqa: F401 (run is a fixture)
from vidremove.flows.dis import Dis
from vidremove.stages.observe import Observation, observe
from vidremove.stages.rivals import Rivals
from vidremove.types import Frame, Prompt

WHOLE = (0, SIZE[0], 0, SIZE[1])
OBJECT = square_at(10)


def observations(places: list[int]) -> list[Observation]:
    frames = (Frame(i, i, image) for i, image in enumerate(scene(places)[0].images))
    return list(observe(frames, Dis(), SIZE[0] * SIZE[1], 5))


def noted(frames: list[Observation], places: list[int]) -> Rivals:
    """A square at these places, seen apart from an object that stands on the left."""
    rivals = Rivals(frames[0].image)
    for seen, x in zip(frames, places, strict=True):
        rivals.carry(seen)
        rivals.note(square_at(x) | OBJECT, OBJECT, OBJECT, seen.image, WHOLE)
    return rivals


def test_a_thing_seen_apart_speaks_against_its_own_pixels():
    places = [100, 98, 96, 94]
    odds = noted(observations(places), places).odds(OBJECT, WHOLE)
    assert (odds[square_at(94)] < -5).mean() > 0.95
    assert not odds[OBJECT].any()


def test_a_thing_seen_only_once_says_nothing():
    places = [100]
    assert not noted(observations(places), places).odds(OBJECT, WHOLE).any()


def test_it_goes_with_its_own_motion_when_it_is_not_noted_again():
    places = [100, 98, 96, 94]
    frames = observations(places)
    rivals = noted(frames[:3], places[:3])
    rivals.carry(frames[3])
    odds = rivals.odds(OBJECT, WHOLE)
    assert (odds[square_at(94)] < -5).mean() > 0.9
    assert not odds[~square_at(90, 36, 34)].any()


def test_it_keeps_its_motion_where_flow_is_wrong():
    places = [100, 98, 96, 94]
    frames = observations(places)
    rivals = noted(frames[:3], places[:3])
    rivals.carry(replace(frames[3], flow_ahead=np.full((*SIZE, 2), 6, np.float32)))
    assert (rivals.odds(OBJECT, WHOLE)[square_at(94)] < -5).mean() > 0.9


def test_what_stands_in_front_of_it_is_not_taken_for_it():
    places = [100, 98, 96, 94]
    frames = observations(places)
    rivals = noted(frames[:3], places[:3])
    front = np.zeros(SIZE, np.bool_)
    front[46:60, 100:112] = True
    frames[3].image[front] = texture(5, SIZE)[front] // 3
    rivals.carry(frames[3])
    odds = rivals.odds(OBJECT, WHOLE)
    assert (odds[front] > 0).mean() > 0.8
    assert (odds[square_at(94) & ~front] < -5).mean() > 0.7


def test_it_is_forgotten_when_it_no_longer_looks_like_the_object():
    places = [100, 98, 96, 94]
    frames = observations(places)
    rivals = noted(frames[:3], places[:3])
    rivals.carry(frames[3])
    rivals.note(OBJECT, OBJECT, OBJECT, frames[3].image, WHOLE)
    assert not rivals.odds(OBJECT, WHOLE).any()


def test_a_part_of_the_object_is_no_rival():
    frames = observations([100, 98, 96])
    rivals = Rivals(frames[0].image)
    for seen in frames:
        rivals.carry(seen)
        rivals.note(square_at(10) | square_at(37), OBJECT, OBJECT, seen.image, WHOLE)
    assert not rivals.odds(OBJECT, WHOLE).any()


def test_two_of_a_kind_that_meet_stay_apart(run: Run):  # noqa: F811
    places, others = [10 + 2 * i for i in range(20)], [110 - 2 * min(i, 17) for i in range(20)]
    first, masks = scene(places)
    second, other_masks = scene(others)
    for image, other, mask in zip(first.images, second.images, other_masks, strict=True):
        image[mask] = other[mask]
    store, _, _ = run(first, [Prompt(mask=masks[0])])
    assert not (masks[19] & other_masks[19]).any()
    assert overlap(store.get(19), masks[19]) > 0.75
