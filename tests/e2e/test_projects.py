"""What the page does, the command line repeats: projects, layers with alpha, and a second of a clip to look at."""

import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from tests.e2e.conftest import FRAMES, HEIGHT, WIDTH, read_masks, read_planes
from tests.media_clips import make_clip
from vidremove import Project, Prompt, load_project, preview, remove, save_project
from vidremove.cli.main import main
from vidremove.media import open_source

BOX = "60,46,100,86"  # round the object on the first frame


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


def pictures(path: Path) -> list[np.ndarray]:
    """What a reader of a clip or folder sees, RGB."""
    with open_source(path) as source:
        return [frame.image for frame in source.frames()]


def layers(folder: Path) -> list[np.ndarray]:
    found = [cv2.imread(str(file), cv2.IMREAD_UNCHANGED) for file in sorted(folder.iterdir())]
    return [cv2.cvtColor(each, cv2.COLOR_BGRA2RGBA) for each in found]


def check_layers(before: list[np.ndarray], after: list[np.ndarray], found: list[np.ndarray]) -> int:
    """The layers laid over one give the other. Returns: pixels that are see-through in part."""
    partly = 0
    for old, new, layer in zip(before, after, found, strict=True):
        assert layer.dtype == old.dtype
        most = np.iinfo(old.dtype).max
        alpha = layer[..., 3:].astype(np.float64) / most
        laid = np.rint(old + alpha * (layer[..., :3].astype(np.float64) - old))
        full = layer[..., 3] == most
        assert np.array_equal(laid[full], new[full])
        assert np.abs(laid - new).max() <= 1
        assert not layer[layer[..., 3] == 0].any()
        partly += int(((alpha > 0) & (alpha < 1)).sum())
    return partly


@pytest.mark.parametrize(("feather", "target"), [(0, "out.mkv"), (4, "out.mkv"), (4, "out")])
def test_a_layer_over_the_source_is_the_result(
    made: tuple[Path, Path], tmp_path: Path, feather: int, target: str
) -> None:
    source = made[0]
    if target == "out":  # a folder of frames
        run("remove", source, tmp_path / "frames", "--mask", made[1], "--end", "1", "--lossless")
        source = tmp_path / "frames"
    said = ("--mask", made[1], "--dilate", 6, "--feather", feather, "--lossless", "--start", 2, "--end", 9)
    run("remove", source, tmp_path / target, *said, "--layer", tmp_path / "layer", "--save-masks", tmp_path / "masks")
    found = layers(tmp_path / "layer")
    partly = check_layers(pictures(source), pictures(tmp_path / target), found)
    assert (partly > 100) == (feather > 0)
    names = [sorted(file.name for file in (tmp_path / name).iterdir()) for name in ("layer", "masks")]
    assert names[0] == names[1]
    assert [bool(layer.any()) for layer in found] == [2 <= index < 9 for index in range(FRAMES)]


@pytest.mark.parametrize(
    ("codec", "pix_fmt"),
    [("ffv1", "yuv420p10le"), ("ffv1", "gray"), ("ffv1", "bgra"), ("libx264", "yuv444p")],
)
def test_a_layer_has_the_depth_of_its_clip(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    clip = make_clip(tmp_path / "clip.mkv", codec=codec, pix_fmt=pix_fmt, pts=range(5))
    mask = np.zeros((48, 64), np.uint8)
    mask[11:30, 21:40] = 255
    (tmp_path / "masks").mkdir()
    for index in range(5):
        cv2.imwrite(str(tmp_path / "masks" / f"{index}.png"), mask)
    said = ("--mask", tmp_path / "masks", "--dilate", 5, "--feather", 3, "--lossless")
    run("remove", clip, tmp_path / "out.mkv", *said, "--layer", tmp_path / "layer")
    found = layers(tmp_path / "layer")
    assert found[0].dtype == (np.uint16 if "10" in pix_fmt else np.uint8)
    assert check_layers(pictures(clip), pictures(tmp_path / "out.mkv"), found) > 100


@pytest.mark.parametrize("name", ["grey.png", "turned.jpg"])
def test_the_layer_of_a_photo_lies_as_it_is_shown(tmp_path: Path, name: str) -> None:
    random, photo = np.random.default_rng(3), tmp_path / name
    if name == "grey.png":
        cv2.imwrite(str(photo), random.integers(0, 65535, (60, 40), np.uint16))
    else:
        exif = Image.Exif()
        exif[274] = 6  # a quarter turn
        Image.fromarray(random.integers(0, 255, (40, 60, 3), np.uint8)).save(photo, exif=exif)
    mask = np.zeros((60, 40), np.uint8)
    mask[10:30, 20:35] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    run("remove", photo, tmp_path / "o.png", "--mask", tmp_path / "mask.png", "--layer", tmp_path / "layer")
    (layer,) = layers(tmp_path / "layer")
    assert layer.dtype == (np.uint16 if name == "grey.png" else np.uint8)
    assert layer[15, 25, 3] == np.iinfo(layer.dtype).max
    check_layers(pictures(photo), pictures(tmp_path / "o.png"), [layer])


def test_a_layer_needs_a_place_of_its_own_and_one_fill(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["remove", str(made[0]), str(tmp_path / "o"), "--mask", str(made[1])]
    for more, words in (
        (["--layer", str(tmp_path / "o" / "l")], "places of their own"),
        (["--layer", str(tmp_path / "l"), "--save-masks", str(tmp_path / "l")], "layer and masks need places"),
        (["--layer", str(tmp_path / "l.png")], "Name a folder"),
        (["--layer", str(tmp_path / "l"), "--fill", "both"], "one fill"),
    ):
        assert main([*said, *more]) == 1
        assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_one_second_is_shown_before_and_after(made: tuple[Path, Path], tmp_path: Path) -> None:
    said = [Prompt(frame=4, box=(66.0, 40.0, 110.0, 90.0))]
    result = preview(made[0], tmp_path / "look.mp4", said, frame=20)
    with av.open(str(tmp_path / "look.mp4")) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        shown = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    rate = round(open_source(made[0]).info.rate)
    assert len(shown) == result.frames == FRAMES - (20 - round(rate / 2))
    assert shown[0].shape == (HEIGHT, 2 * WIDTH + 8, 3)
    for frame, old in zip(shown, pictures(made[0])[-len(shown) :], strict=True):
        assert np.abs(frame[:40, -WIDTH:].astype(int) - old[:40]).mean() < 4  # where nothing was removed
    assert result.seconds_for(2 * FRAMES) == pytest.approx(2 * result.seconds_for(FRAMES))
    passes = {each.stage: each for each in result.passes}
    assert passes["track"].frames == FRAMES
    assert 0 < sum(each.seconds for each in result.passes) < result.seconds
    with pytest.raises(Exception, match="exists already"):
        preview(made[0], tmp_path / "look.mp4", said)


def test_a_second_ends_at_a_cut_and_has_even_sides(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    random = np.random.default_rng(5)
    scenes = [cv2.resize(random.integers(0, 255, (6, 8, 3), np.uint8), (75, 51)) for _ in range(2)]
    for index in range(20):
        image = scenes[index // 12].copy()
        cv2.rectangle(image, (20 + index, 20), (32 + index, 32), (0, 0, 255), -1)
        cv2.imwrite(str(frames / f"{index:02}.png"), image)
    said = [Prompt(frame=9, box=(27.0, 18.0, 44.0, 35.0))]
    result = preview(frames, tmp_path / "look.mp4", said, rate=Fraction(8))
    assert result.frames == 4 + 3  # frames 5 to 11, half a second on either side but for the cut
    assert read_planes(tmp_path / "look.mp4")[0].shape == (52 * 3 // 2, 2 * 75 + 8)


def test_a_photo_has_no_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "p.png"), np.zeros((40, 60, 3), np.uint8))
    assert main(["preview", str(tmp_path / "p.png"), str(tmp_path / "look.mp4"), "--box", "1,2,20,20"]) == 1
    assert "one picture" in capsys.readouterr().err


def test_a_saved_run_is_repeated_to_the_bit(made: tuple[Path, Path], tmp_path: Path) -> None:
    said = ("--object", "ball", "--box", BOX, "--config", "fast", "--set", "fill.dilate=4", "--lossless", "--end", 12)
    run("remove", made[0], tmp_path / "a.mkv", *said, "--save-project", tmp_path / "p.json")
    run("remove", "--project", tmp_path / "p.json", tmp_path / "b.mkv")
    for one, two in zip(read_planes(tmp_path / "a.mkv"), read_planes(tmp_path / "b.mkv"), strict=True):
        assert np.array_equal(one, two)
    project = load_project(tmp_path / "p.json")
    assert project.source == made[0]
    assert (project.preset, project.end, project.target) == ("fast", 12, tmp_path / "a.mkv")
    assert set(project.overrides) == {"fill.dilate=4", "output.lossless=true"}
    assert [(prompt.object, prompt.box) for prompt in project.prompts] == [("ball", (60, 46, 100, 86))]
    assert main(["remove", "--project", str(tmp_path / "p.json")]) == 1  # its own target is there already
    run("remove", "--project", tmp_path / "p.json", "--overwrite")


def test_what_is_said_now_is_added_to_the_project(made: tuple[Path, Path], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "first.png"), read_masks(made[1])[0].astype(np.uint8) * 255)
    said = ("--object", "ball", "--mask", tmp_path / "first.png", "--save-project", tmp_path / "p.json")
    run("track", made[0], tmp_path / "masks", *said)
    more = ("--object", "ball", "--click", "84,70", "--object", "other", "--box", "60,40,110,90@3", "--dilate", 3)
    again = ("--save-project", tmp_path / "q.json")
    run("remove", tmp_path / "clean.mkv", "--project", tmp_path / "p.json", *more, *again)
    project = load_project(tmp_path / "q.json")
    assert [(each.object, each.frame, len(each.clicks)) for each in project.prompts] == [
        ("ball", 0, 1),
        ("other", 3, 0),
    ]
    assert np.array_equal(project.prompts[0].mask, read_masks(made[1])[0])
    assert project.overrides == ("fill.dilate=3",)


def test_the_page_s_project_is_run_with_its_masks(made: tuple[Path, Path], tmp_path: Path) -> None:
    """The masks that were tracked and mended are used; the target is named after the source."""
    copy(made[1], tmp_path / "mended")
    said = (Prompt(box=(60.0, 46.0, 100.0, 86.0)),)
    save_project(Project(made[0], said, tmp_path / "mended", app={"frame": 3}), tmp_path / "p.json")
    run("remove", "--project", tmp_path / "p.json", "--save-project", tmp_path / "q.json")
    remove(made[0], tmp_path / "b.mp4", masks=made[1])
    for one, two in zip(read_planes(tmp_path / "clean.mp4"), read_planes(tmp_path / "b.mp4"), strict=True):
        assert np.array_equal(one, two)
    again = load_project(tmp_path / "q.json")
    assert (again.track, again.app, len(again.prompts)) == (tmp_path / "mended", {"frame": 3}, 1)
    run("preview", "--project", tmp_path / "p.json")
    assert cv2.imread(str(tmp_path / "look.png")).shape[0] == HEIGHT


def test_a_track_is_part_of_its_project(made: tuple[Path, Path], tmp_path: Path) -> None:
    said = ("--box", BOX, "--save-project", tmp_path / "p.json")
    run("track", made[0], tmp_path / "x.track", *said)
    assert load_project(tmp_path / "p.json").track == tmp_path / "x.track"
    run("remove", "--project", tmp_path / "p.json")
    remove(made[0], tmp_path / "b.mp4", masks=tmp_path / "x.track")
    for one, two in zip(read_planes(tmp_path / "clean.mp4"), read_planes(tmp_path / "b.mp4"), strict=True):
        assert np.array_equal(one, two)
    result = preview(made[0], tmp_path / "look.png", masks=tmp_path / "x.track", frame=3)
    assert [each.frames for each in result.passes if each.stage == "masks"] == [3 + 1 + 12]  # those round it alone


def copy(masks: Path, folder: Path) -> None:
    folder.mkdir()
    for index, mask in enumerate(read_masks(masks)):
        cv2.imwrite(str(folder / f"{index:03}.png"), mask.astype(np.uint8) * 255)


def test_a_project_that_cannot_be_kept_is_told_before_the_run(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there.json").write_text("{}")
    (tmp_path / "in").mkdir()
    (tmp_path / "masks").mkdir()
    said = ["remove", str(made[0]), str(tmp_path / "out.mp4")]
    for more, words in (
        (["--box", BOX, "--save-project", "p.txt"], "ending in .json"),
        (["--box", BOX, "--save-project", str(tmp_path / "there.json")], "exists already"),
        (["--box", BOX, "--save-project", str(tmp_path / "there.json"), "--overwrite"], "is no project"),
        (["--mask", str(tmp_path / "masks"), "--save-project", str(tmp_path / "in" / "p.json")], "lies outside"),
    ):
        assert main([*said, *more]) == 1
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


def test_without_a_project_source_and_target_are_needed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words in (["remove"], ["remove", "clip.mp4"], ["track", "clip.mp4", "--click", "1,2"]):
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert caught.value.code == 2
        assert "required" in capsys.readouterr().err
    (tmp_path / "p.json").write_text(
        json.dumps({"version": 1, "source": "none.mp4", "prompts": [{"box": [1, 2, 3, 4]}]})
    )
    assert main(["remove", "--project", str(tmp_path / "p.json")]) == 1
    assert f"{tmp_path / 'none.mp4'}: no such file" in capsys.readouterr().err
