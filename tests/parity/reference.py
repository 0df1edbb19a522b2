"""The stored outputs of the reference implementations, where they are at hand: `shared/parity` beside the checkout."""

import importlib.util
import json
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

PARITY = Path(__file__).resolve().parents[3] / "shared" / "parity"


class Reference:
    """One network's weights and goldens, and our network filled with those weights."""

    def __init__(self, name: str, build: Callable[[], torch.nn.Module]) -> None:
        self.folder = PARITY / name
        if not (self.folder / "manifest.json").exists():
            pytest.skip(f"needs the parity files beside the checkout ({name})")
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        self.checker = _load("check")
        self.model = build().eval()
        self.problems = self.checker.state_problems(self.model, self.manifest)
        self.model.load_state_dict(self.checker.weights(self.manifest), strict=False)

    def worst(self, name: str) -> dict[str, float]:
        """Largest absolute difference of every output of one golden."""
        golden = next(entry for entry in self.manifest["goldens"] if entry["name"] == name)
        with np.load(self.folder / golden["file"]) as data:
            outputs, _ = self.checker.run(self.model, golden, data, "cpu")
            return {key: float(self.checker.errors(value, data[key])[0]) for key, value in outputs.items()}


def _load(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"parity_{name}", PARITY / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
