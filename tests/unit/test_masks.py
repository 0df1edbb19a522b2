"""MaskStore: what goes in comes out, bounded in memory, whatever happens to the file."""

import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vidremove.errors import InputError, OutputError, ShapeError
from vidremove.masks import MaskStore

SIZE = (37, 53)


def blob(seed: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    random = np.random.default_rng(seed)
    mask = np.zeros(size, np.bool_)
    y, x = random.integers(0, size[0] - 9), random.integers(0, size[1] - 9)
    mask[y : y + 9, x : x + 9] = random.random((9, 9)) > 0.3
    return mask


def test_masks_and_confidences_come_back(tmp_path: Path) -> None:
    with MaskStore(tmp_path / "m", 20, SIZE) as store:
        for index in (7, 0, 19, 3):
            store.put(index, blob(index), index / 20)
        store.put(5, np.ones(SIZE, np.bool_))
        for index in (3, 19, 0, 7):
            np.testing.assert_array_equal(store.get(index), blob(index))
            assert store.confidence(index) == pytest.approx(index / 20)
            assert store.area(index) == blob(index).sum()
        assert store.get(5).all()


def test_a_frame_never_written_is_empty_with_no_confidence(tmp_path: Path) -> None:
    with MaskStore(tmp_path / "m", 3, SIZE) as store:
        store.put(1, np.zeros(SIZE, np.bool_), 0.7)
        assert [(store.area(i), store.confidence(i)) for i in range(3)] == [(0, 0), (0, pytest.approx(0.7)), (0, 0)]
        assert not any(mask.any() for mask in store)
        assert len(store) == 3


def test_the_last_write_counts(tmp_path: Path) -> None:
    with MaskStore(tmp_path / "m", 2, SIZE) as store:
        for seed in range(5):
            store.put(1, blob(seed), seed / 5)
        np.testing.assert_array_equal(store.get(1), blob(4))
        store.put(1, np.zeros(SIZE, np.bool_))
        assert not store.get(1).any()


def test_what_get_gives_is_the_callers_own(tmp_path: Path) -> None:
    with MaskStore(tmp_path / "m", 1, SIZE) as store:
        store.put(0, blob(1))
        store.get(0)[:] = True
        np.testing.assert_array_equal(store.get(0), blob(1))


def test_a_store_is_opened_again(tmp_path: Path) -> None:
    with MaskStore(tmp_path / "m", 4, SIZE) as store:
        store.put(2, blob(2), 0.5)
    with MaskStore.open(tmp_path / "m") as store:
        assert (len(store), store.size) == (4, SIZE)
        np.testing.assert_array_equal(store.get(2), blob(2))
        store.put(3, blob(3))
        np.testing.assert_array_equal(store.get(3), blob(3))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mask=arrays.arrays(np.bool_, arrays.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_any_mask_comes_back(tmp_path: Path, mask: np.ndarray) -> None:
    with MaskStore(tmp_path / "m", 1, (mask.shape[0], mask.shape[1])) as store:
        store.put(0, mask)
        np.testing.assert_array_equal(store.get(0), mask)


@pytest.mark.parametrize("wrong", [np.zeros((3, 3), np.bool_), np.zeros(SIZE, np.uint8)])
def test_wrong_shape_or_type_is_refused(tmp_path: Path, wrong: np.ndarray) -> None:
    with MaskStore(tmp_path / "m", 1, SIZE) as store, pytest.raises(ShapeError, match="needed bool"):
        store.put(0, wrong)


@pytest.mark.parametrize("index", [-1, 4])
def test_no_such_frame(tmp_path: Path, index: int) -> None:
    with MaskStore(tmp_path / "m", 4, SIZE) as store:
        for read in (store.get, store.area, store.confidence):
            with pytest.raises(IndexError):
                read(index)
        with pytest.raises(IndexError):
            store.put(index, blob(0))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with MaskStore(path, 50, SIZE) as store:
        store.put(0, blob(0))
    whole = path.read_bytes()
    for content in (b"", b"hello" * 100, whole[:19], whole[:200]):
        path.write_bytes(content)
        with pytest.raises(InputError, match="m"):
            MaskStore.open(path)
    path.write_bytes(whole[:12] + struct.pack("<II", 2**32 - 1, 2**32 - 1) + whole[20:])
    with pytest.raises(InputError, match="damaged"):
        MaskStore.open(path)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.integers(20, 10**4), st.integers(0, 255)), min_size=1, max_size=6))
def test_flipped_bytes_give_a_mask_or_a_sentence(tmp_path: Path, places: list[tuple[int, int]]) -> None:
    path = tmp_path / "m"
    with MaskStore(path, 6, SIZE) as store:
        for index in range(6):
            store.put(index, blob(index))
    data = bytearray(path.read_bytes())
    for place, value in places:
        data[place % (len(data) - 20) + 20] = value
    path.write_bytes(data)
    with MaskStore.open(path) as store:
        for index in range(6):
            try:
                assert store.get(index).shape == SIZE
            except InputError as error:
                assert f"frame {index} is damaged" in str(error)  # noqa: PT017


def test_threads_share_a_store(tmp_path: Path) -> None:
    wrong: list[int] = []
    with MaskStore(tmp_path / "m", 200, SIZE) as store:
        for index in range(100):
            store.put(index, blob(index))

        def read() -> None:
            for index in range(100):
                if not np.array_equal(store.get(index), blob(index)):
                    wrong.append(index)

        threads = [threading.Thread(target=read) for _ in range(3)]
        for thread in threads:
            thread.start()
        for index in range(100, 200):
            store.put(index, blob(index))
        for thread in threads:
            thread.join()
        assert all(np.array_equal(store.get(index), blob(index)) for index in range(200))
    assert wrong == []


def test_it_is_compact(tmp_path: Path) -> None:
    y, x = np.mgrid[0:1080, 0:1920]
    disk = (y - 500) ** 2 + (x - 900) ** 2 < 200**2
    with MaskStore(tmp_path / "m", 100, (1080, 1920)) as store:
        for index in range(100):
            store.put(index, disk)
    assert os.path.getsize(tmp_path / "m") < 100 * 4000  # 259 200 bytes each as packed bits


FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from vidremove.errors import OutputError
from vidremove.masks import MaskStore
limit, frames, empty = (int(n) for n in sys.argv[2:])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
random = np.random.default_rng(0)
try:
    with MaskStore(Path(sys.argv[1]), frames, (100, 100)) as store:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit if not empty else 100, limit))
        for index in range(frames):
            store.put(index, (random.random((100, 100)) > 0.5) & (not empty))
except OutputError as error:
    print(error)
    sys.exit(1)
"""


@pytest.mark.parametrize(
    ("limit", "frames", "empty"),
    [(20000, 50, 0), (0, 50, 0), (100, 50, 0), (20000, 50, 1)],  # in a mask, the head, the table, an empty mask
)
def test_full_disk_is_one_sentence(tmp_path: Path, limit: int, frames: int, empty: int) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path / "m"), str(limit), str(frames), str(empty)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "free some space" in done.stdout


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be kept"):
        MaskStore(tmp_path / "no" / "m", 3, SIZE)
