"""The registry of weights: every entry names a network that can be built, and files of every form are taken."""

import dataclasses
from importlib import import_module
from pathlib import Path

import pytest
import torch

from tests.published_files import WRITERS, tiny_lavt, tiny_transfiner, write_lavt, write_transfiner
from tests.unit.weights_server import tiny_lama, tiny_mat
from vidremove import weights
from vidremove.choices import make_plugin
from vidremove.config import load_config
from vidremove.errors import ConfigError, PluginError
from vidremove.published import PUBLISHED
from vidremove.segmenters.choice import points_segmenter

torch.set_num_threads(1)
TINY = {
    "lama": tiny_lama,
    "mat": tiny_mat,
    "lavt": tiny_lavt,
    "transfiner": tiny_transfiner,
}


def test_names_and_files_are_told_apart():
    names = [entry.name for entry in PUBLISHED]
    assert len(set(names)) == len(names)
    sources = [source for entry in PUBLISHED for source in entry.sources]
    assert len({source.url for source in sources}) == len(sources)
    assert len({source.file for source in sources}) == len(sources)


@pytest.mark.parametrize("entry", PUBLISHED, ids=lambda entry: entry.name)
def test_each_entry_is_of_a_network_with_its_anchors(entry):
    module, _, factory = entry.network.partition(":")
    with torch.device("meta"):
        state = getattr(import_module(module), factory)(*filter(None, [entry.variant])).state_dict()
    for part in entry.parts:
        assert part.target + part.anchor in state
    assert entry.licence
    assert entry.use
    assert entry.paper


@pytest.fixture
def small(tmp_path, monkeypatch) -> Path:
    """Small networks under all names; the folder of the weights."""
    entries = []
    for entry in PUBLISHED:
        kind = entry.name.partition("-")[0]
        where = "tests.published_files" if kind in ("lavt", "transfiner") else "tests.unit.weights_server"
        entries.append(dataclasses.replace(entry, network=f"{where}:tiny_{kind}"))
    monkeypatch.setattr(weights, "PUBLISHED", tuple(entries))
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path / "kept"))
    torch.manual_seed(0)
    return tmp_path


@pytest.mark.parametrize("name", WRITERS)
def test_the_published_formats_are_taken_whole(small, name):
    write, ending = WRITERS[name]
    network = TINY[name]()
    write(network, small / ending)
    weights.add(name, small / ending)
    assert weights.check(name)[0].state == "present"
    loaded = weights.load(name)
    assert all(torch.equal(loaded[key], value) for key, value in network.state_dict().items())


def test_both_forms_of_lavt_hold_one_network(small):
    network = tiny_lavt()
    for name, one in (("lavt", True), ("lavt-two", False)):
        write_lavt(network, small / f"{name}.pth", one=one)
        weights.add(name, small / f"{name}.pth")
    first, second = weights.load("lavt"), weights.load("lavt-two")
    assert first.keys() == second.keys() == network.state_dict().keys()
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_settings_choose_among_the_weights_of_a_network(small, monkeypatch):
    config = load_config(overrides=["track.point_weights=transfiner-swin-t", "precision=bfloat16", "device=cpu"])
    assert points_segmenter("transfiner-swin-t") == "embedded"
    write_transfiner(tiny_transfiner(), small / "swin.pth")
    weights.add("transfiner-swin-t", small / "swin.pth")
    assert points_segmenter("transfiner-swin-t") == "transfiner"
    assert points_segmenter() == "embedded"
    built = []
    monkeypatch.setattr(
        "vidremove.segmenters.transfiner.build", lambda variant: built.append(variant) or tiny_transfiner()
    )
    segmenter = make_plugin("segmenter", "transfiner", config)
    assert built == ["swin_t"]
    assert segmenter._network.dtype == torch.bfloat16
    with pytest.raises(PluginError, match="unknown weights 'nothing'"):
        points_segmenter("nothing")
    with pytest.raises(ConfigError, match=r"precision is 'int4'. Known: float32"):
        load_config(overrides=["precision=int4"])
