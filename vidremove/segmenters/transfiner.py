"""Segmentation by clicks or a box, with Mask Transfiner."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vidremove.errors import InputError
from vidremove.nets.boxes import overlap_of_boxes
from vidremove.nets.transfiner import Transfiner as Network
from vidremove.nets.transfiner import boxes_in_frame, build
from vidremove.tensors import pick_device, pick_precision, to_tensor
from vidremove.types import Prompt
from vidremove.weights import find, load_into, path

_SURE, _LEAST = 0.5, 0.05  # scores of instances that are asked first, and at all
_SAME_BOX = 0.5  # least overlap of an instance's box with the prompt's
_SAME_PLACE = 0.01  # of the longer side: clicks that close are one place, clicked again

Point = tuple[float, float]


@dataclass(slots=True, eq=False)
class Instances:
    """What the network found in one image; masks are made when asked for."""

    image: np.ndarray  # uint8 (H, W, 3), RGB
    levels: dict[str, Tensor]
    boxes: Tensor  # float32 (D, 4), pixels of the resized image, best first
    placed: Tensor  # float32 (D, 4), pixels of the frame, on the CPU
    scores: list[float]
    classes: Tensor  # int64 (D,)
    masks: dict[int, np.ndarray] = field(default_factory=dict)  # bool (H, W), of the frame, by instance


class Transfiner:
    """Ke et al. 2022, Mask Transfiner: the instance at a click. It knows the 80 classes of COCO."""

    reach = 0  # frames wanted on either side
    knows_objects = True  # asked again on a later frame, it finds the same one there

    def __init__(
        self,
        weights: str = "transfiner",
        device: str = "auto",
        precision: str = "float32",
        network: Network | None = None,
        sides: tuple[int, int] = (800, 1333),
    ) -> None:
        """Take published weights by name, or a network that is ready.

        Args:
            weights: a name of `vidremove weights list`.
            device: "auto", "cpu", "cuda", "mps".
            precision: "float32", "bfloat16", "float16".
            network: instead of `weights`.
            sides: pixels; frames are resized to the first on their short side, but at most the second on the long one.
        Raises: PluginError if the weights are not here.
        """
        if network is None:
            path(weights)  # says how to get them, before anything large is built
            network = build(find(weights).variant)
            load_into(network, weights)
        self._device = pick_device(device)
        self._network = network.to(self._device, pick_precision(precision)).eval()
        self._sides = sides
        self._last: Instances | None = None

    def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
        """Make the mask of the instance that a prompt points at.

        Several places that no one instance covers are parts of one object: the masks at each are joined. A second
        click at a place asks for the next best instance there, after the last one comes the first again.

        Args:
            images: uint8 (T, H, W, 3), RGB; only `images[at]` is looked at.
            at: which of them the prompt is for.
            prompt: clicks, not_clicks or box, in pixels of these images.
        Returns: bool (H, W), and a score 0..1: the network's for the instance, the least where several are joined.
        Raises: InputError if the prompt has neither click nor box, or no instance is there.
        """
        if not prompt.clicks and prompt.box is None:
            raise InputError("transfiner needs a click or a box; for words use a segmenter that reads text.")
        with torch.inference_mode():
            found = self._look(images[at])
            if not prompt.clicks:
                return self._at(found, prompt, [], 0)
            places = _places(prompt.clicks, _SAME_PLACE * max(images.shape[1:3]))
            again = max(count for _, count in places) - 1
            points = [point for point, _ in places]
            if len(points) > 1 and next(self._matches(found, prompt, points), None) is None:
                parts = [self._at(found, prompt, [point], count - 1) for point, count in places]
                return np.logical_or.reduce([mask for mask, _ in parts]), min(score for _, score in parts)
            return self._at(found, prompt, points, again)

    def _look(self, image: np.ndarray) -> Instances:
        """All instances of an image; of the image before this one they are remembered."""
        if self._last is not None and np.array_equal(self._last.image, image):
            return self._last
        network, frame = self._network, image.shape[:2]
        pixels = network.preprocess(to_tensor(image), *self._sides).to(self._device)
        size = (pixels.shape[1], pixels.shape[2])
        levels = network.features(pixels)
        probabilities, candidates = network.find(levels, size)
        boxes, scores, classes = network.detections(probabilities, candidates, size, _LEAST)
        placed = boxes_in_frame(boxes, size, (frame[0], frame[1])).cpu()
        self._last = Instances(image.copy(), levels, boxes, placed, scores.tolist(), classes)
        return self._last

    def _at(self, found: Instances, prompt: Prompt, points: list[Point], rank: int) -> tuple[np.ndarray, float]:
        """The instance of this rank among those that match, counted round and round.

        Raises: InputError if none matches.
        """
        matches: list[int] = []
        for index in self._matches(found, prompt, points):
            matches.append(index)
            if len(matches) > rank:
                break
        if not matches:
            place = " and ".join(f"{x:g},{y:g}" for x, y in points) or "the box"
            raise InputError(
                f"no instance of the {self._network.config.classes} known classes at {place} on frame {prompt.frame} "
                f"({len(found.scores)} found elsewhere). The embedded segmenter takes anything: "
                "--set track.segmenter=embedded."
            )
        chosen = matches[rank % len(matches)]
        return self._mask(found, chosen).copy(), found.scores[chosen]

    def _matches(self, found: Instances, prompt: Prompt, points: list[Point]) -> Iterator[int]:
        """Instances that hold all the points and none of the prompt's others, best first.

        With a box those that fill it come first; without points, no others come at all.
        """
        for index in self._order(found, prompt, bool(points)):
            x0, y0, x1, y1 = found.placed[index].tolist()
            if all(x0 <= x + 0.5 <= x1 and y0 <= y + 0.5 <= y1 for x, y in points):
                mask = self._mask(found, index)
                wanted = all(_holds(mask, point) for point in points)
                if wanted and mask.any() and not any(_holds(mask, point) for point in prompt.not_clicks):
                    yield index

    @staticmethod
    def _order(found: Instances, prompt: Prompt, pointed: bool) -> list[int]:
        """Instances in the order they are asked: by overlap with the box, then the sure ones, score and small area."""
        areas = (found.placed[:, 2:] - found.placed[:, :2]).prod(1).tolist()
        overlaps = [0.0] * len(areas)
        if prompt.box is not None and areas:
            overlaps = overlap_of_boxes(found.placed, torch.tensor([prompt.box]).to(found.placed))[:, 0].tolist()
        fits = [overlap >= _SAME_BOX for overlap in overlaps]

        def rank(index: int) -> tuple[bool, bool, float, float, float]:
            score = found.scores[index]
            return not fits[index], score <= _SURE, -overlaps[index] if not pointed else 0.0, -score, areas[index]

        asked = (index for index in range(len(areas)) if fits[index] or (pointed and not any(fits)))
        return sorted(asked, key=rank)

    def _mask(self, found: Instances, index: int) -> np.ndarray:
        if index not in found.masks:
            one = slice(index, index + 1)
            refined = self._network.refine_boxes(found.levels, found.boxes[one], found.classes[one])
            height, width = found.image.shape[:2]
            found.masks[index] = self._network.paste(refined.cpu(), found.placed[one], height, width)[0].numpy()
        return found.masks[index]


def _places(clicks: tuple[Point, ...], reach: float) -> list[tuple[Point, int]]:
    """Places that were clicked, and how often each; a click within `reach` pixels of a place is one there."""
    places: list[tuple[Point, int]] = []
    for x, y in clicks:
        for index, ((px, py), count) in enumerate(places):
            if max(abs(x - px), abs(y - py)) <= reach:
                places[index] = ((px, py), count + 1)
                break
        else:
            places.append(((x, y), 1))
    return places


def _holds(mask: np.ndarray, point: Point) -> bool:
    """Whether the pixel whose centre is nearest to the point is set."""
    x, y = (
        int(np.clip(np.floor(value + 0.5), 0, side - 1)) for value, side in zip(point, mask.shape[::-1], strict=True)
    )
    return bool(mask[y, x])
