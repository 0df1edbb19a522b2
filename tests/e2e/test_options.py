"""Options of the command line that other tests do not use."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.scenes import write_clip
from tests.e2e.conftest import FRAMES, HEIGHT, WIDTH, read_masks, read_planes
from vidremove.cli.main import main
from vidremove.images import grow


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Two red squares apart from each other on blue."""
    image = np.full((HEIGHT, WIDTH, 3), (150, 120, 90), np.uint8)
    for x in (20, 100):
        cv2.rectangle(image, (x, 40), (x + 29, 69), (10, 10, 200), -1)
    cv2.imwrite(str(tmp_path / "photo.png"), image)
    return tmp_path / "photo.png"


def test_two_objects_are_removed_together(photo: Path, tmp_path: Path) -> None:
    said = ("--object", "left", "--click", "35,55", "--object", "right", "--click", "115,55")
    run("remove", photo, tmp_path / "clean.png", *said, "--save-masks", tmp_path / "masks")
    (mask,) = read_masks(tmp_path / "masks")
    assert mask[42:68, 22:48].all()
    assert mask[42:68, 102:128].all()
    assert not mask[:, 60:90].any()
    assert np.abs(cv2.imread(str(tmp_path / "clean.png")).astype(int) - (150, 120, 90)).max() < 12


def test_a_point_beside_the_object_is_left_out(photo: Path, tmp_path: Path) -> None:
    box = ("--box", "10,30,140,80")
    run("track", photo, tmp_path / "both", *box)
    run("track", photo, tmp_path / "one", *box, "--not", "115,55")
    (both,), (one,) = (read_masks(tmp_path / name) for name in ("both", "one"))
    assert both[55, 35]
    assert both[55, 115]
    assert one[55, 35]
    assert not one[55, 115]


def test_feather_fades_inside_the_grown_mask_only(made: tuple[Path, Path], tmp_path: Path) -> None:
    results = {}
    for feather in (0, 6):
        said = ("--mask", made[1], "--dilate", 6, "--feather", feather, "--lossless", "--end", 8)
        run("remove", made[0], tmp_path / f"{feather}.mkv", *said)
        results[feather] = read_planes(tmp_path / f"{feather}.mkv")[:8]
    differ = 0
    for hard, soft, source, mask in zip(
        results[0], results[6], read_planes(made[0])[:8], read_masks(made[1])[:8], strict=True
    ):
        hard, soft, source = (planes[:HEIGHT].astype(int) for planes in (hard, soft, source))
        beyond = ~grow(mask, 9)
        assert np.array_equal(hard[beyond], source[beyond])
        assert np.array_equal(soft[beyond], source[beyond])
        differ += int((hard != soft).sum())
        assert np.abs(soft - source)[grow(mask, 6)].sum() <= np.abs(hard - source)[grow(mask, 6)].sum()
    assert differ > 100


def test_a_clip_of_one_frame(tmp_path: Path) -> None:
    clip, masks = write_clip(tmp_path / "short", 1, HEIGHT, WIDTH)
    (mask,) = read_masks(masks)
    ys, xs = np.nonzero(mask)
    box = f"{xs.min() - 3},{ys.min() - 3},{xs.max() + 3},{ys.max() + 3}"
    run("remove", clip, tmp_path / "out.mkv", "--box", box, "--lossless")
    (before,), (after,) = read_planes(clip), read_planes(tmp_path / "out.mkv")
    assert (before[:HEIGHT] != after[:HEIGHT])[mask].mean() > 0.5
    run("preview", clip, tmp_path / "look.png", "--box", box)
    run("track", clip, tmp_path / "masks", "--box", box)
    assert len(read_masks(tmp_path / "masks")) == 1


def test_a_rate_for_a_clip_is_told_to_be_ignored(
    made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("remove", made[0], tmp_path / "out.mp4", "--mask", made[1], "--fps", "10", "--end", "2")
    assert "--fps" in capsys.readouterr().err
    assert len(read_planes(tmp_path / "out.mp4")) == FRAMES


def test_a_preview_takes_no_range(made: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["preview", str(made[0]), str(tmp_path / "look.png"), "--click", "80,66", "--start", "3"])
    assert caught.value.code == 2
