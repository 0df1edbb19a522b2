from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.scenes import frames as draw_frames
from vidremove.errors import InputError
from vidremove.finding import Finder
from vidremove.media.source import open_source
from vidremove.media.write import write_clip
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.keyframes import segment_keyframe
from vidremove.stages.observe import observe, observe_one
from vidremove.stages.shots import list_shots
from vidremove.types import Frame, MediaInfo, Prompt

CUT = 9


class Counted:
    """A source that counts the frames that are read."""

    def __init__(self, path: Path) -> None:
        self._source = open_source(path)
        self.read = 0

    @property
    def info(self) -> MediaInfo:
        return self._source.info

    def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for frame in self._source.frames(start, stop):
            self.read += 1
            yield frame


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two shots, larger than the segmenter makes use of."""
    path = tmp_path_factory.mktemp("finding") / "clip.mp4"
    images = [image for image, _ in draw_frames(20, 300, 640)]
    images[CUT:] = [255 - np.roll(image[::-1], 200, axis=1) for image in images[CUT:]]
    write_clip(path, images, Fraction(25))
    return path


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt(12, clicks=((300.0, 150.0),)),
        Prompt(4, clicks=((330.0, 170.0), (300.0, 150.0)), not_clicks=((10.0, 10.0),)),
        Prompt(CUT, box=(200.0, 60.0, 420.0, 260.0)),
        Prompt(0, clicks=((330.0, 170.0),)),
    ],
)
def test_it_finds_what_a_run_starts_from(clip: Path, prompt: Prompt) -> None:
    source = open_source(clip)
    shots = list_shots(source.frames())
    assert [shot.start for shot in shots] == [0, CUT]
    shot = next(shot for shot in shots if shot.start <= prompt.frame < shot.stop)
    of_run = segment_keyframe(source, prompt, Embedded(), shot.start, shot.stop)
    mask, score = Finder(source).find(prompt)
    assert np.array_equal(mask, of_run.mask)
    assert score == of_run.score


def test_a_second_prompt_reads_nothing_again(clip: Path) -> None:
    source = Counted(clip)
    finder = Finder(source)
    finder.prepare(4)
    read = source.read
    assert read
    for x in (300.0, 310.0):
        finder.find(Prompt(4, clicks=((x, 150.0),)))
    assert source.read == read


def test_what_is_not_wanted_any_more_is_given_up(clip: Path) -> None:
    source = Counted(clip)
    finder = Finder(source)
    finder.prepare(4, lambda: False)
    assert source.read < 20
    assert finder.find(Prompt(4, clicks=((330.0, 170.0),)))[0].any()


def test_few_frames_are_kept(clip: Path) -> None:
    source = Counted(clip)
    finder = Finder(source)
    for frame in range(8):
        finder.prepare(frame)
    read = source.read
    finder.prepare(7)
    assert source.read == read
    finder.prepare(0)
    assert source.read > read


def test_a_mask_alone_is_taken_as_it_is(clip: Path) -> None:
    mask = np.zeros((300, 640), np.bool_)
    mask[3, 5] = True
    assert Finder(open_source(clip)).find(Prompt(2, mask=mask)) == (mask, 1.0)


@pytest.mark.parametrize("prompt", [Prompt(3), Prompt(20, clicks=((1, 1),)), Prompt(1, clicks=((640, 1),))])
def test_a_prompt_that_is_none_is_refused(clip: Path, prompt: Prompt) -> None:
    with pytest.raises(InputError):
        Finder(open_source(clip)).find(prompt)


@pytest.mark.parametrize("at", [0, 5, 11])
def test_one_observation_is_that_of_all(clip: Path, at: int) -> None:
    frames = list(open_source(clip).frames(0, CUT))[:12]
    at = min(at, len(frames) - 1)
    flow = Embedded()._flow
    one = observe_one(frames, at, flow, 20_000)
    other = next(seen for seen in observe(frames, flow, 20_000, 30) if seen.frame.index == at)
    box = (0, *one.image.shape[:1], 0, one.image.shape[1])
    assert np.array_equal(one.difference(box), other.difference(box))
    assert np.array_equal(one.residual(box), other.residual(box))
    assert len(one.neighbours) == len(other.neighbours)
