"""Devices and number formats of networks."""

import logging

import pytest
import torch

from vidremove import tensors
from vidremove.errors import PluginError
from vidremove.tensors import pick_device, pick_precision


@pytest.fixture
def apple(monkeypatch):
    """A machine without CUDA that says it has MPS."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)


@pytest.mark.parametrize("name", ["auto", "mps"])
def test_mps_that_lacks_something_falls_back_with_a_warning(apple, monkeypatch, name, caplog):
    def rfft2(*_: object, **__: object) -> None:
        raise NotImplementedError("aten::_fft_r2c is not implemented for MPS\nfurther lines")

    look = tensors._missing_on  # on the CPU, since there is no MPS here to make tensors on
    monkeypatch.setattr(tensors, "_missing_on", lambda device: look(torch.device("cpu")))
    monkeypatch.setattr(torch.fft, "rfft2", rfft2)
    with caplog.at_level(logging.WARNING):
        assert pick_device(name) == torch.device("cpu")
    assert "run on the CPU: MPS cannot do all they need (aten::_fft_r2c is not implemented for MPS)" in caplog.text


@pytest.mark.parametrize("name", ["auto", "mps"])
def test_mps_that_can_do_everything_is_taken(apple, monkeypatch, name, caplog):
    monkeypatch.setattr(tensors, "_missing_on", lambda device: "")
    assert pick_device(name) == torch.device("mps")
    assert not caplog.text


def test_the_cpu_can_do_everything():
    assert tensors._missing_on(torch.device("cpu")) == ""


def test_unknown_ones_are_refused():
    with pytest.raises(PluginError, match="device 'tpu' is not here"):
        pick_device("tpu")
    with pytest.raises(PluginError, match="unknown precision 'int4'"):
        pick_precision("int4")
