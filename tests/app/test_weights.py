import dataclasses
import hashlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from app import weights as page
from app.hosting import SHARED
from app.removing import label_of, usable
from app.session import Settings
from tests.unit.weights_server import Page, Server, tiny_lama
from vidremove import weights
from vidremove.errors import PluginError
from vidremove.published import PUBLISHED, Source

pytestmark = pytest.mark.filterwarnings("default")  # Streamlit's own
torch.set_num_threads(1)
WAIT_S = 60


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Small weights of LaMa, published by a server of our own; none are here yet."""
    file = BytesIO()
    torch.save({f"model.{key}": value for key, value in tiny_lama().state_dict().items()}, file)
    body = file.getvalue()
    with Server().running() as server:
        server.pages["/lama"] = Page(body)
        source = Source(f"{server.url}/lama", "big-lama.pt", len(body), hashlib.sha256(body).hexdigest())
        entries = [
            dataclasses.replace(each, network="tests.unit.weights_server:tiny_lama", sources=(source,))
            if each.name == "lama"
            else each
            for each in PUBLISHED
        ]
        monkeypatch.setattr(weights, "PUBLISHED", entries)
        monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path / "kept"))
        monkeypatch.delenv("VIDREMOVE_OFFLINE", raising=False)
        monkeypatch.setattr(page, "_fetches", {})
        yield server


def offer() -> None:
    from app.weights import show_offer

    show_offer("lama")


def asked_mat() -> None:
    from app.weights import show_offer

    show_offer("mat")


def shown(script: AppTest) -> str:
    texts = [element.value for kind in (script.caption, script.warning) for element in kind]
    return " ".join(texts).replace("\\", "")


@pytest.mark.usefixtures("server")
def test_what_is_missing_is_said_with_size_and_licence_and_fetched_on_a_click() -> None:
    script = AppTest.from_function(offer, default_timeout=WAIT_S).run()
    assert "LaMa" in shown(script)
    assert "MB" in shown(script)
    assert "Apache-2.0" in shown(script)
    script.button(key="fetch_lama").click().run()
    assert page._fetches["lama"].wait(WAIT_S)
    script.run()
    assert not script.exception
    assert page.present("lama")
    assert not script.button
    assert [way.fill for way in usable(Settings(fill="lama+mat"))] == ["lama"]


def test_a_fetch_tells_how_far_it_is_and_goes_on_after_cancel(server: Server) -> None:
    server.pages["/lama"].pause_s = 0.02
    run = page.fetch("lama")
    assert page.fetch("lama") is run
    script = AppTest.from_function(offer, default_timeout=WAIT_S).run()
    script.button(key="stop_lama").click().run()
    assert run.wait(WAIT_S)
    assert run.cancelled
    server.pages["/lama"].pause_s = 0
    script.run()
    assert "goes on from there" in shown(script)
    again = page.fetch("lama")
    assert again.wait(WAIT_S)
    assert not again.error
    assert page.present("lama")
    assert server.asked[-1][1] is not None  # only the rest was asked for


def test_a_fetch_that_fails_is_one_sentence_and_the_embedded_fill_stays(server: Server) -> None:
    server.pages["/lama"].code = 404
    settings = Settings(fill="lama+patch")
    run = page.fetch("lama")
    assert run.wait(WAIT_S)
    script = AppTest.from_function(offer, default_timeout=WAIT_S).run()
    assert "none of its sources can be reached. The embedded fill is used." in shown(script)
    assert "404" in shown(script)  # in full
    assert script.button(key="fetch_lama")
    assert [way.fill for way in usable(settings)] == ["patch"]
    assert [way.fill for way in usable(Settings(fill="lama"))] == ["patch"]


@pytest.mark.usefixtures("server")
def test_offline_is_said_without_asking_the_net(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDREMOVE_OFFLINE", "1")
    run = page.fetch("mat")
    assert run.wait(WAIT_S)
    assert "VIDREMOVE_OFFLINE" in page.failure("mat")
    script = AppTest.from_function(asked_mat, default_timeout=WAIT_S).run()
    assert "VIDREMOVE_OFFLINE forbids it. The embedded fill is used." in shown(script)


@pytest.mark.usefixtures("server")
def test_strangers_fetch_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED, "1")
    script = AppTest.from_function(offer, default_timeout=WAIT_S).run()
    assert not script.button
    assert "vidremove weights get lama" in shown(script)


def asked() -> None:
    from app.weights import show_for_words

    show_for_words("the weights 'lavt' are not in /some/folder. Fetch them: vidremove weights get lavt")


@pytest.mark.usefixtures("server")
def test_an_error_that_asks_for_weights_is_followed_by_the_offer() -> None:
    with pytest.raises(PluginError) as error:
        weights.path("lavt")
    assert "weights 'lavt' are not" in str(error.value)
    script = AppTest.from_function(asked, default_timeout=WAIT_S).run()
    assert script.button(key="fetch_lavt")
    assert "LAVT" in shown(script)
    assert len(script.button) == 1


def test_what_needs_no_weights_is_always_present() -> None:
    assert page.present("patch")
    assert page.missing(("patch", "telea")) == ()
    assert label_of(("lama", "mat")) == "LaMa and MAT"
