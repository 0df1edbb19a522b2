"""Mask Transfiner: instance segmentation with refined masks. Inference only, with the published state-dict keys.

Source: Ke et al. 2022, "Mask Transfiner for High-Quality Instance Segmentation", CVPR; He et al. 2017, "Mask R-CNN",
ICCV. Boxes are (x0, y0, x1, y1) in pixels of the resized image, corners.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vidremove.nets.boxes import clip_boxes, decode_boxes, not_empty, suppress_within
from vidremove.nets.fpn import Fpn, ProposalGenerator
from vidremove.nets.pixels import resize_pixels
from vidremove.nets.refiner import EncoderConfig, MaskHead, MaskPooler, Refiner
from vidremove.nets.resnet import ResNet, ResNetConfig
from vidremove.nets.roi import levels_of_boxes, pyramid_align
from vidremove.nets.swin import Swin, SwinConfig

_BOX_BINS = 7
_BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
_OVERLAP = 0.5
_MULTIPLE = 32


@dataclass(frozen=True, slots=True)
class TransfinerConfig:
    """Size of the network; the defaults are the published R50-FPN."""

    backbone: ResNetConfig | SwinConfig = field(default_factory=ResNetConfig)
    mean: tuple[float, float, float] = (103.530, 116.280, 123.675)  # BGR, grey levels
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    classes: int = 80
    channels: int = 256  # of the pyramid
    box_width: int = 1024  # of the two layers that classify boxes
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    proposals: int = 1000  # boxes that are classified
    detections: int = 100  # instances that are returned
    refined: int = 10  # of them the best, whose masks are refined


_R50 = TransfinerConfig()
# The published files were trained with this mean and deviation, meant for RGB, on BGR.
_SWIN = TransfinerConfig(SwinConfig(), (123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
VARIANTS = {
    "r50": _R50,
    "r50_deform": replace(_R50, backbone=ResNetConfig(deformable=True)),
    "r101": replace(_R50, backbone=ResNetConfig((3, 4, 23, 3))),
    "r101_deform": replace(_R50, backbone=ResNetConfig((3, 4, 23, 3), deformable=True)),
    "swin_t": _SWIN,
    "swin_b": replace(_SWIN, backbone=SwinConfig(128, (2, 2, 18, 2), (4, 8, 16, 32))),
}
"""The published networks by name."""


class BoxHead(nn.Module):
    """Two layers on the features of a box."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels * _BOX_BINS**2, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, pooled: Tensor) -> Tensor:
        """(R, C, 7, 7) to (R, width)."""
        return F.relu_(self.fc2(F.relu_(self.fc1(pooled.flatten(1)))))


class BoxPredictor(nn.Module):
    """Class and place of a box."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(width, classes + 1)
        self.bbox_pred = nn.Linear(width, 4 * classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(R, width) to probabilities (R, classes + 1), background last, and deltas (R, 4 classes)."""
        return self.cls_score(x).float().softmax(1), self.bbox_pred(x).float()


class RoiHeads(nn.Module):
    """What is done box by box."""

    def __init__(self, config: TransfinerConfig) -> None:
        super().__init__()
        self.box_head = BoxHead(config.channels, config.box_width)
        self.box_predictor = BoxPredictor(config.box_width, config.classes)
        self.mask_pooler = MaskPooler(config.channels)
        self.mask_head = MaskHead(config.channels, config.classes, config.encoder)


class Transfiner(nn.Module):
    """The network, stage by stage: `features`, `rpn`, `proposals`, `classify`, `detections`, `refine`, `paste`."""

    def __init__(self, config: TransfinerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or TransfinerConfig()
        backbone = config.backbone
        bottom_up = ResNet(backbone) if isinstance(backbone, ResNetConfig) else Swin(backbone)
        self.backbone = Fpn(bottom_up, backbone.widths, config.channels)
        self.proposal_generator = ProposalGenerator(config.channels, config.proposals)
        self.roi_heads = RoiHeads(config)

    def preprocess(self, frame: Tensor, short_edge: int = 800, max_size: int = 1333) -> Tensor:
        """Resize so that the short side has `short_edge` pixels, or the long side `max_size` if it would have more.

        Args:
            frame: uint8 (H, W, 3), RGB.
            short_edge: pixels.
            max_size: pixels.
        Returns: float32 (3, h, w), BGR, 0 to 255.
        """
        short, long = sorted(frame.shape[:2])
        scale = short_edge / short
        if scale * long > max_size:
            scale *= max_size / (scale * long)
        height, width = (int(side * scale + 0.5) for side in frame.shape[:2])
        return resize_pixels(frame, (height, width))[0].flip(0).float()

    def features(self, image: Tensor) -> dict[str, Tensor]:
        """Levels of the pyramid.

        Args:
            image: float32 (3, h, w), BGR, 0 to 255, resized.
        Returns: {"p2": float32 (1, C, H / 4, W / 4), ..., "p6"}, with h and w padded to multiples of 32.
        """
        mean, std = (image.new_tensor(values)[:, None, None] for values in (self.config.mean, self.config.std))
        height, width = image.shape[-2:]
        padded = F.pad((image - mean) / std, (0, -width % _MULTIPLE, 0, -height % _MULTIPLE))
        levels: dict[str, Tensor] = self.backbone(padded[None].to(self.dtype))
        return levels

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return self.roi_heads.box_head.fc1.weight.dtype

    def rpn(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N,) and deltas (N, 4) of all anchors of an image (3, h, w), see `ProposalGenerator`."""
        logits, deltas = self.proposal_generator(list(self.features(image).values()))
        return logits, deltas

    def proposals(
        self, logits: Tensor, deltas: Tensor, grids: Sequence[Sequence[int]], size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Boxes (K, 4) that may hold an object, and their logits (K,), see `ProposalGenerator.proposals`."""
        return self.proposal_generator.proposals(logits, deltas, grids, size)

    def classify(self, image: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """What boxes of an image hold.

        Args:
            image: float32 (3, h, w), as for `features`.
            boxes: float32 (R, 4).
        Returns: probabilities float32 (R, classes + 1), background last; boxes float32 (R, 4 classes), one a class.
        """
        return self._classify(self.features(image), boxes)

    def _classify(self, levels: dict[str, Tensor], boxes: Tensor) -> tuple[Tensor, Tensor]:
        maps = [levels[f"p{level}"][0].permute(1, 2, 0).contiguous() for level in (2, 3, 4, 5)]
        pooled = pyramid_align(maps, boxes, levels_of_boxes(boxes), _BOX_BINS)
        heads = self.roi_heads
        probabilities, deltas = heads.box_predictor(heads.box_head(pooled.permute(0, 3, 1, 2)))
        return probabilities, decode_boxes(deltas, boxes, _BOX_WEIGHTS)

    def detections(
        self, probabilities: Tensor, boxes: Tensor, size: tuple[int, int], threshold: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Instances among classified boxes, best first.

        Args:
            probabilities: float32 (R, classes + 1) and
            boxes: float32 (R, 4 classes), as `classify` returns them.
            size: (height, width) of the image.
            threshold: probability that must be exceeded.
        Returns: boxes float32 (D, 4), scores float32 (D,), classes int64 (D,).
        """
        number, label = (probabilities[:, :-1] > threshold).nonzero(as_tuple=True)
        found = clip_boxes(boxes.reshape(len(boxes), -1, 4)[number, label], size)
        scores = probabilities[number, label]
        kept = suppress_within(found, scores, label, _OVERLAP)[: self.config.detections]
        return found[kept], scores[kept], label[kept]

    def refine(self, image: Tensor, boxes: Tensor, classes: Tensor, smooth: bool = False) -> Tensor:
        """Masks of instances, each in its box.

        Args:
            image: float32 (3, h, w), as for `features`.
            boxes: float32 (D, 4), best first: only the first ten are refined.
            classes: int64 (D,).
            smooth: soften the edges, as the authors' demo does.
        Returns: float32 (D, 112, 112), probabilities.
        """
        return self.refine_boxes(self.features(image), boxes, classes, smooth)

    def refine_boxes(self, levels: dict[str, Tensor], boxes: Tensor, classes: Tensor, smooth: bool = False) -> Tensor:
        """As `refine`, with what `features` returned."""
        refiner = Refiner(self.roi_heads.mask_pooler, self.roi_heads.mask_head, self.config.refined)
        return refiner(levels, boxes, classes, smooth)

    def find(self, levels: dict[str, Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """What `classify` returns for the image's own proposals; `levels` are of `features`, `size` of the image."""
        maps = list(levels.values())
        logits, deltas = self.proposal_generator(maps)
        grids = [(level.shape[2], level.shape[3]) for level in maps]
        proposals, _ = self.proposals(logits.float(), deltas.float(), grids, size)
        return self._classify(levels, proposals)

    def paste(self, masks: Tensor, boxes: Tensor, height: int, width: int) -> Tensor:
        """Masks in the frame.

        Args:
            masks: float32 (D, n, n), probabilities.
            boxes: float32 (D, 4), pixels of the frame.
            height: of the frame.
            width: of the frame.
        Returns: bool (D, height, width), probability of at least one half.
        Source: Mask R-CNN, section 3.1, "Inference".
        """
        pasted = torch.zeros(len(masks), height, width, dtype=torch.bool, device=masks.device)
        edges = torch.cat([boxes[:, :2].floor() - 1, boxes[:, 2:].ceil() + 1], 1).long().clamp(min=0)
        for index, (x0, y0, x1, y1) in enumerate(edges.tolist()):
            x1, y1 = min(x1, width), min(y1, height)
            if x0 < x1 and y0 < y1:
                x = _across(boxes[index, 0], boxes[index, 2], x0, x1)
                y = _across(boxes[index, 1], boxes[index, 3], y0, y1)
                grid = torch.stack([x.expand(len(y), -1), y[:, None].expand(-1, len(x))], -1)
                inside = F.grid_sample(masks[index, None, None].float(), grid[None], align_corners=False)
                pasted[index, y0:y1, x0:x1] = inside[0, 0] >= 0.5
        return pasted

    def forward(
        self, image: Tensor, height: int, width: int, threshold: float = 0.5, smooth: bool = False
    ) -> dict[str, Tensor]:
        """All instances of an image.

        Args:
            image: float32 (3, h, w), as for `features`.
            height: of the frame that the result is for.
            width: of the frame.
            threshold: probability that must be exceeded.
            smooth: as for `refine`.
        Returns: "boxes" float32 (D, 4) in the frame, "scores" float32 (D,), "classes" int64 (D,), "masks" bool
        (D, height, width) and "probabilities" float32 (D, 112, 112), best first.
        """
        size = (image.shape[1], image.shape[2])
        levels = self.features(image)
        boxes, scores, classes = self.detections(*self.find(levels, size), size, threshold)
        masks = self.refine_boxes(levels, boxes, classes, smooth)
        boxes = boxes_in_frame(boxes, size, (height, width))
        sound = not_empty(boxes)
        return {
            "boxes": boxes[sound],
            "scores": scores[sound],
            "classes": classes[sound],
            "masks": self.paste(masks[sound], boxes[sound], height, width),
            "probabilities": masks[sound],
        }


def boxes_in_frame(boxes: Tensor, size: tuple[int, int], frame: tuple[int, int]) -> Tensor:
    """Boxes (D, 4) of an image of `size`, scaled to a frame of another (height, width) and cut to it."""
    y, x = frame[0] / size[0], frame[1] / size[1]
    return clip_boxes(boxes * boxes.new_tensor([x, y, x, y]), frame)


def _across(low: Tensor, high: Tensor, start: int, stop: int) -> Tensor:
    """Where the pixels [start, stop) lie in a box, from -1 at `low` to 1 at `high`."""
    pixels = torch.arange(start, stop, device=low.device) + 0.5
    return (pixels - low) / (high - low) * 2 - 1


def build(config: TransfinerConfig | str = "r50") -> Transfiner:
    """The network with random weights, for evaluation: a variant by name, or a size of one's own."""
    return Transfiner(VARIANTS[config] if isinstance(config, str) else config).eval()
