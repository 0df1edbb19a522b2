"""Files in the formats that the authors published, made of any weights; and networks small enough for every run."""

import argparse
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vidremove.nets.lavt import LavtConfig, LavtOne, TextConfig
from vidremove.nets.mat import MatConfig
from vidremove.nets.refiner import EncoderConfig
from vidremove.nets.resnet import ResNetConfig
from vidremove.nets.swin import SwinConfig
from vidremove.nets.transfiner import Transfiner, TransfinerConfig

TINY_MAT = MatConfig(
    resolution=128, latent=16, width=12, heads=2, depths=(2, 2, 1, 2, 2), windows=(4,) * 5, channels=16, pools=(2, 1)
)
TINY_LAVT = LavtConfig(
    size=96,
    vision=SwinConfig(channels=8, depths=(1, 2, 1, 1), heads=(1, 2, 2, 4), window=3),
    text=TextConfig(width=16, layers=1, heads=2, hidden=32),
    decoder=8,
)
TINY_TRANSFINER = TransfinerConfig(
    backbone=ResNetConfig((1, 1, 1, 1), width=4),
    classes=3,
    channels=8,
    box_width=16,
    encoder=EncoderConfig(layers=1, heads=2, hidden=16),
    proposals=40,
    detections=6,
)


def tiny_lavt() -> LavtOne:
    return LavtOne(TINY_LAVT).eval()


def tiny_transfiner(variant: str = "") -> Transfiner:
    """Its boxes are the anchors, since random moves leave few of a sensible size."""
    network = Transfiner(TINY_TRANSFINER).eval()
    for predictor in (network.proposal_generator.rpn_head.anchor_deltas, network.roi_heads.box_predictor.bbox_pred):
        nn.init.zeros_(predictor.weight)
    return network


def write_lama_zip(network: nn.Module, path: Path) -> None:
    """A zip file with a Lightning checkpoint: `generator.` before the keys, and training leftovers."""
    state = OrderedDict((f"generator.{key}", value) for key, value in network.state_dict().items())
    leftovers = {"epoch": 39, "hyper_parameters": argparse.Namespace(lr=1e-3), "callbacks": {argparse.Namespace: {}}}
    checkpoint = path.with_suffix(".ckpt")
    torch.save({**leftovers, "state_dict": state}, checkpoint)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("big-lama/config.yaml", "generator:\n  kind: ffc_resnet\n")
        archive.write(checkpoint, "big-lama/models/best.ckpt")
    checkpoint.unlink()


def write_mat_pickle(network: nn.Module, path: Path) -> None:
    """A bare pickle as StyleGAN's tools write it: every module with the source text of its class."""
    module = types.ModuleType("torch_utils.persistence")

    def _reconstruct_persistent_obj(meta: dict[str, Any]) -> None:
        raise AssertionError("nothing from a file may run")

    _reconstruct_persistent_obj.__module__ = module.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj

    class Pickler(pickle.Pickler):
        def reducer_override(self, value: Any) -> Any:
            if not isinstance(value, nn.Module) or type(value).__module__.startswith("torch"):
                return NotImplemented
            source = "raise SystemExit('nothing from a file may run')"
            name = type(value).__name__
            kept = {key: value.__dict__[key] for key in ("training", "_parameters", "_buffers", "_modules")}
            meta = {"type": "class", "version": 6, "module_src": source, "class_name": name, "state": kept}
            return _reconstruct_persistent_obj, (meta,)

    names = ("torch_utils", module.__name__)
    sys.modules.update(dict(zip(names, (types.ModuleType("torch_utils"), module), strict=True)))
    try:
        with path.open("wb") as file:
            Pickler(file, protocol=4).dump({"training_set_kwargs": {"resolution": 512}, "G_ema": network})
    finally:
        for name in names:
            del sys.modules[name]


def write_lavt(network: LavtOne, path: Path, *, one: bool = True) -> None:
    """What LAVT's training script saves: everything in `model`, or the text encoder in a dictionary of its own."""
    state = network.state_dict()
    text = {key.removeprefix("text_encoder."): value for key, value in state.items() if key.startswith("text_encoder.")}
    rest = {key: value for key, value in state.items() if not key.startswith("text_encoder.")}
    models = {"model": state} if one else {"model": rest, "bert_model": text}
    leftovers = {"optimizer": {"state": {}, "param_groups": []}, "epoch": 39, "args": argparse.Namespace(window12=True)}
    torch.save({**models, **leftovers}, path, _use_new_zipfile_serialization=one)


def write_transfiner(network: nn.Module, path: Path) -> None:
    """A checkpoint of detectron2."""
    torch.save({"model": network.state_dict(), "iteration": 269999}, path)


WRITERS = {
    "lama": (write_lama_zip, "generated.zip"),
    "mat": (write_mat_pickle, "generated.pkl"),
    "lavt": (write_lavt, "generated.pth"),
    "transfiner": (write_transfiner, "generated.pth"),
}
"""By network: how its published file is written, and with which ending."""
