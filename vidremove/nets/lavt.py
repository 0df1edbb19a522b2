"""LAVT: one image and one expression give one mask. Inference only, with the published state-dict keys.

Source: Yang et al. 2022, "LAVT: Language-Aware Vision Transformer for Referring Image Segmentation", CVPR,
sections 3.1 (fusion), 3.2 (gate), 3.3 (decoder). The text encoder is BERT-base, Devlin et al. 2019.
The published checkpoints come in two forms, of one network: `lavt` (`Lavt`, 451 entries, BERT in a dictionary of its
own) and `lavt_one` (`LavtOne`, 648 entries, BERT as `text_encoder`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, BertModel

from vidremove.nets.enlarge import conv_of_enlarged
from vidremove.nets.pixels import resize_pixels
from vidremove.nets.swin import Stage, Swin, SwinConfig
from vidremove.nets.winograd import Conv3x3

MEAN = (0.485, 0.456, 0.406)  # RGB, of values in [0, 1]
STD = (0.229, 0.224, 0.225)
_INSTANCE_EPS = 1e-5
_PADDING_SCORE = -10000.0


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Size of the text encoder; the defaults are BERT-base uncased."""

    vocabulary: int = 30522
    width: int = 768
    layers: int = 12
    heads: int = 12
    hidden: int = 3072


@dataclass(frozen=True, slots=True)
class LavtConfig:
    """Size of the network; the defaults are the published Swin-B with window 12."""

    size: int = 480  # pixels, both sides of the image the network was trained on
    tokens: int = 20  # longest expression, with its two end marks
    vision: SwinConfig = field(default_factory=lambda: SwinConfig(128, (2, 2, 18, 2), (4, 8, 16, 32), 12))
    text: TextConfig = field(default_factory=TextConfig)
    decoder: int = 512  # channels


def _instance_norm(x: Tensor) -> Tensor:
    """Each channel of each sample to mean 0 and variance 1 over its positions: (B, N, C)."""
    variance, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
    return (x - mean) * torch.rsqrt(variance + _INSTANCE_EPS)


class PerToken(nn.Sequential):
    """A linear layer on tokens, (B, N, in) to (B, N, out), stored as a convolution of width 1 under the key `0`."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        super().__init__(nn.Conv1d(incoming, outgoing, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.get_parameter("0.weight")[..., 0], self.get_parameter("0.bias"))


class ImageLanguageAttention(nn.Module):
    """Every position of the image gathers the words that concern it; one head over all channels.

    Source: Yang et al. 2022, section 3.1, equations 1 to 5.
    """

    def __init__(self, channels: int, text_width: int) -> None:
        super().__init__()
        self.f_key = PerToken(text_width, channels)
        self.f_query = PerToken(channels, channels)
        self.f_value = PerToken(text_width, channels)
        self.W = PerToken(channels, channels)

    def forward(self, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Image tokens (B, N, C), text (B, T, D) and mask (B, T), 1 = token, to (B, N, C)."""
        present = mask.to(x.dtype)[..., None]
        query = _instance_norm(self.f_query(x))
        key: Tensor = self.f_key(text) * present
        value = self.f_value(text) * present
        padding = (1 - mask[:, None, :].to(x.dtype)) * _PADDING_SCORE
        weights = (query @ key.mT * x.shape[-1] ** -0.5 + padding).softmax(-1)
        return _instance_norm(self.W(weights @ value))


class Fusion(nn.Module):
    """Pixel-word attention module: what the expression says about each position.

    Source: Yang et al. 2022, section 3.1, equations 6 and 7.
    """

    def __init__(self, channels: int, text_width: int) -> None:
        super().__init__()
        self.vis_project = PerToken(channels, channels)
        self.image_lang_att = ImageLanguageAttention(channels, text_width)
        self.project_mm = PerToken(channels, channels)

    def forward(self, x: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Image tokens (B, N, C), text (B, T, D) and mask (B, T) to (B, N, C)."""
        vision = F.gelu(self.vis_project(x))
        language: Tensor = self.image_lang_att(x, text, mask)
        return F.gelu(self.project_mm(vision * language))


class LanguageStage(Stage):
    """A stage of the backbone that listens to the text after its blocks.

    Source: Yang et al. 2022, section 3.2, "Language pathway", equations 8 and 9.
    """

    def __init__(self, config: SwinConfig, index: int, text_width: int) -> None:
        super().__init__(config, index)
        width = config.widths[index]
        self.fusion = Fusion(width, text_width)
        self.res_gate = nn.Sequential(
            nn.Linear(width, width, bias=False), nn.ReLU(), nn.Linear(width, width, bias=False), nn.Tanh()
        )

    def fuse(self, x: Tensor, text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens for the next stage and the fused tokens, both (B, N, C)."""
        fused: Tensor = self.fusion(x, text, mask)
        return x + self.res_gate(fused) * fused, fused


class LanguageSwin(Swin):
    """The backbone with language in every stage; its maps are the fused tokens."""

    def __init__(self, config: SwinConfig, text_width: int) -> None:
        super().__init__(config, [LanguageStage(config, index, text_width) for index in range(len(config.depths))])

    def fuse(self, image: Tensor, text: Tensor, mask: Tensor) -> list[Tensor]:
        """Image (B, 3, H, W), text (B, T, D), mask (B, T) to four maps (B, C, h, w), finest first."""
        x, size = self.patch_embed(image)
        maps = []
        for index, stage in enumerate(cast(Iterable[LanguageStage], self.layers)):
            x, fused = stage.fuse(stage.attend(x, size), text, mask)
            maps.append(self.normalised(index, fused, size))
            x, size = stage.reduce(x, size)
        return maps


class Decoder(nn.Module):
    """From the four maps, coarsest first, to two classes a pixel.

    Source: Yang et al. 2022, section 3.3, equations 10 and 11.
    """

    def __init__(self, widths: tuple[int, ...], channels: int) -> None:
        super().__init__()
        incoming = widths[3]
        for level in (4, 3, 2):
            self.add_module(f"conv1_{level}", nn.Conv2d(incoming + widths[level - 2], channels, 3, 1, 1, bias=False))
            self.add_module(f"bn1_{level}", nn.BatchNorm2d(channels))
            self.add_module(f"conv2_{level}", Conv3x3(channels, channels, bias=False))
            self.add_module(f"bn2_{level}", nn.BatchNorm2d(channels))
            incoming = channels
        self.conv1_1 = nn.Conv2d(channels, 2, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Maps (B, C, h, w), finest first, to logits (B, 2, h, w) at the size of the finest."""
        y = maps[3]
        for level in (4, 3, 2):
            y = self._joined(y, maps[level - 2], self.get_parameter(f"conv1_{level}.weight"))
            y = F.relu(self.get_submodule(f"bn1_{level}")(y))
            y = F.relu(self.get_submodule(f"bn2_{level}")(self.get_submodule(f"conv2_{level}")(y)))
        logits: Tensor = self.conv1_1(y)
        return logits

    @staticmethod
    def _joined(coarse: Tensor, fine: Tensor, weight: Tensor) -> Tensor:
        """Convolve the coarse map, enlarged where it is the smaller, and the fine one side by side."""
        size = (fine.shape[2], fine.shape[3])
        for_coarse, for_fine = torch.split(weight, [coarse.shape[1], fine.shape[1]], 1)
        return conv_of_enlarged(coarse, for_coarse, size) + F.conv2d(fine, for_fine, padding=1)


class Lavt(nn.Module):
    """LAVT without its text encoder: the form of the published `lavt` files, entry `model`."""

    def __init__(self, config: LavtConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or LavtConfig()
        self.backbone = LanguageSwin(config.vision, config.text.width)
        self.classifier = Decoder(config.vision.widths, config.decoder)

    def forward(self, image: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Segment what the text means.

        Args:
            image: float32 (B, 3, H, W), normalised RGB; sides of at least 64 pixels.
            text: float32 (B, T, D), last hidden states of the text encoder.
            mask: int64 (B, T), 1 = token, 0 = padding.
        Returns: float32 (B, 2, H, W), logits; channel 0 is background, channel 1 the object.
        """
        logits: Tensor = self.classifier(self.backbone.fuse(image, text, mask))
        return F.interpolate(logits, image.shape[-2:], mode="bilinear", align_corners=True)

    def preprocess(self, frame: Tensor) -> Tensor:
        """Resize without keeping the aspect ratio and normalise.

        Args:
            frame: uint8 (H, W, 3), RGB.
        Returns: float32 (1, 3, size, size).
        """
        pixels = resize_pixels(frame, (self.config.size, self.config.size)).float() / 255
        mean, std = (pixels.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        return (pixels - mean) / std


class LavtOne(Lavt):
    """LAVT with its text encoder inside: the form of the published `lavt_one` files."""

    def __init__(self, config: LavtConfig | None = None) -> None:
        super().__init__(config)
        text = self.config.text
        bert = BertConfig(
            vocab_size=text.vocabulary,
            hidden_size=text.width,
            num_hidden_layers=text.layers,
            num_attention_heads=text.heads,
            intermediate_size=text.hidden,
        )
        self.text_encoder = BertModel(bert, add_pooling_layer=False)

    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids and mask, int64 (B, T), to the last hidden states, float32 (B, T, D)."""
        states: Tensor = self.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        return states

    def forward(self, image: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        """As `Lavt.forward`, with token ids int64 (B, T) in the place of the text."""
        return super().forward(image, self.encode_text(ids, mask), mask)

    def segment(self, image: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """As `Lavt.forward`: with an expression that `encode_text` has already read."""
        return super().forward(image, text, mask)


def build(config: LavtConfig | None = None) -> LavtOne:
    """The network with random weights, for evaluation; the published size unless `config` says otherwise."""
    return LavtOne(config).eval()
