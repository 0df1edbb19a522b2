import dataclasses
import hashlib
import os
import pickle
import re
import subprocess
import sys
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.weights_server import Page, Server, tiny_lama, tiny_mat
from vidremove import weights
from vidremove.checkpoints import read_metadata
from vidremove.errors import InputError, OutputError, PluginError
from vidremove.published import PUBLISHED, Published, Source

torch.set_num_threads(1)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def published(name: str) -> Published:
    return next(entry for entry in PUBLISHED if entry.name == name)


@pytest.fixture
def lama_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return tiny_lama().state_dict()


@pytest.fixture
def registry(tmp_path, monkeypatch, server, lama_state) -> Path:
    """Small networks under the real names, published by the local server; the folder of the weights."""
    file = tmp_path / "big-lama.pt"
    torch.save({f"model.{key}": value for key, value in lama_state.items()}, file)
    body = file.read_bytes()
    server.pages["/broken"] = Page(code=404)
    server.pages["/lama"] = Page(body)
    entries = (
        dataclasses.replace(
            published("lama"),
            network="tests.unit.weights_server:tiny_lama",
            sources=(
                Source(f"{server.url}/broken", "gone.pt", 5, "0" * 64),
                Source(f"{server.url}/lama", "big-lama.pt", len(body), sha(body)),
            ),
        ),
        dataclasses.replace(published("mat"), network="tests.unit.weights_server:tiny_mat"),
        dataclasses.replace(
            published("lama"),
            name="unhashed",
            network="tests.unit.weights_server:tiny_lama",
            sources=(Source(f"{server.url}/lama", "unhashed.pt"),),
        ),
    )
    monkeypatch.setattr(weights, "PUBLISHED", entries)
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path / "kept"))
    monkeypatch.delenv("VIDREMOVE_OFFLINE", raising=False)
    return tmp_path / "kept"


def states(name: str | None = None) -> dict[str, str]:
    return {status.published.name: status.state for status in weights.check(name)}


def test_get_fetches_from_the_next_source_converts_and_loads(registry, lama_state):
    assert {status.state for status in weights.list_weights()} == {"missing"}
    kept = weights.get("lama")
    assert kept == registry / "lama.safetensors" == weights.path("lama")
    loaded = weights.load("lama")
    assert loaded.keys() == lama_state.keys()
    assert all(torch.equal(loaded[key], value) for key, value in lama_state.items())
    assert read_metadata(kept)["source"] == "big-lama.pt"
    assert {path.name for path in registry.iterdir()} == {
        "big-lama.pt",
        "big-lama.pt.sha256",
        "lama.lock",
        "lama.safetensors",
        "lama.safetensors.sha256",
    }
    assert states() == {"lama": "present", "mat": "missing", "unhashed": "missing"}
    network = tiny_lama()
    weights.load_into(network, "lama")
    assert torch.equal(network.model[1].ffc.convl2l.weight, lama_state["model.1.ffc.convl2l.weight"])


def test_what_is_here_is_not_fetched_again(registry, server):
    weights.get("lama")
    before = len(server.asked)
    weights.get("lama")
    (registry / "lama.safetensors").unlink()  # the published file is still here
    weights.get("lama")
    assert len(server.asked) == before


def test_two_at_once_fetch_once(registry, server):
    server.pages["/lama"].pause_s = 0.005
    threads = [threading.Thread(target=weights.get, args=("lama",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path for path, _ in server.asked].count("/lama") == 1
    assert states("lama") == {"lama": "present"}


def test_another_process_waits_too(registry, server):
    """What this process fetches meanwhile is all that it needs: its own addresses lead nowhere."""
    from filelock import FileLock

    weights.get("lama")
    hidden = registry / "hidden"
    (registry / "lama.safetensors").rename(hidden)
    code = (
        "import dataclasses; from vidremove import weights as w; from vidremove.published import Source; "
        "lama = next(p for p in w.PUBLISHED if p.name == 'lama'); "
        "w.PUBLISHED = (dataclasses.replace(lama, network='tests.unit.weights_server:tiny_lama', "
        "sources=(Source('http://127.0.0.1:9/none', 'none.pt'),)),); "
        "print('ready', flush=True); print(w.get('lama').name)"
    )
    with FileLock(registry / "lama.lock"):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        hidden.rename(registry / "lama.safetensors")
    assert process.communicate(timeout=60)[0] == "lama.safetensors\n"


def test_damage_is_found_and_mended(registry, server):
    weights.get("lama")
    kept = registry / "lama.safetensors"
    data = bytearray(kept.read_bytes())
    data[-1] ^= 1
    kept.write_bytes(data)
    assert states("lama") == {"lama": "damaged"}
    assert "weights get lama" in weights.check("lama")[0].note
    weights.get("lama")
    assert states("lama") == {"lama": "present"}
    (registry / "big-lama.pt").write_bytes(b"cut")
    assert states("lama") == {"lama": "damaged"}
    weights.get("lama")
    assert states("lama") == {"lama": "present"}


def test_offline_touches_no_network(registry, server, monkeypatch):
    monkeypatch.setenv("VIDREMOVE_OFFLINE", "1")
    with pytest.raises(PluginError, match=r"VIDREMOVE_OFFLINE forbids fetching\. Fetch .*weights add lama"):
        weights.get("lama")
    assert server.asked == []
    monkeypatch.setenv("VIDREMOVE_OFFLINE", "0")
    weights.get("lama")
    (registry / "lama.safetensors").unlink()
    monkeypatch.setenv("VIDREMOVE_OFFLINE", "1")
    assert weights.get("lama").exists()


def test_no_source_is_left(registry, server):
    server.pages["/lama"] = Page(code=404)
    with pytest.raises(
        PluginError, match=r"broken: answers 404 .*lama: answers 404 .*in a browser, then: vidremove weights"
    ):
        weights.get("lama")


def test_a_file_without_a_published_hash_is_pinned_at_first_sight(registry, server):
    weights.get("unhashed")
    original, body = registry / "unhashed.pt", server.pages["/lama"].body
    assert (registry / "unhashed.pt.sha256").read_text() == f"{sha(body)}  unhashed.pt\n"
    original.unlink()
    (registry / "unhashed.safetensors").unlink()
    server.pages["/lama"] = Page(body + b"other")
    with pytest.raises(PluginError, match=f"needed {sha(body)}"):
        weights.get("unhashed")
    assert not original.exists()


def test_a_page_instead_of_the_file_is_not_pinned(registry, server):
    body = server.pages["/lama"].body
    server.pages["/lama"] = Page(b"<html>quota exceeded</html>")
    with pytest.raises(PluginError, match="not a checkpoint"):
        weights.get("unhashed")
    assert not [file for file in registry.iterdir() if file.name.startswith("unhashed.pt")]
    server.pages["/lama"] = Page(body)
    assert weights.get("unhashed").exists()


def test_a_pin_that_is_no_text_is_none(registry):
    weights.get("lama")
    (registry / "lama.safetensors.sha256").write_bytes(b"\xff\xfe\x00")
    assert states("lama") == {"lama": "damaged"}


def test_paths_of_what_is_not_here_say_how_to_get_it(registry):
    with pytest.raises(PluginError, match="vidremove weights get lama"):
        weights.path("lama")
    with pytest.raises(PluginError, match="Known: lama, mat"):
        weights.path("llama")


def test_a_folder_that_cannot_be_made(registry, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path / "file" / "inside"))
    with pytest.raises(OutputError, match="VIDREMOVE_WEIGHTS"):
        weights.get("lama")


def test_the_folder_follows_the_system(monkeypatch, tmp_path):
    monkeypatch.delenv("VIDREMOVE_WEIGHTS", raising=False)
    monkeypatch.setenv("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", str(tmp_path))
    assert weights.folder() == tmp_path / "vidremove" / "weights"


def _lightning(path: Path, state: dict[str, torch.Tensor]) -> None:
    prefixed = OrderedDict((f"generator.{key}", value) for key, value in state.items())
    prefixed["discriminator.model0.0.weight"] = torch.zeros(1)
    torch.save({"epoch": 1, "state_dict": prefixed, "callbacks": {Server: {"best": Path("x")}}}, path)


def _zipped_lightning(path: Path, state: dict[str, torch.Tensor]) -> None:
    _lightning(path.with_suffix(".ckpt"), state)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path.with_suffix(".ckpt"), "big-lama/models/best.ckpt")
        archive.writestr("big-lama/config.yaml", "generator: {}")


def _torchscript(path: Path, _state: dict[str, torch.Tensor]) -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(OrderedDict(generator=tiny_lama()))
    outer = torch.nn.Sequential(OrderedDict(model=network))
    torch.jit.save(torch.jit.trace(outer.eval(), torch.rand(1, 4, 16, 16)), str(path))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize(
    ("name", "write"), [("best.ckpt", _lightning), ("x.zip", _zipped_lightning), ("script.pt", _torchscript)]
)
def test_published_formats_of_lama(registry, lama_state, tmp_path, name, write):
    write(tmp_path / name, lama_state)
    weights.add("lama", tmp_path / name)
    loaded = weights.load("lama")
    assert loaded.keys() == lama_state.keys()
    assert all(torch.equal(loaded[key], value) for key, value in lama_state.items())
    assert states("lama") == {"lama": "present"}


def _stylegan(path: Path, state: dict[str, torch.Tensor], other: dict[str, torch.Tensor], mark: Path) -> None:
    """G and its average G_ema, as modules whose class comes as source text."""

    class Persistent:
        def __init__(self, inner: dict[str, torch.Tensor]) -> None:
            self.inner = inner

        def __reduce__(self) -> Any:
            parts: dict[str, Any] = {"_parameters": self.inner, "_buffers": {}, "_modules": {}}
            source = f"open({str(mark)!r}, 'w')"
            return os.getcwd, ({"type": "class", "version": 6, "module_src": source, "state": parts},)

    data = pickle.dumps({"G": Persistent(other), "G_ema": Persistent(state), "training_set_kwargs": {}}, protocol=3)
    old, new = b"cposix\ngetcwd\n", b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize("form", ["pickle", "without noise", "half"])
def test_published_formats_of_mat(registry, tmp_path, form):
    torch.manual_seed(0)
    state = dict(tiny_mat().state_dict())
    mark, file = tmp_path / "ran", tmp_path / "mat.pkl"
    if form == "pickle":
        _stylegan(file, state, {key: torch.zeros_like(value) for key, value in state.items()}, mark)
    elif form == "without noise":
        state = {key: value for key, value in state.items() if "noise" not in key}
        torch.save(state, file)
    else:
        from safetensors.torch import save_file

        state = {k: v.half() for k, v in state.items() if not k.endswith(("noise", "resample_filter", "attn_mask"))}
        save_file({f"model.{key}": value.contiguous() for key, value in state.items()}, file)
    weights.add("mat", file)
    loaded = weights.load("mat")
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())
    assert not mark.exists()
    weights.load_into(tiny_mat(), "mat")


def test_add_refuses_what_does_not_fit(registry, lama_state, tmp_path):
    file = tmp_path / "other.pt"
    key = "model.5.conv1.bn_l.weight"
    for change, word in (
        ({k: v for k, v in lama_state.items() if k != key}, f"lacks '{re.escape(key)}'"),
        ({**lama_state, "model.99.weight": torch.ones(1)}, "has unknown 'model.99.weight'"),
        ({**lama_state, key: torch.ones(3)}, "other shapes"),
        ({"a": torch.ones(1)}, r"lacks 'model\.1\..*more"),
    ):
        torch.save(change, file)
        with pytest.raises(InputError, match=word):
            weights.add("lama", file)
    file.rename(tmp_path / "gone.pt")
    with pytest.raises(InputError, match="needed 0000"):
        weights.add("lama", tmp_path / "gone.pt")
    with pytest.raises(InputError, match="No such file"):
        weights.add("lama", tmp_path / "none.pt")
    assert not (registry / "lama.safetensors").exists()


def test_add_runs_nothing(registry, lama_state, tmp_path):
    class Hostile:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {tmp_path / 'ran'}",)

    torch.save({"state_dict": lama_state, "callbacks": Hostile()}, tmp_path / "hostile.ckpt")
    weights.add("lama", tmp_path / "hostile.ckpt")
    assert not (tmp_path / "ran").exists()


def test_the_registry_is_well_formed():
    assert len({entry.name for entry in PUBLISHED}) == len(PUBLISHED)
    files = [source.file for entry in PUBLISHED for source in entry.sources]
    assert len(set(files)) == len(files)
    for entry in PUBLISHED:
        assert entry.what
        assert entry.licence
        assert entry.use
        assert entry.paper
        for source in entry.sources:
            assert source.url.startswith("https://")
            assert re.fullmatch(r"([0-9a-f]{64})?", source.sha256)
            assert source.sha256 or source.drive


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.name for entry in PUBLISHED])
def test_published_networks_take_their_files(name, tmp_path, monkeypatch):
    """Every real network, with generated weights in the form its authors publish."""
    from importlib import import_module

    entry = published(name)
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path / "kept"))
    module, _, factory = entry.network.partition(":")
    network = getattr(import_module(module), factory)(*filter(None, [entry.variant]))
    torch.save({"model": network.state_dict(), "optimizer": {"state": {0: {"step": 1}}}}, tmp_path / "file.pth")
    weights.add(name, tmp_path / "file.pth")
    weights.load_into(network, name)
    assert states(name) == {name: "present"}
