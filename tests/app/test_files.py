import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from app import files
from app.files import Member, find_offer, offer_file, offer_zip, send, zip_pieces

pytestmark = pytest.mark.filterwarnings("ignore:.*httpx")


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Route(files.ROUTE, send)]))


def test_a_file_is_sent_whole_and_in_parts(client: TestClient, tmp_path: Path) -> None:
    path = tmp_path / "1.mp4"
    path.write_bytes(bytes(range(250)) * 1000)
    url = offer_file(path, shown=True)
    whole = client.get(url)
    assert whole.content == path.read_bytes()
    assert whole.headers["content-type"] == "video/mp4"
    part = client.get(url, headers={"Range": "bytes=250-251"})
    assert part.status_code == 206
    assert part.content == b"\x00\x01"


def test_a_file_to_be_saved_has_the_name_it_was_given(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "1.mp4").write_bytes(b"x")
    answer = client.get(offer_file(tmp_path / "1.mp4", "clean.mp4"))
    assert answer.headers["content-disposition"] == 'attachment; filename="clean.mp4"'


def test_a_url_is_that_of_one_file_and_stays(tmp_path: Path) -> None:
    for name in ("1.mp4", "2.mp4"):
        (tmp_path / name).write_bytes(b"x")
    one = offer_file(tmp_path / "1.mp4")
    assert offer_file(tmp_path / "1.mp4") == one
    assert offer_file(tmp_path / "2.mp4") != one
    (tmp_path / "1.mp4").write_bytes(b"longer")
    assert offer_file(tmp_path / "1.mp4") != one
    assert len(one.rpartition("/")[2]) >= 32  # nobody guesses it


@pytest.mark.parametrize("key", ["nothing", "..%2f..%2fetc%2fpasswd", "%00"])
def test_nothing_else_is_sent(client: TestClient, key: str) -> None:
    assert client.get(f"/files/{key}").status_code == 404


def test_a_file_that_has_gone_is_told(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "1.mp4").write_bytes(b"x")
    url = offer_file(tmp_path / "1.mp4")
    (tmp_path / "1.mp4").unlink()
    assert client.get(url).status_code == 404


def test_an_archive_is_made_while_it_is_sent(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a" * 200_000)

    def members() -> Iterator[Member]:
        yield "folder/a.bin", tmp_path / "a"
        yield "b.txt", b"two"

    url = offer_zip("both.zip", "both", members)
    assert offer_zip("both.zip", "both", members) == url
    answer = client.get(url)
    assert answer.headers["content-disposition"] == 'attachment; filename="both.zip"'
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["folder/a.bin", "b.txt"]
        assert archive.read("folder/a.bin") == b"a" * 200_000


def test_an_archive_holds_one_piece_at_a_time() -> None:
    made = 0

    def members() -> Iterator[Member]:
        nonlocal made
        for number in range(50):
            made += 1
            yield f"{number}.bin", bytes(1000)

    pieces = zip_pieces(members())
    next(pieces)
    assert made == 1


def test_the_oldest_offers_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MOST", 2)
    for name in "abc":
        (tmp_path / name).write_bytes(b"x")
    keys = [offer_file(tmp_path / name).rpartition("/")[2] for name in "abc"]
    assert find_offer(keys[0]) is None
    assert find_offer(keys[2]) is not None
