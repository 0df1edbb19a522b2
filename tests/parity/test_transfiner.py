import math
from dataclasses import replace

import pytest
import torch

from tests.parity.reference import Reference
from vidremove.nets.refiner import EncoderConfig, MaskPooler, position_code, uncertain_points
from vidremove.nets.resnet import ResNetConfig
from vidremove.nets.swin import SwinConfig
from vidremove.nets.transfiner import (
    VARIANTS,
    Transfiner,
    TransfinerConfig,
    boxes_in_frame,
    build,
)

TINY = TransfinerConfig(
    backbone=ResNetConfig((1, 1, 1, 1), width=4),
    classes=3,
    channels=8,
    box_width=16,
    encoder=EncoderConfig(layers=1, heads=2, hidden=16),
    proposals=40,
    detections=6,
    refined=2,
)
BACKBONES = [
    ResNetConfig((1, 2, 1, 1), width=4),
    ResNetConfig((1, 1, 1, 1), width=4, deformable=True),
    SwinConfig(8, (1, 2, 1, 1), (1, 2, 2, 4), 3),
]
QUICK = ["preprocess_64", "preprocess_160", "features", "rpn", "proposals", "classify", "detections", "paste"]
SLOW = ["refine", "refine_smooth", "forward"]


@pytest.fixture(scope="module")
def reference():
    return Reference("transfiner", build)


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return build(TINY)


def test_keys_of_the_state_are_the_published_ones(reference):
    assert reference.problems == []


@pytest.mark.parametrize("golden", QUICK + [pytest.param(name, marks=pytest.mark.slow) for name in SLOW])
def test_outputs_equal_the_reference(reference, golden):
    entry = next(entry for entry in reference.manifest["goldens"] if entry["name"] == golden)
    allowed = {spec["name"]: spec.get("tolerance", 1e-4) for spec in entry["outputs"]}
    worst = reference.worst(golden)
    assert all(value <= allowed[name] for name, value in worst.items()), worst


@pytest.mark.parametrize(
    ("name", "entries", "mebibytes"),
    [
        ("r50", 375, 203.25),
        ("r50_deform", 401, 205.47),
        ("r101", 630, 275.90),
        ("r101_deform", 690, 280.81),
        ("swin_t", 299, 216.23),
        ("swin_b", 467, 442.84),
    ],
)
def test_published_sizes(name, entries, mebibytes):
    with torch.device("meta"):
        state = Transfiner(VARIANTS[name]).state_dict()
    assert len(state) == entries
    assert sum(v.numel() * v.element_size() for v in state.values()) / 2**20 == pytest.approx(mebibytes, abs=0.006)


def test_strict_load_needs_every_key(tiny):
    state = tiny.state_dict()
    build(TINY).load_state_dict(state, strict=True)
    del state["backbone.fpn_lateral2.bias"]
    with pytest.raises(RuntimeError, match="fpn_lateral2"):
        build(TINY).load_state_dict(state, strict=True)


@pytest.mark.parametrize("backbone", BACKBONES)
@torch.no_grad()
def test_tiny_network_from_frame_to_masks(backbone):
    torch.manual_seed(0)
    model = build(replace(TINY, backbone=backbone))
    frame = torch.randint(0, 256, (60, 90, 3), dtype=torch.uint8)
    image = model.preprocess(frame, 96, 128)
    assert image.shape == (3, 85, 128)
    assert image[:, 0, 0].tolist() != frame[0, 0].tolist()
    levels = model.features(image)
    assert {name: tuple(level.shape[2:]) for name, level in levels.items()} == {
        "p2": (24, 32),
        "p3": (12, 16),
        "p4": (6, 8),
        "p5": (3, 4),
        "p6": (2, 2),
    }
    found = model(image, 60, 90, threshold=0.05)
    count = len(found["scores"])
    assert 0 < count <= 6
    assert found["masks"].shape == (count, 60, 90)
    assert found["probabilities"].shape == (count, 112, 112)
    assert (found["scores"].diff() <= 0).all()
    assert (found["boxes"] >= 0).all()
    assert (found["boxes"][:, 2:] <= torch.tensor([90, 60])).all()


@torch.no_grad()
def test_an_image_without_instances(tiny):
    found = tiny(torch.rand(3, 64, 64) * 255, 64, 64, threshold=1.0)
    assert {name: len(value) for name, value in found.items()} == dict.fromkeys(found, 0)


@torch.no_grad()
def test_only_the_best_are_refined(tiny):
    torch.manual_seed(1)
    image = torch.rand(3, 64, 96) * 255
    boxes = torch.tensor([[4.0, 6.0, 40.0, 50.0], [20.0, 10.0, 90.0, 60.0], [50.0, 5.0, 80.0, 30.0]])
    classes = torch.tensor([0, 2, 1])
    masks = tiny.refine(image, boxes, classes)
    torch.testing.assert_close(masks[:1], tiny.refine(image, boxes[:1], classes[:1]))
    alone = tiny.refine(image, boxes[2:], classes[2:])  # now it is among the first
    assert (masks[2] - alone[0]).abs().max() > 1e-3
    smooth = tiny.refine(image, boxes, classes, smooth=True)
    assert torch.equal(smooth[2], masks[2])
    assert not torch.equal(smooth[:2], masks[:2])


@torch.no_grad()
def test_sharpening_a_part_equals_sharpening_all():
    torch.manual_seed(0)
    pooler, p2 = MaskPooler(4), torch.randn(1, 4, 40, 50)
    whole = p2 + pooler.conv_norm_relus_semantic(p2)
    part = pooler(p2, torch.tensor([[60.0, 50.0, 100.0, 90.0], [80.0, 60.0, 120.0, 80.0]]))
    torch.testing.assert_close(part[..., 11:24, 14:31], whole[..., 11:24, 14:31])  # the boxes and two cells round them
    assert torch.equal(part[..., :, 40:], p2[..., :, 40:])


def test_uncertain_points_overlap_and_widen():
    uncertainty = torch.zeros(1, 28, 28)
    uncertainty[0, 3, 5], uncertainty[0, 9, 9] = 0.9, 0.2
    coarse, middle, fine = uncertain_points(uncertainty, smooth=False)
    assert [int(grid.sum()) for grid in (coarse, middle, fine)] == [2, 8, 16]
    assert fine[0, 12:16, 20:24].all()
    *_, widened = uncertain_points(uncertainty, smooth=True)
    assert int(widened.sum()) == 36
    assert widened[0, 11:17, 19:25].all()


def test_position_code_has_rows_first():
    code = position_code(torch.tensor([6]), torch.tensor([13]), 28, 8)
    row, column = math.pi / 2, math.pi  # (6 + 1) / 28 and (13 + 1) / 28 of a turn
    expected = [math.sin(row), math.cos(row), math.sin(row / 100), math.cos(row / 100)]
    expected += [math.sin(column), math.cos(column), math.sin(column / 100), math.cos(column / 100)]
    torch.testing.assert_close(code, torch.tensor([expected]), atol=1e-5, rtol=0.0)


def test_masks_are_pasted_where_their_box_lies(tiny):
    masks = torch.zeros(3, 112, 112)
    masks[0] = 1.0
    masks[1, :, 56:] = 1.0
    boxes = torch.tensor([[2.0, 3.0, 6.0, 5.0], [0.0, 0.0, 8.0, 4.0], [4.0, 4.0, 6.0, 6.0]])
    pasted = tiny.paste(masks, boxes, 6, 10)
    assert pasted[0].nonzero().tolist() == [[y, x] for y in (3, 4) for x in (2, 3, 4, 5)]
    assert pasted[1].nonzero().tolist() == [[y, x] for y in range(4) for x in (4, 5, 6, 7)]
    assert not pasted[2].any()


def test_boxes_scale_to_the_frame_and_are_cut():
    boxes = torch.tensor([[10.0, 10.0, 210.0, 90.0]])
    assert boxes_in_frame(boxes, (100, 200), (50, 400)).tolist() == [[20.0, 5.0, 400.0, 45.0]]
