"""Published checkpoint formats are read whole, and nothing in a hostile one runs."""

import argparse
import io
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from vidremove.checkpoints import flatten, read_checkpoint, read_metadata
from vidremove.errors import InputError

torch.set_num_threads(1)


class Call:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


def by_hand(module: str, name: str, argument: str) -> bytes:
    """A pickle that calls module.name(argument), without importing anything here."""
    return b"\x80\x04" + b"c" + f"{module}\n{name}\n".encode() + b"(V" + argument.encode() + b"\ntR."


def small_state() -> "OrderedDict[str, torch.Tensor]":
    whole = torch.arange(24.0)
    return OrderedDict(
        [
            ("a.weight", whole[:12].reshape(3, 4)),
            ("a.view", whole[12:].reshape(4, 3).t()),  # shares the storage, other strides
            ("a.bias", torch.tensor([1, 2], dtype=torch.int64)),
            ("half", torch.tensor([0.5], dtype=torch.float16)),
            ("scalar", torch.tensor(7.0)),
            ("empty", torch.zeros(0, 3)),
            ("flags", torch.tensor([True, False])),
        ]
    )


def assert_equal(found: dict[str, torch.Tensor], prefix: str = "") -> None:
    state = small_state()
    assert list(found) == [prefix + key for key in state]
    for key, value in state.items():
        assert found[prefix + key].dtype == value.dtype
        assert torch.equal(found[prefix + key], value)


@pytest.mark.parametrize("zipped", [True, False])
def test_state_dicts_of_both_containers(tmp_path, zipped):
    path = tmp_path / "a.pth"
    torch.save(small_state(), path, _use_new_zipfile_serialization=zipped)
    assert_equal(read_checkpoint(path))


@pytest.mark.parametrize("zipped", [True, False])
def test_training_leftovers_are_passed_over(tmp_path, zipped):
    path = tmp_path / "best.ckpt"
    leftovers = {
        "epoch": 3,
        "callbacks": {argparse.Namespace: {"best": Path("x"), "score": np.float64(0.5)}},
        "hparams": argparse.Namespace(a=[1, 2], b={3, 4}),
        "state_dict": small_state(),
    }
    torch.save(leftovers, path, _use_new_zipfile_serialization=zipped)
    assert_equal(read_checkpoint(path), "state_dict.")


def test_pickled_modules(tmp_path):
    path = tmp_path / "network.pkl"
    module = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.BatchNorm2d(2))
    path.write_bytes(pickle.dumps({"G_ema": module, "training_set_kwargs": {"size": 1}}))
    found = read_checkpoint(path)
    assert found.keys() == {f"G_ema.{key}" for key in module.state_dict()}
    assert all(torch.equal(found[f"G_ema.{key}"], value) for key, value in module.state_dict().items())


def _persistent_pickle(source: str) -> bytes:
    """As StyleGAN writes modules: source text, and the state the text's class would be given."""
    state = {"_parameters": OrderedDict(w=torch.ones(2)), "_buffers": OrderedDict(), "_modules": OrderedDict()}
    meta = {"type": "class", "version": 6, "module_src": source, "class_name": "G", "state": state}
    data = pickle.dumps({"G_ema": Call(os.getcwd, meta)}, protocol=2)
    wrong, right = f"c{os.getcwd.__module__}\ngetcwd\n", "ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    assert wrong.encode() in data
    return data.replace(wrong.encode(), right.encode())


def test_source_text_in_a_pickle_is_not_run(tmp_path):
    path, mark = tmp_path / "network.pkl", tmp_path / "ran"
    path.write_bytes(_persistent_pickle(f"open({str(mark)!r}, 'w')"))
    assert {key: value.tolist() for key, value in read_checkpoint(path).items()} == {"G_ema.w": [1.0, 1.0]}
    assert not mark.exists()


def _torchscript(path: Path, code: str = "", constants: bytes = b"") -> None:
    """An archive with the layout of TorchScript: an object tree under made-up class names, storages beside it."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", 4) if value == "the storage" else None

    outer, inner = (Call(os.getcwd) for _ in range(2))
    tensor = Call(torch._utils._rebuild_tensor_v2, "the storage", 0, (2, 2), (2, 1), False, OrderedDict())
    inner.call = (os.getcwd, (), {"training": False, "weight": tensor})
    outer.call = (os.getcwd, (), {"training": False, "0": inner})
    data = io.BytesIO()
    Pickler(data, protocol=2).dump(outer)
    named = data.getvalue().replace(f"c{os.getcwd.__module__}\ngetcwd\n".encode(), b"c__torch__.nets\nGenerator\n")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("lama/data.pkl", named)
        archive.writestr("lama/data/0", struct.pack("<4f", 1, 2, 3, 4))
        archive.writestr("lama/code/__torch__/nets.py", code)
        archive.writestr("lama/constants.pkl", constants or pickle.dumps(()))


def test_torchscript_is_read_without_its_code_and_constants(tmp_path):
    path, mark = tmp_path / "big-lama.pt", tmp_path / "ran"
    _torchscript(path, f"open({str(mark)!r}, 'w')", by_hand("os", "system", f"touch {mark}"))
    assert {key: value.tolist() for key, value in read_checkpoint(path).items()} == {"0.weight": [[1, 2], [3, 4]]}
    assert not mark.exists()


def test_safetensors(tmp_path):
    path = tmp_path / "a.safetensors"
    save_file({"b": torch.ones(2), "a": torch.zeros(1)}, path, {"origin": "here"})
    assert {key: value.tolist() for key, value in read_checkpoint(path).items()} == {"a": [0.0], "b": [1.0, 1.0]}
    assert read_metadata(path) == {"origin": "here"}
    with pytest.raises(InputError, match="not a safetensors file"):
        read_metadata(Path(__file__))


HOSTILE = [
    ("os", "system", "touch {}"),
    ("posix", "system", "touch {}"),
    ("subprocess", "getoutput", "touch {}"),
    ("builtins", "eval", "open({!r}, 'w')"),
    ("builtins", "exec", "open({!r}, 'w')"),
    ("__builtin__", "eval", "open({!r}, 'w')"),
    ("builtins", "__import__", "os"),
    ("torch", "load", "{}"),
    ("torch.serialization", "load", "{}"),
    ("torch._utils", "_rebuild_tensor_v2.__globals__", "{}"),
    ("collections", "OrderedDict.__subclasses__", "{}"),
    ("collections", "abc.sys.modules", "{}"),
    ("runpy", "run_path", "{}"),
    ("pickle", "loads", "{}"),
]


@pytest.mark.parametrize("layout", ["bare", "archive", "legacy", "torchscript"])
@pytest.mark.parametrize("call", HOSTILE, ids=lambda call: ".".join(call[:2]))
def test_nothing_that_a_pickle_names_runs(tmp_path, monkeypatch, call, layout):
    path, mark, imported = tmp_path / "hostile.pt", tmp_path / "ran", []
    module, name, argument = call
    payload = by_hand(module, name, argument.format(str(mark)))
    if layout == "legacy":
        preamble = b"".join(pickle.dumps(x) for x in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
        payload = preamble + payload + pickle.dumps([])
    if layout in ("archive", "torchscript"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x/data.pkl", payload)
            archive.writestr("x/constants.pkl", payload if layout == "torchscript" else b"")
    else:
        path.write_bytes(payload)
    monkeypatch.setattr("builtins.__import__", _recording(imported, __import__))
    assert read_checkpoint(path) == {}
    assert not mark.exists()
    assert not {"subprocess", "runpy"} & set(imported)


def _recording(names: list[str], real: Any) -> Any:
    def import_(name: str, *args: Any, **options: Any) -> Any:
        names.append(name)
        return real(name, *args, **options)

    return import_


@pytest.mark.parametrize("zipped", [True, False])
def test_objects_that_call_when_unpickled_stay_husks_beside_tensors(tmp_path, zipped):
    path, mark = tmp_path / "a.pth", tmp_path / "ran"
    hostile = Call(os.system, f"touch {mark}")
    nested = [{"x": [hostile, Call(eval, f"open({str(mark)!r}, 'w')")]}, Call(Call, hostile)]
    torch.save(
        {"first": hostile, "model": small_state(), "nested": nested}, path, _use_new_zipfile_serialization=zipped
    )
    assert_equal(read_checkpoint(path), "model.")
    assert not mark.exists()


def test_a_storage_in_a_storage_is_read_by_the_same_rules(tmp_path):
    path, mark = tmp_path / "a.pkl", tmp_path / "ran"
    inner = by_hand("os", "system", f"touch {mark}")
    for data in (inner, pickle.dumps(0x1950A86A20F9469CFC6C) + inner * 3):
        path.write_bytes(pickle.dumps(Call(torch.storage._load_from_bytes, data)))
        with pytest.raises(InputError, match="read safely"):
            read_checkpoint(path)
        assert not mark.exists()


G = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
STATES = {
    "of our function": G + b"}X\x01\x00\x00\x00aK\x01sb.",
    "of our function's defaults": G + b"N}X\x0c\x00\x00\x00__defaults__)s\x86b.",
    "of a storage type": b"\x80\x02ctorch\nFloatStorage\n}X\x05\x00\x00\x00dtypeK\x01sb.",
    "of a class": b"\x80\x02ccollections\nOrderedDict\n}X\x06\x00\x00\x00updateK\x01sb.",
    "of a class's slots": b"\x80\x02ccollections\nOrderedDict\nN}X\x06\x00\x00\x00updateK\x01s\x86b.",
    "of the husk's class": b"\x80\x02cany\nthing\nN}X\x07\x00\x00\x00__new__K\x01s\x86b.",
}


@pytest.mark.parametrize("data", STATES.values(), ids=STATES.keys())
def test_a_pickle_cannot_alter_what_it_is_given(tmp_path, data):
    path = tmp_path / "a.pkl"
    path.write_bytes(data)
    with pytest.raises(InputError, match="read safely"):
        read_checkpoint(path)
    torch.save(small_state(), path)
    assert_equal(read_checkpoint(path))


def _archive_with(
    path: Path, tensor_args: tuple[Any, ...], elements: int = 4, compression: int = zipfile.ZIP_STORED
) -> None:
    class Pickler(pickle.Pickler):
        def persistent_id(self, value: Any) -> Any:
            return ("storage", torch.FloatStorage, "0", "cpu", elements) if value == "the storage" else None

    data = io.BytesIO()
    Pickler(data, protocol=2).dump({"w": Call(torch._utils._rebuild_tensor_v2, "the storage", *tensor_args)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", data.getvalue())
        archive.writestr("x/data/0", struct.pack("<4f", 1, 2, 3, 4), compression)


@pytest.mark.parametrize(
    ("args", "elements", "word"),
    [
        ((0, (5,), (1,)), 4, "outside"),
        ((3, (2,), (1,)), 4, "outside"),
        ((0, (2, 2), (3, 1)), 4, "outside"),
        ((0, (1000, 1000), (0, 0)), 4, "outside"),
        ((-1, (2,), (1,)), 4, "whole numbers"),
        ((0, (2,), (-1,)), 4, "whole numbers"),
        ((0, (2.0,), (1,)), 4, "whole numbers"),
        ((0, (2,), ()), 4, "whole numbers"),
        ((0, (2,), (1,)), 1 << 40, "larger than the file"),
        ((0, (2,), (1,)), 5, "too short"),
        ((0, (2,), (1,)), -1, "not a storage"),
    ],
)
def test_tensors_stay_within_their_storages_and_storages_within_the_file(tmp_path, args, elements, word):
    path = tmp_path / "a.pt"
    _archive_with(path, args, elements)
    with pytest.raises(InputError, match=word):
        read_checkpoint(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_index_takes_no_more_memory_than_it_may(tmp_path, compression):
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x/data.pkl", b"\x80\x02" + b"]0" * (48 << 20) + b"].", compression)
    data = bytearray(path.read_bytes())
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(signature)
        data[start + place : start + place + 4] = struct.pack("<I", 100)  # what it says that it unpacks to
    path.write_bytes(data)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"a\.pt"):
        read_checkpoint(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_text_takes_no_more_memory_than_the_file_is_long(tmp_path):
    path = tmp_path / "a.bin"
    word = b"X" + struct.pack("<I", 1000) + b"a" * 1000 + b"q\x01"
    call = b"c_codecs\nencode\nh\x01\x85R"
    path.write_bytes(b"\x80\x02](" + word + call * 500 + b"e.")
    with pytest.raises(InputError, match="more text than it holds"):
        read_checkpoint(path)


def test_compressed_storages_are_refused(tmp_path):
    path = tmp_path / "a.pt"
    _archive_with(path, (0, (2,), (1,)), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="compressed"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02]r\xff\xff\xff\x7f.",  # a memo of two thousand million places
        b"\x80\x02]p2147483647\n.",
        b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx.",  # as many bytes
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x02" + b"]" * 200 + b"a" * 199 + b".",  # containers without end
        b"\x80\x02]q\x00h\x00a.",  # a list that holds itself
        b"",
        b"PK\x03\x04",
        b"text",
        b"\x80\x02ctorch\nFloatStorage\nQ.",
        b"\x80\x02}(" + b")" + b"\x85" * 1_000_000 + b"K\x01u.",  # a key whose hash has no end
        b"\x80\x04}(" + b")\x94" + b"h\x000\x85" * 600 + b"K\x01u.",
        b"\x80\x02}(" + b")q\x00" + b"0h\x00\x85q\x00" * 1000 + b"h\x00K\x01u.",  # the same through the memo
    ],
)
def test_malformed_files_are_refused_in_words(tmp_path, data):
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.bin"):
        read_checkpoint(path)


def test_a_file_that_is_not_there_or_holds_two_checkpoints(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        read_checkpoint(tmp_path / "none.pt")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}))
        archive.writestr("b/data.pkl", pickle.dumps({}))
    with pytest.raises(InputError, match="or several"):
        read_checkpoint(tmp_path / "two.zip")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_files_that_were_cut_short(tmp_path, share, zipped):
    path = tmp_path / "a.pth"
    torch.save(small_state(), path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(InputError, match="read safely"):
        read_checkpoint(path)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4), st.booleans())
def test_damaged_files_are_read_or_refused(tmp_path_factory, changes, bare):
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    if bare:
        data = bytearray(_persistent_pickle("pass"))
    else:
        buffer = io.BytesIO()
        torch.save(small_state(), buffer, _use_new_zipfile_serialization=False)
        data = bytearray(buffer.getvalue())
    for place, value in changes:
        data[place % len(data)] = value
    path.write_bytes(data)
    try:
        found = read_checkpoint(path)
    except InputError:
        return
    assert all(isinstance(value, torch.Tensor) for value in found.values())


def test_flatten_names_what_encloses():
    assert flatten({"a": [1, "b"], 3: None}) == {}
