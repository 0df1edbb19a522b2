"""What `remove` writes beside its result: the masks, and the fill as a layer."""

from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from vidremove.errors import OutputError
from vidremove.job import Job, PathLike
from vidremove.masks import MaskStore
from vidremove.media import LayerSink, MaskSink
from vidremove.stages.blend import fill_weight
from vidremove.types import Frame


@dataclass(frozen=True, slots=True)
class Aside:
    """The folders that were asked for."""

    masks: MaskSink | None
    layer: LayerSink | None

    def write(self, frame: Frame, job: Job, store: MaskStore) -> None:
        """Write what belongs to one frame of the result."""
        if self.masks is not None:
            self.masks.write(frame.index, store.get(frame.index))
        if self.layer is not None:
            weight = None if frame.mask is None else fill_weight(frame.mask, job.config.fill)
            self.layer.write(frame, weight)


def open_aside(
    stack: ExitStack, job: Job, target: Path, masks: PathLike | None, layer: PathLike | None, *, overwrite: bool
) -> Aside:
    """Make ready to write; the folders appear when the stack is left without an error.

    Raises: OutputError where one lies in another, or cannot be written.
    """
    if layer is not None and job.config.fill.inpainter == "both":
        raise OutputError(f"{layer}: a layer shows one fill; choose the better one with --fill and run again.")
    named = [("result", target), ("masks", masks), ("layer", layer)]
    for (name, one), (other_name, other) in combinations(named, 2):
        if one is not None and other is not None:
            _keep_apart(Path(one), Path(other), f"{other_name} and {name}")
    source = job.source
    return Aside(
        None if masks is None else stack.enter_context(MaskSink(masks, source, overwrite=overwrite)),
        None if layer is None else stack.enter_context(LayerSink(layer, source, overwrite=overwrite)),
    )


def _keep_apart(one: Path, other: Path, what: str) -> None:
    real, beside = one.resolve(), other.resolve()
    if real.is_relative_to(beside) or beside.is_relative_to(real):
        raise OutputError(f"{other}: {what} need places of their own; {one} is the same or inside.")
