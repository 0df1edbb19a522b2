"""Pass 1: from prompts to one mask a frame, carried forwards and backwards from every keyframe and merged between."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from vidremove.config import Config
from vidremove.errors import InputError
from vidremove.masks import MaskStore
from vidremove.stages.keyframes import Segmenter, combine_prompts, phrases_elsewhere
from vidremove.stages.objects import ObjectStores
from vidremove.stages.observe import Flow
from vidremove.stages.shots import list_shots
from vidremove.stages.spans import keys_by_object, spans_of
from vidremove.stages.tracker import Source, Tracker, TrackReport, Watcher
from vidremove.types import Frame, Prompt, Shot


def track_objects(
    source: Source,
    prompts: Sequence[Prompt],
    segmenter: Segmenter,
    flow: Flow,
    store: MaskStore,
    config: Config,
    on_frame: Callable[[int], None],
    watcher: Watcher | None = None,
) -> TrackReport:
    """Make the masks of all objects and put their union into the store, with the lowest confidence of them.

    A prompt speaks for its own shot: nothing is carried across a cut; but a phrase is looked for at the start of every
    other shot by a segmenter that knows objects, which is also asked again on later frames, see resegment.py. A lost
    object is looked for in the rest of its shot, see recover.py. Memory is bounded whatever the length.

    Args:
        source: frames in both directions.
        prompts: of one or more objects, on any frames.
        segmenter: makes the mask of a prompt, see segmenters/embedded.py.
        flow: see flows/dis.py.
        store: one mask a frame of the source; frames outside the prompted shots stay empty.
        on_frame: called with the index of each frame that was carried to, once a direction; it may raise to stop.
        watcher: told of the rest.
    Raises: InputError if there is no prompt, or one is past the end.
    """
    info = source.info
    with tempfile.TemporaryDirectory(prefix="vidremove-") as folder:
        with ObjectStores(Path(folder), info.frames, info.size) as stores:
            report = track_apart(source, prompts, segmenter, flow, stores, config, on_frame, watcher)
            for index in range(len(store)):
                united = stores.united(index)
                if united is not None:
                    store.put(index, *united)
                if watcher is not None:
                    watcher.join(index)
        return report


def track_apart(
    source: Source,
    prompts: Sequence[Prompt],
    segmenter: Segmenter,
    flow: Flow,
    stores: ObjectStores,
    config: Config,
    on_frame: Callable[[int], None],
    watcher: Watcher | None = None,
) -> TrackReport:
    """Make the masks of all objects, each in its own store; all else as in `track_objects`."""
    joined = _joined(source, prompts)
    found = list_shots(_told(source.frames(), watcher), config.shots) if source.info.frames > 1 else [Shot(0, 0, 1)]
    run = Tracker(source, segmenter, flow, stores, config, on_frame, watcher)
    parted = [(shot, [prompt for prompt in joined if shot.start <= prompt.frame < shot.stop]) for shot in found]
    for shot, here in parted:
        run.plan(span for span, _ in spans_of(shot, keys_by_object(here)))
    for shot, here in parted:
        run.shot(shot, here, phrases_elsewhere(joined, shot))
    return run.report(found)


def correct_apart(
    source: Source,
    prompts: Sequence[Prompt],
    segmenter: Segmenter,
    flow: Flow,
    stores: ObjectStores,
    shots: Sequence[Shot],
    keyed: Mapping[str, Sequence[int]],
    config: Config,
    on_frame: Callable[[int], None],
    watcher: Watcher | None = None,
) -> TrackReport:
    """Add keyframes to what was tracked before, or replace some; carry only between each and its neighbours.

    The masks are those that `track_apart` would make of all prompts, old and new, if they name the same first keyframe
    of each shot; those outside the stretches from the keyframe before to the keyframe after are not touched. A new
    object is tracked in its shot, and looked for in the others if a phrase names it.

    Args:
        prompts: what is new.
        stores: the masks so far, of every object that is prompted and was tracked before.
        shots: of the source, as they were found then.
        keyed: frames of all keyframes so far, by object, those of the objects that are not prompted among them.
    Returns: what is new: keys, and notes on the objects in the shots that were prompted.
    Raises: InputError as `track_objects`.
    """
    joined = _joined(source, prompts)
    run = Tracker(source, segmenter, flow, stores, config, on_frame, watcher)
    new = [prompt for prompt in joined if prompt.object not in keyed]
    parted = [(shot, [prompt for prompt in joined if shot.start <= prompt.frame < shot.stop]) for shot in shots]
    for shot, here in parted:
        run.plan(span for span, _ in run.between(shot, keys_by_object(here), keyed))
    for shot, here in parted:
        run.correct(shot, here, phrases_elsewhere(new, shot), keyed)
    return run.report(shots)


def _joined(source: Source, prompts: Sequence[Prompt]) -> list[Prompt]:
    """One prompt for each object and frame. Raises: InputError if there is none, or one is past the end."""
    frames, joined = source.info.frames, combine_prompts(prompts)
    if not joined:
        raise InputError("nothing to track: give a click, a box or a mask.")
    for prompt in joined:
        if not 0 <= prompt.frame < frames:
            raise InputError(f"the prompt on frame {prompt.frame} is past the end: the source has {frames} frames.")
    return joined


def _told(frames: Iterable[Frame], watcher: Watcher | None) -> Iterator[Frame]:
    for frame in frames:
        if watcher is not None:
            watcher.look(frame.index)
        yield frame
