"""Bad input gets one clear sentence, exit code 1 (2 for wrong usage), and nothing is lost."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.scenes import write_clip
from vidremove.cli.main import main

HEIGHT, WIDTH, FRAMES = 64, 96, 12


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip"), FRAMES, HEIGHT, WIDTH)[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    frames = tmp_path / "frames"
    frames.mkdir()
    for index in range(3):
        image = np.full((HEIGHT, WIDTH, 3), 40 * index, np.uint8)
        cv2.imwrite(str(frames / f"f{index}.png"), image)
    return frames


Refuse = Callable[..., str]


@pytest.fixture
def refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refuse:
    """Run the command line, expect exit code 1 and one line; nothing else may change in the folder."""

    def run(*arguments: object) -> str:
        before = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*")) if path.is_file()}
        assert main([str(argument) for argument in arguments]) == 1
        after = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*")) if path.is_file()}
        assert after == before
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("vidremove: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err

    return run


CLICK = ("--click", "48,35")


def test_no_such_file(tmp_path: Path, refuse: Refuse) -> None:
    assert "nowhere.mp4" in refuse("remove", tmp_path / "nowhere.mp4", tmp_path / "out.mp4", *CLICK)


def test_folder_without_pictures(tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no pictures")
    assert "empty" in refuse("remove", tmp_path / "empty", tmp_path / "out", *CLICK)


def test_mixed_sizes_name_the_frame(tmp_path: Path, folder: Path, refuse: Refuse) -> None:
    cv2.imwrite(str(folder / "f1.png"), np.zeros((HEIGHT, WIDTH - 2, 3), np.uint8))
    message = refuse("remove", folder, tmp_path / "out", *CLICK)
    assert "f1.png" in message
    assert f"{WIDTH - 2}x{HEIGHT}" in message


def test_damaged_picture_names_the_frame(tmp_path: Path, folder: Path, refuse: Refuse) -> None:
    file = folder / "f2.png"
    file.write_bytes(file.read_bytes()[:60])
    assert "f2.png" in refuse("remove", folder, tmp_path / "out", *CLICK)


@pytest.mark.parametrize("content", [b"", b"hello, this is text\n" * 50])
def test_no_video_inside(tmp_path: Path, refuse: Refuse, content: bytes) -> None:
    (tmp_path / "fake.mp4").write_bytes(content)
    assert "fake.mp4" in refuse("remove", tmp_path / "fake.mp4", tmp_path / "out.mp4", *CLICK)


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        (("--click", "96,10"), "96x64"),
        (("--click", "10,10@12"), "from 0 to 11"),
        (("--click", "10"), "X,Y"),
        (("--box", "9,9,9,3"), "stand apart"),
        (("--box", "200,200,300,300"), "96x64"),
        (("--mask", "nowhere.png"), "nowhere.png"),
        (("--click", "10,10", "--start", "20"), "12"),
        (("--click", "10,10", "--start", "8", "--end", "4"), "8"),
        (("--click", "10,10", "--start", "4"), "from 4"),
        ((), "click"),
        (("--not", "10,10"), "only says what is not the object"),
        (("--mask", ""), "nothing is said"),
        (("--mask", "x" * 300), "xxx"),
        (("--click", "10,10", "--set", "device=zz"), "device is 'zz'"),
        (("--click", "10,10", "--set", "output.preset=foo"), "Known: ultrafast"),
        (("--click", "10,10", "--set", "fill.dialte=4"), "dialte"),
        (("--click", "10,10", "--config", "nowhere.toml"), "nowhere.toml"),
        (("--click", "10,10", "--fill", "nothing"), "nothing"),
        (("--text", "the ball"), "vidremove weights get lavt"),
    ],
)
def test_bad_prompt_or_setting(clip: Path, tmp_path: Path, refuse: Refuse, prompt: tuple[str, ...], words: str) -> None:
    assert words in refuse("remove", clip, tmp_path / "out.mp4", *prompt)


def test_mask_of_another_size(clip: Path, tmp_path: Path, refuse: Refuse) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), np.full((10, 10), 255, np.uint8))
    message = refuse("remove", clip, tmp_path / "out.mp4", "--mask", tmp_path / "m.png")
    assert "10x10" in message
    assert "96x64" in message


def test_empty_mask(clip: Path, tmp_path: Path, refuse: Refuse) -> None:
    cv2.imwrite(str(tmp_path / "m.png"), np.zeros((HEIGHT, WIDTH), np.uint8))
    assert "empty" in refuse("remove", clip, tmp_path / "out.mp4", "--mask", tmp_path / "m.png")


def test_too_few_masks(clip: Path, tmp_path: Path, folder: Path, refuse: Refuse) -> None:
    message = refuse("remove", clip, tmp_path / "out.mp4", "--mask", folder)
    assert "3" in message
    assert str(FRAMES) in message


def test_masks_and_prompts_together(clip: Path, tmp_path: Path, folder: Path, refuse: Refuse) -> None:
    assert "no other prompt" in refuse("remove", clip, tmp_path / "out.mp4", "--mask", folder, *CLICK)


def test_existing_target_is_kept(clip: Path, tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "out.mp4").write_bytes(b"precious")
    assert "--overwrite" in refuse("remove", clip, tmp_path / "out.mp4", *CLICK)
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"


def test_target_inside_the_source_folder(folder: Path, refuse: Refuse) -> None:
    assert "inside" in refuse("remove", folder, folder / "out", *CLICK)


def test_target_is_the_source(tmp_path: Path, folder: Path, refuse: Refuse) -> None:
    refuse("remove", folder, folder, *CLICK, "--overwrite")


def test_target_folder_is_missing(clip: Path, tmp_path: Path, refuse: Refuse) -> None:
    assert "nowhere" in refuse("remove", clip, tmp_path / "nowhere" / "out.mp4", *CLICK)


def test_target_of_an_unknown_kind(clip: Path, tmp_path: Path, refuse: Refuse) -> None:
    assert ".xyz" in refuse("remove", clip, tmp_path / "out.xyz", *CLICK)


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self/fd").exists(), reason="root may write everywhere")
def test_target_without_permission(clip: Path, refuse: Refuse) -> None:
    assert "/proc" in refuse("remove", clip, "/proc/out.mp4", *CLICK)


@pytest.mark.parametrize(
    "arguments", [[], ["remove"], ["remove", "a.mp4"], ["nonsense", "a", "b"], ["remove", "a", "b", "--start", "soon"]]
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("--mask", "{masks}@3"), "takes no @FRAME"),
        (("--mask", "{masks}@0"), "takes no @FRAME"),
        ((*CLICK, "--object", "dog"), "--object dog: nothing is said of it"),
        (("--object", "cat", "--object", "dog", *CLICK), "--object cat: nothing is said of it"),
    ],
)
def test_options_that_do_not_go_together_exit_with_2(
    clip: Path, tmp_path: Path, folder: Path, said: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [part.format(masks=folder) for part in said]
    assert main(["remove", str(clip), str(tmp_path / "out.mp4"), *given]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


def test_masks_and_result_in_one_place(clip: Path, tmp_path: Path, refuse: Refuse) -> None:
    assert "places of their own" in refuse("remove", clip, tmp_path / "o", *CLICK, "--save-masks", tmp_path / "o")
    assert "places of their own" in refuse("remove", clip, tmp_path / "o", *CLICK, "--save-masks", tmp_path / "o" / "m")


def test_demo_keeps_what_is_there(tmp_path: Path, refuse: Refuse) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"precious")
    assert "not empty" in refuse("demo", tmp_path)


def test_preview_into_what_is_no_picture(tmp_path: Path, folder: Path, refuse: Refuse) -> None:
    assert "picture" in refuse("preview", folder, tmp_path / "look.mkv", *CLICK)
