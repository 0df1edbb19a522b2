import errno
import hashlib
import os
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.weights_server import Page, Server
from vidremove.download import download, download_from_drive
from vidremove.errors import Cancelled, OutputError, PluginError
from vidremove.types import Progress

BODY = bytes(range(256)) * 40  # 10,240 bytes
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server().running() as server:
        yield server


def fetch(server: Server, target: Path, **options: Any) -> str:
    return download(f"{server.url}/file", target, **{"pause_s": 0.0, "timeout_s": 5.0, **options})


def test_whole_file_with_progress(server, tmp_path):
    server.pages["/file"] = Page(BODY)
    steps: list[Progress] = []
    assert fetch(server, tmp_path / "f", size=len(BODY), sha256=SHA, on_progress=steps.append) == SHA
    assert (tmp_path / "f").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert steps[-1] == Progress("download", len(BODY), len(BODY))
    assert [step.done for step in steps] == sorted(step.done for step in steps)


@pytest.mark.parametrize("tag", ['"1"', ""])
def test_cut_off_transfers_go_on_where_they_stopped(server, tmp_path, tag):
    server.pages["/file"] = Page(BODY, cut_at=[3000, 7000], tag=tag)
    assert fetch(server, tmp_path / "f", sha256=SHA) == SHA
    assert [asked for _, asked in server.asked] == [None, "bytes=3000-", "bytes=7000-"]
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_later_call_goes_on(server, tmp_path):
    server.pages["/file"] = Page(BODY, cut_at=[3000])
    with pytest.raises(PluginError, match="cut off after 3000 of 10240 bytes"):
        fetch(server, tmp_path / "f", attempts=1)
    assert not (tmp_path / "f").exists()
    fetch(server, tmp_path / "f")
    assert server.asked[-1][1] == "bytes=3000-"
    assert (tmp_path / "f").read_bytes() == BODY


def test_another_version_is_not_joined_to_the_part(server, tmp_path):
    server.pages["/file"] = Page(BODY, cut_at=[3000])
    with pytest.raises(PluginError, match="cut off"):
        fetch(server, tmp_path / "f", attempts=1)
    server.pages["/file"] = Page(BODY[::-1], tag='"2"')
    fetch(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY[::-1]


def test_a_part_of_unknown_version_is_begun_anew_when_no_hash_would_tell(server, tmp_path):
    (tmp_path / "f.part").write_bytes(b"something else")
    server.pages["/file"] = Page(BODY)
    fetch(server, tmp_path / "f")
    assert server.asked == [("/file", None)]
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_server_without_ranges_sends_all_again(server, tmp_path):
    server.pages["/file"] = Page(BODY, cut_at=[3000], ranges=False)
    fetch(server, tmp_path / "f", sha256=SHA)
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_wrong_part_is_begun_anew(server, tmp_path):
    (tmp_path / "f.part").write_bytes(b"x" * 500)
    server.pages["/file"] = Page(BODY)
    assert fetch(server, tmp_path / "f", sha256=SHA) == SHA
    assert [asked for _, asked in server.asked] == ["bytes=500-", None]


@pytest.mark.parametrize("length", [len(BODY), len(BODY) + 5])
def test_a_part_of_full_length_or_more(server, tmp_path, length):
    (tmp_path / "f.part").write_bytes((BODY + b"extra")[:length])
    server.pages["/file"] = Page(BODY)
    assert fetch(server, tmp_path / "f", sha256=SHA) == SHA
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_wrong_hash_is_not_kept(server, tmp_path):
    server.pages["/file"] = Page(BODY + b"!")
    with pytest.raises(PluginError, match=f"needed {SHA}. It was not kept"):
        fetch(server, tmp_path / "f", sha256=SHA)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_length_is_not_even_fetched(server, tmp_path):
    server.pages["/file"] = Page(BODY)
    with pytest.raises(PluginError, match="has 10240 bytes, needed 10"):
        fetch(server, tmp_path / "f", size=10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [403, 404, 410])
def test_refusals_are_not_repeated(server, tmp_path, code):
    server.pages["/file"] = Page(code=code)
    with pytest.raises(PluginError, match=f"answers {code}"):
        fetch(server, tmp_path / "f")
    assert len(server.asked) == 1


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.pages["/file"] = Page(BODY, fail_first=2)
    fetch(server, tmp_path / "f")
    assert len(server.asked) == 3


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed_with_the_range(server, tmp_path, code):
    server.pages["/file"] = Page(code=code, location="/real")
    server.pages["/real"] = Page(BODY, cut_at=[4000])
    assert fetch(server, tmp_path / "f", sha256=SHA) == SHA
    assert server.asked == [("/file", None), ("/real", None), ("/file", "bytes=4000-"), ("/real", "bytes=4000-")]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_redirects_lead_to_http_only(server, tmp_path, location):
    server.pages["/file"] = Page(code=302, location=location)
    with pytest.raises(PluginError, match=r"not (followed|allowed)"):
        fetch(server, tmp_path / "f")


def test_redirects_without_end(server, tmp_path):
    server.pages["/file"] = Page(code=302, location="/file")
    with pytest.raises(PluginError, match="answers 302"):
        fetch(server, tmp_path / "f")


def test_other_addresses_are_not_fetched(tmp_path):
    with pytest.raises(PluginError, match="only http and https"):
        download("file:///etc/passwd", tmp_path / "f")


def test_a_slow_server_is_waited_for_and_a_silent_one_is_not(server, tmp_path):
    server.pages["/file"] = Page(BODY, pause_s=0.02)
    assert fetch(server, tmp_path / "f", timeout_s=1.0) == SHA
    server.pages["/file"] = Page(BODY, pause_s=1.0)
    with pytest.raises(PluginError, match=r"timed out\), 2 times"):
        fetch(server, tmp_path / "g", timeout_s=0.1, attempts=2)


def test_a_file_of_unlimited_length(server, tmp_path):
    server.pages["/file"] = Page(BODY, length=False)
    assert fetch(server, tmp_path / "f") == SHA


def test_nobody_listens(tmp_path):
    with Server().running() as server:
        pass
    with pytest.raises(PluginError, match="cannot be reached"):
        fetch(server, tmp_path / "f", attempts=2)


def test_stopping_keeps_what_has_come(server, tmp_path):
    server.pages["/file"] = Page(BODY)
    with pytest.raises(Cancelled, match="are kept"):
        fetch(server, tmp_path / "f", on_progress=lambda step: False)
    assert (tmp_path / "f.part").stat().st_size > 0
    assert fetch(server, tmp_path / "f") == SHA


def test_a_full_disk_is_noticed_before_and_during_the_transfer(server, tmp_path, monkeypatch):
    server.pages["/file"] = Page(BODY)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1000))
        with pytest.raises(OutputError, match="0 MB are free"):
            fetch(server, tmp_path / "f")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(OutputError, match="No space left on device"):
            fetch(server, tmp_path / "f")
    assert not (tmp_path / "f").exists()
    assert fetch(server, tmp_path / "f") == SHA


def test_a_folder_that_cannot_be_written(server, tmp_path):
    server.pages["/file"] = Page(BODY)
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match="VIDREMOVE_WEIGHTS"):
        fetch(server, tmp_path / "file" / "f")
    if os.geteuid() != 0:  # root writes anywhere
        (tmp_path / "closed").mkdir(mode=0o500)
        with pytest.raises(OutputError, match="Permission denied"):
            fetch(server, tmp_path / "closed" / "f")


def _fake_gdown(monkeypatch: pytest.MonkeyPatch, download: Any) -> None:
    module = types.ModuleType("gdown")
    module.download = download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gdown", module)


def test_google_drive_goes_through_gdown(tmp_path, monkeypatch):
    def get(*, id: str, output: str, quiet: bool, resume: bool, progress: Any) -> str:
        assert (id, quiet, resume) == ("key", True, True)
        Path(output).write_bytes(BODY)
        progress(len(BODY), None)
        return output

    _fake_gdown(monkeypatch, get)
    steps: list[Progress] = []
    assert download_from_drive("key", tmp_path / "f", steps.append) == SHA
    assert steps == [Progress("download", len(BODY), 0)]
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    with pytest.raises(Cancelled):
        download_from_drive("key", tmp_path / "f", lambda step: False)


def test_google_drive_without_gdown_or_with_its_refusal_says_where_the_file_is(tmp_path, monkeypatch):
    def refuse(**_options: Any) -> None:
        raise RuntimeError("too many users")

    monkeypatch.setitem(sys.modules, "gdown", None)
    with pytest.raises(PluginError, match=r"drive\.google\.com/file/d/key/view.*not installed"):
        download_from_drive("key", tmp_path / "f")
    _fake_gdown(monkeypatch, refuse)
    with pytest.raises(PluginError, match="too many users"):
        download_from_drive("key", tmp_path / "f")
