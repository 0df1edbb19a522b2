import pytest
import torch

from tests.parity.reference import Reference
from vidremove.nets.lavt import (
    Decoder,
    Fusion,
    Lavt,
    LavtConfig,
    LavtOne,
    TextConfig,
    build,
)
from vidremove.nets.swin import SwinConfig

TINY = LavtConfig(
    size=96,
    vision=SwinConfig(channels=8, depths=(1, 2, 1, 1), heads=(1, 2, 2, 4), window=3),
    text=TextConfig(vocabulary=40, width=16, layers=1, heads=2, hidden=32),
    decoder=8,
)


@pytest.fixture(scope="module")
def reference():
    return Reference("lavt", build)


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return build(TINY)


def test_keys_and_values_of_the_state_are_the_published_ones(reference):
    assert reference.problems == []


@pytest.mark.parametrize(
    "golden", ["preprocess", "text", "padded_sizes", pytest.param("refer_480", marks=pytest.mark.slow)]
)
def test_outputs_equal_the_reference(reference, golden):
    worst = reference.worst(golden)
    assert max(worst.values()) < 1e-4, worst


def test_published_size():
    with torch.device("meta"):
        one = LavtOne()
        apart = Lavt()
    assert len(one.state_dict()) == 648
    assert len(apart.state_dict()) == 451
    assert sum(p.numel() for p in one.parameters()) == 227_739_514
    assert sum(p.numel() for p in apart.parameters()) == 118_847_866


@torch.no_grad()
def test_both_published_forms_load_strictly_and_agree(tiny):
    state = tiny.state_dict()
    network = {key: value for key, value in state.items() if not key.startswith("text_encoder.")}
    apart = Lavt(TINY).eval()
    apart.load_state_dict(network, strict=True)
    ids, mask = torch.randint(3, 40, (1, 6)), torch.ones(1, 6, dtype=torch.int64)
    image = torch.randn(1, 3, 70, 96)
    assert torch.equal(apart(image, tiny.encode_text(ids, mask), mask), tiny(image, ids, mask))
    with pytest.raises(RuntimeError, match="text_encoder"):
        LavtOne(TINY).load_state_dict(network, strict=True)


@torch.no_grad()
def test_logits_have_the_size_of_the_image_and_padding_changes_nothing(tiny):
    image, ids = torch.randn(1, 3, 67, 90), torch.tensor([[2, 7, 9, 3]])
    short = tiny(image, ids, torch.ones_like(ids))
    padded = torch.cat([ids, torch.zeros(1, 5, dtype=torch.int64)], 1)
    long = tiny(image, padded, (padded > 0).long())
    assert short.shape == (1, 2, 67, 90)
    torch.testing.assert_close(short, long, atol=2e-4, rtol=1e-4)
    assert not torch.allclose(short, tiny(image, ids.flip(1), torch.ones_like(ids)), atol=1e-2)


@torch.no_grad()
def test_fusion_does_not_see_words_that_are_masked():
    torch.manual_seed(0)
    fusion = Fusion(8, 16).eval()
    x, text = torch.randn(1, 30, 8), torch.randn(1, 5, 16)
    mask = torch.tensor([[1, 1, 1, 0, 0]])
    other = torch.where(mask[..., None] == 1, text, torch.randn_like(text))
    torch.testing.assert_close(fusion(x, text, mask), fusion(x, other, mask))
    torch.testing.assert_close(fusion(x, text, mask), fusion(x, text[:, :3], mask[:, :3]))


@torch.no_grad()
def test_decoder_enlarges_corner_to_corner():
    decoder = Decoder((1, 1, 1, 1), 1).eval()
    for level in (4, 3, 2):
        for step in (1, 2):
            convolution = decoder.get_submodule(f"conv{step}_{level}")
            torch.nn.init.zeros_(convolution.weight)
            convolution.weight[0, 0, 1, 1] = 1.0  # passes the coarse map, that comes first, through
            decoder.get_submodule(f"bn{step}_{level}").eps = 0.0
    torch.nn.init.ones_(decoder.conv1_1.weight)
    torch.nn.init.zeros_(decoder.conv1_1.bias)
    maps = [torch.zeros(1, 1, 1, width) for width in (9, 5, 3)] + [torch.tensor([[[[0.0, 8.0]]]])]
    assert decoder(maps)[0, 1, 0].tolist() == list(range(9))


def test_frames_are_resized_and_normalised(tiny):
    frame = torch.zeros(50, 70, 3, dtype=torch.uint8)
    frame[..., 0] = 255
    image = tiny.preprocess(frame)
    assert image.shape == (1, 3, 96, 96)
    expected = torch.tensor([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    torch.testing.assert_close(image[0, :, 40, 40], expected)
