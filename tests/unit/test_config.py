from pathlib import Path

import pytest

from vidremove.config import Config, list_settings, load_config
from vidremove.errors import ConfigError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda path: path.name)
def test_every_file_in_configs_loads(path: Path) -> None:
    assert isinstance(load_config(path), Config)
    assert load_config(path.stem) == load_config(path)


def test_overrides_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[fill]\ndilate = 7\ninpainter = 'telea'\n")
    config = load_config(file, ["fill.dilate=9", "device=cpu"])
    assert (config.fill.dilate, config.fill.inpainter, config.device) == (9, "telea", "cpu")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[fill]\ndialte = 4\n", "unknown key 'dialte'. Known: .*dilate"),
        ("[fil]\ndilate = 4\n", "unknown key 'fil'"),
        ("[fill]\ndilate = 'much'\n", "dilate is 'much', needed int"),
        ("[fill]\ndilate = -2\n", "dilate is -2, needed -1 to 200"),
        ("[fill]\nsteadiness = 1.0\n", "needed 0.0 to 0.95"),
        ("fill = 3\n", "is a section"),
        ("[output]\npreset = 'foo'\n", "preset is 'foo'. Known: ultrafast, .*medium, .*placebo"),
        ("fill = [", "cannot be read"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("text", ["fill.dilate", "fill.dialte=3", "fill=3", "fill.dilate=", "fill.dilate.more=1"])
def test_a_bad_override_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        load_config(None, [text])


def test_the_settings_are_listed_with_what_they_may_be() -> None:
    found = {key: (default, allowed) for key, default, allowed in list_settings()}
    assert found["fill.dilate"] == ("-1", "-1 to 200")
    assert found["output.lossless"] == ("false", "true, false")
    assert found["device"] == ("auto", "auto, cpu, cuda, mps")
    for key, (default, _) in found.items():
        assert load_config(overrides=[f"{key}={default}"]) == Config()


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match="no_such"):
        load_config("no_such.toml")
