"""The segmenters with a network, on tiny random weights; the networks themselves are held to account in parity/."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vidremove.errors import InputError, PluginError
from vidremove.nets.lavt import LavtConfig, LavtOne, TextConfig
from vidremove.nets.refiner import EncoderConfig
from vidremove.nets.resnet import ResNetConfig
from vidremove.nets.swin import SwinConfig
from vidremove.nets.transfiner import Transfiner as TransfinerNet
from vidremove.nets.transfiner import TransfinerConfig
from vidremove.phrases import one_prompt_a_phrase, split_phrases
from vidremove.registry import load_plugin
from vidremove.segmenters.lavt import Lavt, Tokenizer
from vidremove.segmenters.transfiner import Transfiner
from vidremove.types import Prompt

torch.set_num_threads(1)

EXPRESSIONS = Path(__file__).resolve().parents[3] / "shared" / "parity" / "lavt" / "tokens.json"
LAVT = LavtConfig(
    size=96,
    vision=SwinConfig(channels=8, depths=(1, 2, 1, 1), heads=(1, 2, 2, 4), window=3),
    text=TextConfig(width=16, layers=1, heads=2, hidden=32),
    decoder=8,
)
TRANSFINER = TransfinerConfig(
    backbone=ResNetConfig((1, 1, 1, 1), width=4),
    classes=3,
    channels=8,
    box_width=16,
    encoder=EncoderConfig(layers=1, heads=2, hidden=16),
    proposals=40,
    detections=6,
)
SIDES = (96, 160)


def frames(count: int = 1, size: tuple[int, int] = (60, 90)) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *size, 3), dtype=np.uint8)


@pytest.fixture
def lavt_net():
    """Random weights that say object of about one half of the first frame."""
    torch.manual_seed(0)
    network, ids = LavtOne(LAVT).eval(), torch.tensor([[101, 1037, 3899, 102]])
    with torch.no_grad():
        logits = network(network.preprocess(torch.from_numpy(frames()[0])), ids, torch.ones_like(ids))
        network.classifier.conv1_1.bias[1] -= (logits[:, 1] - logits[:, 0]).median()
    return network


def lean(network: LavtOne, logit: float) -> LavtOne:
    """Make the network say object (above zero) or background everywhere."""
    torch.nn.init.constant_(network.classifier.conv1_1.weight, 0.0)
    with torch.no_grad():
        network.classifier.conv1_1.bias.copy_(torch.tensor([0.0, logit]))
    return network


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_lavt_keeps_to_the_contract(lavt_net, precision):
    images = frames(3)
    images.setflags(write=False)
    segmenter = Lavt(network=lavt_net, device="cpu", precision=precision)
    mask, score = segmenter(images, 1, Prompt(text="the red car"))
    assert mask.shape == (60, 90)
    assert mask.dtype == np.bool_
    assert 0.5 < score <= 1.0
    again, same = segmenter(images[1:2], 0, Prompt(text="the red car"))
    assert np.array_equal(mask, again)
    assert score == same


def test_lavt_reads_the_phrase_and_the_frame(lavt_net):
    segmenter, images = Lavt(network=lavt_net, device="cpu"), frames(2)
    asked = [segmenter(images, at, Prompt(text=text)) for at, text in ((0, "a dog"), (0, "two cats"), (1, "a dog"))]
    assert len({score for _, score in asked}) == 3
    assert not np.array_equal(asked[0][0], asked[2][0])
    either, _ = segmenter(images, 0, Prompt(text="a dog; two cats"))
    assert np.array_equal(either, asked[0][0] | asked[1][0])


def test_lavt_scales_its_mask_to_the_nearest_pixel(lavt_net):
    segmenter = Lavt(network=lavt_net, device="cpu")
    image = frames(size=(96, 96))  # as the network sees it
    mask, _ = segmenter(image, 0, Prompt(text="a dog"))
    twice = image.repeat(2, 1).repeat(2, 2)  # the triangle filter makes the same picture of it, nearly
    large, _ = segmenter(twice, 0, Prompt(text="a dog"))
    assert np.array_equal(large, large[::2, ::2].repeat(2, 0).repeat(2, 1))
    assert mask.shape == large[::2, ::2].shape


def test_lavt_says_how_certain_it_is(lavt_net):
    mask, score = Lavt(network=lean(lavt_net, 2.0), device="cpu")(frames(), 0, Prompt(text="a dog"))
    assert mask.all()
    assert score == pytest.approx(1 / (1 + np.exp(-2.0)), abs=1e-4)


def test_lavt_refuses_what_it_cannot_do(lavt_net):
    segmenter = Lavt(network=lean(lavt_net, -1.0), device="cpu")
    with pytest.raises(InputError, match=r"nothing matches 'a dog' on frame 7 \(best probability 0.27, needed 0.50\)"):
        segmenter(frames(), 0, Prompt(frame=7, text="a dog"))
    with pytest.raises(InputError, match="needs a phrase"):
        segmenter(frames(), 0, Prompt(clicks=((3, 4),)))
    with pytest.raises(InputError, match="needs a phrase"):
        segmenter(frames(), 0, Prompt(text="  ; "))
    with pytest.raises(InputError, match=r"has 19 tokens .* at most 18"):
        segmenter(frames(), 0, Prompt(text="a b c d e f g h i j k l m n o p q r s"))


def test_the_longest_phrase_is_read(lavt_net):
    segmenter = Lavt(network=lean(lavt_net, 1.0), device="cpu")
    assert segmenter(frames(), 0, Prompt(text="a b c d e f g h i j k l m n o p q r"))[0].all()


def test_tokens():
    tokenizer = Tokenizer()
    assert tokenizer("Woman holding an umbrella, on the left!") == [
        101, 2450, 3173, 2019, 12977, 1010, 2006, 1996, 2187, 999, 102,
    ]  # fmt: skip
    assert tokenizer("unaffable grey-ish couch") == [101, 14477, 20961, 3468, 4462, 1011, 2003, 2232, 6411, 102]
    assert tokenizer("café owner in a naïve pose") == [101, 7668, 3954, 1999, 1037, 15743, 13382, 102]


def test_tokens_of_all_reference_expressions():
    if not EXPRESSIONS.exists():
        pytest.skip("needs the parity files beside the checkout")
    tokenizer = Tokenizer()
    for expression, ids in json.loads(EXPRESSIONS.read_text()):
        assert tokenizer(expression)[:20] == ids, expression


def test_several_phrases_are_several_objects():
    assert split_phrases(" a dog;the  red\tcar ;; a dog\n") == ["a dog", "the red car"]
    plain, many = Prompt(clicks=((1, 2),)), Prompt(frame=4, object="x", text="a dog; the red car")
    parted = one_prompt_a_phrase([plain, many, replace(many, text="a dog;")])
    assert [(prompt.object, prompt.text, prompt.frame) for prompt in parted] == [
        ("object", None, 0),
        ("a dog", "a dog", 4),
        ("the red car", "the red car", 4),
        ("x", "a dog;", 4),
    ]


class Scene(TransfinerNet):
    """A network that finds what it is told to: boxes in pixels of the frame, each filled by its mask but for a rim."""

    def __init__(self, *instances: tuple[tuple[float, float, float, float], float]) -> None:
        super().__init__(TRANSFINER)
        self.instances, self.looks, self.refinements = instances, 0, 0

    def find(self, levels, size):
        self.looks += 1
        scale = torch.tensor([size[1] / 90, size[0] / 60] * 2)
        boxes = torch.tensor([box for box, _ in self.instances]).reshape(-1, 4) * scale
        return torch.tensor([score for _, score in self.instances]), boxes

    def detections(self, probabilities, boxes, size, threshold):
        order = [index for index in probabilities.argsort(descending=True) if probabilities[index] > threshold]
        kept = torch.tensor(order, dtype=torch.int64)
        return boxes[kept], probabilities[kept], torch.zeros(len(kept), dtype=torch.int64)

    def refine_boxes(self, levels, boxes, classes, smooth=False):
        self.refinements += len(boxes)
        masks = torch.zeros(len(boxes), 112, 112)
        masks[:, 28:84, 28:84] = 1.0  # the middle half of the box, each way
        return masks


BIG, SMALL, ASIDE, WEAK = (10, 10, 50, 50), (20, 20, 40, 40), (60, 10, 80, 30), (60, 40, 80, 56)
#   masks: 20..39,        25..34,           65..74 x 15..24,  65..74 x 44..51


@pytest.fixture
def scene():
    return Scene((SMALL, 0.7), (BIG, 0.9), (ASIDE, 0.8), (WEAK, 0.2))


def box_mask(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((60, 90), np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask


BIG_MASK, SMALL_MASK = box_mask(20, 20, 40, 40), box_mask(25, 25, 35, 35)
ASIDE_MASK, WEAK_MASK = box_mask(65, 15, 75, 25), box_mask(65, 44, 75, 52)


@pytest.mark.parametrize(
    ("prompt", "mask", "score"),
    [
        (Prompt(clicks=((30, 30),)), BIG_MASK, 0.9),
        (Prompt(clicks=((30, 30), (30.5, 30))), SMALL_MASK, 0.7),  # clicked again: the next best
        (Prompt(clicks=((30, 30), (30, 30), (30, 30))), BIG_MASK, 0.9),  # and round again
        (Prompt(clicks=((30, 30), (22, 22))), BIG_MASK, 0.9),
        (Prompt(clicks=((30, 30),), not_clicks=((22, 22),)), SMALL_MASK, 0.7),
        (Prompt(clicks=((30, 30),), box=(21, 19, 41, 40)), SMALL_MASK, 0.7),
        (Prompt(clicks=((30, 30), (70, 20))), BIG_MASK | ASIDE_MASK, 0.8),  # no one instance: parts of one object
        (Prompt(clicks=((70, 48),)), WEAK_MASK, 0.2),  # nothing better there
        (Prompt(box=(9, 11, 52, 49)), BIG_MASK, 0.9),
        (Prompt(box=(22, 20, 41, 40)), SMALL_MASK, 0.7),
        (Prompt(box=(60, 40, 81, 55)), WEAK_MASK, 0.2),
        (Prompt(clicks=((19.6, 39.4),)), BIG_MASK, 0.9),  # the nearest pixel is the corner of its mask
    ],
)
def test_transfiner_picks_the_instance(scene, prompt, mask, score):
    chosen, certain = Transfiner(network=scene, device="cpu", sides=SIDES)(frames(), 0, prompt)
    assert np.array_equal(chosen, mask)
    assert certain == pytest.approx(score)


@pytest.mark.parametrize(
    ("prompt", "word"),
    [
        (Prompt(frame=3, clicks=((5, 5),)), r"at 5,5 on frame 3 \(4 found elsewhere\)"),
        (Prompt(clicks=((12, 12),)), "at 12,12"),  # inside a box, outside its mask
        (Prompt(clicks=((70, 20),), not_clicks=((66, 20),)), "at 70,20"),
        (Prompt(clicks=((30, 30), (5, 55))), "at 5,55"),
        (Prompt(box=(0, 0, 89, 59)), "at the box"),
    ],
)
def test_transfiner_says_where_nothing_is(scene, prompt, word):
    segmenter = Transfiner(network=scene, device="cpu", sides=SIDES)
    with pytest.raises(InputError, match=word) as caught:
        segmenter(frames(), 0, prompt)
    assert "segmenter=embedded" in str(caught.value)


def test_transfiner_with_nothing_found():
    with pytest.raises(InputError, match="0 found"):
        Transfiner(network=Scene(), device="cpu", sides=SIDES)(frames(), 0, Prompt(box=(0, 0, 9, 9)))


def test_transfiner_needs_a_click_or_a_box(scene):
    with pytest.raises(InputError, match="needs a click or a box"):
        Transfiner(network=scene, device="cpu", sides=SIDES)(frames(), 0, Prompt(text="a dog"))


def test_transfiner_refines_only_what_is_asked_and_remembers_the_frame(scene):
    segmenter, images = Transfiner(network=scene, device="cpu", sides=SIDES), frames(2)
    mask, _ = segmenter(images, 0, Prompt(clicks=((30, 30),)))
    mask[:] = False  # the caller's own
    assert (scene.looks, scene.refinements) == (1, 1)
    again, _ = segmenter(images.copy(), 0, Prompt(clicks=((30, 30), (30, 30))))
    assert np.array_equal(again, SMALL_MASK)
    assert (scene.looks, scene.refinements) == (1, 2)
    assert segmenter(images, 0, Prompt(clicks=((30, 30),)))[0].any()
    segmenter(images, 1, Prompt(clicks=((30, 30),)))
    assert scene.looks == 2


def test_of_equal_scores_the_smaller_wins():
    scene = Scene((BIG, 0.5), (SMALL, 0.5))
    chosen, _ = Transfiner(network=scene, device="cpu", sides=SIDES)(frames(), 0, Prompt(clicks=((30, 30),)))
    assert np.array_equal(chosen, SMALL_MASK)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_transfiner_keeps_to_the_contract(precision):
    torch.manual_seed(0)
    network = TransfinerNet(TRANSFINER)
    for predictor in (network.proposal_generator.rpn_head.anchor_deltas, network.roi_heads.box_predictor.bbox_pred):
        torch.nn.init.zeros_(predictor.weight)  # boxes are the anchors
    segmenter = Transfiner(network=network, device="cpu", precision=precision, sides=SIDES)
    images = frames(2)
    images.setflags(write=False)
    found = segmenter._look(images[0])
    with torch.inference_mode():
        masks = [segmenter._mask(found, index) for index in range(len(found.scores))]
    assert all(mask.shape == (60, 90) and mask.dtype == np.bool_ for mask in masks)
    box = tuple(found.placed[next(index for index, mask in enumerate(masks) if mask.any())].tolist())
    mask, score = segmenter(images, 0, Prompt(box=box))
    assert mask.any()
    assert 0.05 < score <= 1.0
    assert np.array_equal(mask, segmenter(images, 0, Prompt(box=box))[0])


@pytest.mark.parametrize("name", ["lavt", "transfiner"])
def test_without_weights_it_says_how_to_get_them(name, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path))
    with pytest.raises(PluginError, match=f"vidremove weights get {name}"):
        load_plugin("segmenter", name)


def test_unknown_devices_and_precisions_are_refused(scene):
    with pytest.raises(PluginError, match=r"device 'tpu' is not here. Present: cpu"):
        Transfiner(network=scene, device="tpu")
    with pytest.raises(PluginError, match="unknown precision 'int4'"):
        Transfiner(network=scene, device="cpu", precision="int4")
