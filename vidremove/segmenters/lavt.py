"""Segmentation by a phrase, with LAVT."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import BertTokenizer

from vidremove.errors import InputError
from vidremove.nets.lavt import LavtOne, build
from vidremove.phrases import split_phrases
from vidremove.tensors import pick_device, pick_precision, to_tensor
from vidremove.types import Prompt
from vidremove.weights import load_into, path

_VOCABULARY = Path(__file__).with_name("bert_uncased.txt")  # BERT-base uncased, Google, Apache-2.0


class Tokenizer:
    """Words to the numbers that BERT-base uncased knows.

    Source: Devlin et al. 2019, "BERT", section 3.
    """

    def __init__(self, vocabulary: Path = _VOCABULARY) -> None:
        self._tokenizer = BertTokenizer(vocab=str(vocabulary))

    def __call__(self, phrase: str) -> list[int]:
        """Token ids of a phrase, with the marks at its beginning and end."""
        ids: list[int] = self._tokenizer(phrase)["input_ids"]
        return ids


class Lavt:
    """Yang et al. 2022, LAVT: the object that a phrase such as "the red car on the left" means."""

    reach = 0  # frames wanted on either side
    knows_objects = True  # asked again on a later frame, it finds the same one there

    def __init__(
        self,
        weights: str = "lavt",
        device: str = "auto",
        precision: str = "float32",
        network: LavtOne | None = None,
    ) -> None:
        """Take published weights by name, or a network that is ready.

        Args:
            weights: a name of `vidremove weights list`.
            device: "auto", "cpu", "cuda", "mps".
            precision: "float32", "bfloat16", "float16".
            network: instead of `weights`.
        Raises: PluginError if the weights are not here.
        """
        if network is None:
            path(weights)  # says how to get them, before anything large is built
            network = build()
            load_into(network, weights)
        self._device = pick_device(device)
        self._network = network.to(self._device, pick_precision(precision)).eval()
        self._tokenizer = Tokenizer()
        self._read = lru_cache(maxsize=16)(self._encode)

    def __call__(self, images: np.ndarray, at: int, prompt: Prompt) -> tuple[np.ndarray, float]:
        """Make the mask of what the prompt's text means on one frame.

        Args:
            images: uint8 (T, H, W, 3), RGB; only `images[at]` is looked at.
            at: which of them the prompt is for.
            prompt: `text`, one phrase; of several, parted by semicolons, the masks are joined.
        Returns: bool (H, W), and a score 0..1: the mean probability of the object inside the mask.
        Raises: InputError if there is no text, a phrase is too long, or nothing in the image matches.
        """
        phrases = split_phrases(prompt.text or "")
        if not phrases:
            raise InputError("lavt needs a phrase: --text 'the red car'. For clicks and boxes use another segmenter.")
        texts = [self._read(phrase) for phrase in phrases]
        with torch.inference_mode():
            image = self._network.preprocess(to_tensor(images[at])).to(texts[0][0])
            odds = torch.cat([self._odds(image, *text) for text in texts])
        size = images.shape[1:3]
        for phrase, own in zip(phrases, odds, strict=True):
            if not (own > 0).any():
                best = float(own.max().sigmoid())
                raise InputError(
                    f"nothing matches {phrase!r} on frame {prompt.frame} (best probability {best:.2f}, needed 0.50). "
                    "Try plainer words or another frame."
                )
        inside = odds.amax(0)
        score = float(inside[inside > 0].sigmoid().mean())
        return _to_frame((inside > 0).cpu().numpy(), size), score

    def _odds(self, image: Tensor, text: Tensor, mask: Tensor) -> Tensor:
        """Log-odds of the object, float32 (1, size, size)."""
        logits = self._network.segment(image, text, mask).float()
        return logits[:, 1] - logits[:, 0]

    def _encode(self, phrase: str) -> tuple[Tensor, Tensor]:
        """What the text encoder makes of a phrase (1, T, D), and its mask (1, T).

        Raises: InputError if it has more tokens than the network was trained to read.
        """
        tokens, limit = self._tokenizer(phrase), self._network.config.tokens
        if len(tokens) > limit:
            raise InputError(
                f"{phrase!r} has {len(tokens) - 2} tokens (words and parts of words), and lavt reads at most "
                f"{limit - 2}. Use a shorter phrase."
            )
        ids = torch.tensor([tokens], device=self._device)
        mask = torch.ones_like(ids)
        with torch.inference_mode():
            return self._network.encode_text(ids, mask), mask


def _to_frame(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Nearest neighbour, as the published scores were made: pixel i of n is that at floor(i * side / n)."""
    rows, columns = (np.arange(length) * side // length for length, side in zip(size, mask.shape, strict=True))
    return mask[np.ix_(rows, columns)]
