"""What `vidremove doctor` tells of a machine."""

import json
from pathlib import Path

import pytest

from vidremove.cli.main import main
from vidremove.doctor import PACKAGES, examine
from vidremove.media import list_encoders
from vidremove.published import PUBLISHED
from vidremove.registry import list_plugins


@pytest.fixture(autouse=True)
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path))
    return tmp_path


def test_every_section_has_its_rows() -> None:
    found = examine()
    assert list(found) == ["machine", "packages", "encoders", "weights", "choices"]
    assert set(found["machine"]) == {"python", "system", "cores", "device"}
    assert int(found["machine"]["cores"]) > 0
    assert set(found["packages"]) == set(PACKAGES)
    assert found["packages"]["numpy"][0].isdigit()
    assert found["encoders"] == {name: "yes" if there else "no" for name, there in list_encoders().items()}
    assert found["encoders"]["libx264"] == "yes"
    assert found["weights"] == {entry.name: "missing" for entry in PUBLISHED}
    assert found["choices"]["inpainters"] == ", ".join(list_plugins("inpainter"))
    assert found["choices"]["segmenters"] == ", ".join(list_plugins("segmenter"))


def test_choices_follow_the_weights_that_are_here(weights: Path) -> None:
    before = examine()
    assert "'embedded'" in before["choices"]["click, box"]
    assert "not here: vidremove weights get lavt" in before["choices"]["text"]
    for name in ("lavt", "transfiner"):
        (weights / f"{name}.safetensors").write_bytes(b"")
    after = examine()
    assert "'transfiner'" in after["choices"]["click, box"]
    assert after["choices"]["text"].endswith("its weights are here")
    assert {name for name, state in after["weights"].items() if state == "present"} == {"lavt", "transfiner"}


def test_packages_that_are_not_there_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidremove.doctor.PACKAGES", ("numpy", "no-such-package"))
    assert examine()["packages"]["no-such-package"] == "not installed"


def test_the_verb_prints_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for title, rows in examine().items():
        assert title in lines
        assert all(
            any(line.split()[:1] == name.split()[:1] and value in line for line in lines)
            for name, value in rows.items()
        )


def test_the_verb_gives_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    event = json.loads(capsys.readouterr().out)
    assert {name: event[name] for name in examine()} == examine()
