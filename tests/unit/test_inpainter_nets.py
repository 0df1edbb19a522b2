"""LaMa and MAT as inpainters, in small networks with random weights."""

import logging

import cv2
import numpy as np
import pytest
import torch

from tests.unit.weights_server import tiny_lama, tiny_mat
from vidremove.errors import PluginError, ShapeError
from vidremove.inpainters.batches import run_in_batches
from vidremove.inpainters.crops import fill_on_crops, plan_tracks
from vidremove.inpainters.lama import Lama
from vidremove.inpainters.mat import Mat
from vidremove.inpainters.refine import refine

torch.set_num_threads(1)


def make(name: str, **options: object) -> Lama | Mat:
    torch.manual_seed(0)
    if name == "lama":
        network = tiny_lama()
        with torch.no_grad():  # or its picture is nearly grey
            for parameter in network.parameters():
                parameter.mul_(3 if parameter.ndim == 4 else 1)
        return Lama(device="cpu", network=network, **options)
    return Mat(device="cpu", network=tiny_mat(), **options)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    noise = cv2.resize(rng.uniform(0, 255, (5, 6, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(noise, 0, 255).astype(np.uint8)


def box_hole(size: tuple[int, int], y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
    hole = np.zeros(size, np.bool_)
    hole[y0:y1, x0:x1] = True
    return hole


HOLES = {
    "inside": box_hole((60, 83), 20, 40, 30, 55),
    "corner": box_hole((60, 83), 0, 25, 0, 30),
    "full width": box_hole((60, 83), 25, 40, 0, 83),
    "dot": box_hole((60, 83), 30, 31, 40, 41),
    "all": box_hole((60, 83), 0, 60, 0, 83),
    "none": box_hole((60, 83), 0, 0, 0, 0),
}
NAMES = ["lama", "mat"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", HOLES)
def test_contract(name, kind):
    """Shape, type, pixels outside, input untouched, hole not read, same answer every time."""
    hole = HOLES[kind]
    images, holes = np.stack([picture(60, 83), picture(60, 83, 1)]), np.stack([hole, hole])
    before, inpainter = images.copy(), make(name)
    filled = inpainter(images, holes, None)
    assert filled.shape == images.shape
    assert filled.dtype == np.uint8
    assert np.array_equal(images, before)
    assert np.array_equal(filled[~holes], before[~holes])
    other = np.where(holes[..., None], np.uint8(200), images)
    assert np.array_equal(inpainter(other, holes, None), filled)
    assert np.array_equal(make(name)(images, holes), filled)
    if kind not in ("none", "dot"):
        assert filled[0][hole].std() > 3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (16, 16), (130, 140)])
def test_any_size(name, size):
    hole = np.zeros(size, np.bool_)
    hole[: (size[0] + 1) // 2, : (size[1] + 1) // 2] = True
    image = picture(*size)
    filled = make(name)(image[None], hole[None])
    assert filled.shape == (1, *size, 3)
    assert np.array_equal(filled[0][~hole], image[~hole])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_banned_is_not_seen(name):
    image, hole = picture(60, 83), HOLES["inside"]
    banned = box_hole((60, 83), 20, 40, 56, 60)
    other = np.where(banned[..., None], np.uint8(255), image)
    inpainter = make(name)
    filled = inpainter(image[None], hole[None], banned[None])
    assert np.array_equal(filled[0][banned], image[banned])
    assert np.array_equal(filled[0][hole], inpainter(other[None], hole[None], banned[None])[0][hole])
    assert not np.array_equal(filled[0][hole], inpainter(other[None], hole[None])[0][hole])


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_do_not_belong_together(name):
    with pytest.raises(ShapeError, match="needed"):
        make(name)(picture(20, 20)[None], np.zeros((1, 20, 21), np.bool_))


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_are_not_here(name, monkeypatch, tmp_path):
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path))
    with pytest.raises(PluginError, match=f"vidremove weights get {name}"):
        {"lama": Lama, "mat": Mat}[name]()


def test_lama_equals_the_reference_steps_around_the_network():
    """Whole image, no crop: mask polarity, range, padding with the border repeated."""
    image, hole = picture(60, 83), HOLES["inside"]
    network = make("lama")._network
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        want = network.inpaint(tensor, torch.from_numpy(hole)[None, None])[0].permute(1, 2, 0).numpy() * 255
    filled = make("lama")(image[None], hole[None])[0]
    assert np.abs(filled - want)[hole].max() <= 0.501


def test_mat_equals_the_network_at_its_own_size():
    """Mask polarity, range, one noise for all frames."""
    image, hole = picture(128, 128), box_hole((128, 128), 40, 90, 30, 80)
    inpainter = make("mat", seed=3)
    network = inpainter._network
    z, mix1, mix2 = network.draw(1, (128, 128), torch.Generator().manual_seed(3))
    tensor = torch.from_numpy(np.where(hole[..., None], np.uint8(0), image)).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        want = network(tensor, torch.from_numpy(~hole)[None, None].float(), z, mix1=mix1, mix2=mix2)
    want = (want[0].permute(1, 2, 0).numpy() * 127.5 + 127.5).clip(0, 255)
    filled = inpainter(np.stack([image] * 2), np.stack([hole] * 2))
    assert np.abs(filled[0] - want)[hole].max() <= 0.51
    assert np.abs(filled[1].astype(int) - filled[0]).max() <= 1


def test_mat_makes_large_crops_smaller():
    """A network that gives grey everywhere fills a large hole with it, and nothing but the hole."""
    inpainter = make("mat")
    inpainter._predict = lambda pixels, hole: torch.full_like(pixels, 77)
    image, hole = picture(300, 400), box_hole((300, 400), 60, 260, 50, 350)
    filled = inpainter(image[None], hole[None])
    assert np.all(filled[0][hole] == 77)
    assert np.array_equal(filled[0][~hole], image[~hole])


def test_mat_does_not_let_the_hole_bleed_into_what_is_made_smaller():
    inpainter = make("mat")
    image = np.full((256, 256, 3), 90, np.uint8)
    hole = box_hole((256, 256), 101, 151, 77, 163)
    small, mask = inpainter._fit(np.where(hole[..., None], np.uint8(0), image), hole)
    assert small.shape == (128, 128, 3)
    assert np.all(small[~mask] == 90)
    assert mask[51:75, 39:81].all()
    assert mask.sum() <= 27 * 45


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_near(name, precision):
    images, holes = picture(60, 83)[None], HOLES["inside"][None]
    difference = np.abs(make(name)(images, holes).astype(int) - make(name, precision=precision)(images, holes))
    assert 0 < difference.max() < 60


def moving_hole(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    holes = np.zeros((count, 300, 500), np.bool_)
    for t in range(count):
        y, x = 100 + int(rng.integers(-4, 5)), 150 + 3 * t + int(rng.integers(-4, 5))
        holes[t, y : y + 40 + int(rng.integers(0, 5)), x : x + 30] = True
    return holes


def test_crops_of_a_moving_hole_have_one_size_and_a_steady_path():
    holes = moving_hole(20)
    holes[7] = False
    (track,) = plan_tracks(holes, lambda height, width: (height + 60, width + 60))
    assert track.frames == [t for t in range(20) if t != 7]
    boxes = np.array(track.boxes)
    assert len({(y1 - y0, x1 - x0) for y0, y1, x0, x1 in track.boxes}) == 1
    for t, (y0, y1, x0, x1) in zip(track.frames, track.boxes, strict=True):
        assert holes[t, y0:y1, x0:x1].sum() == holes[t].sum()
    motion = 3.0 * np.array(track.frames)
    tight = np.array([np.argmax(hole.any(axis=0)) for hole in holes[track.frames]])
    jumps, tight_jumps = (np.diff(path - motion) for path in (boxes[:, 2], tight))
    assert jumps.std() < 0.35 * tight_jumps.std()


def test_holes_far_apart_have_crops_of_their_own_and_near_ones_share():
    holes = np.zeros((2, 300, 500), np.bool_)
    holes[:, 20:40, 20:40] = True
    holes[:, 25:45, 60:80] = True
    holes[1, 200:220, 400:430] = True
    tracks = plan_tracks(holes, lambda height, width: (height + 20, width + 20))
    assert [track.frames for track in tracks] == [[0, 1], [1]]
    assert tracks[0].boxes[0] == (10, 55, 10, 90)
    assert tracks[1].boxes == [(190, 230, 390, 440)]


def test_crops_stay_within_the_frame():
    holes = np.zeros((1, 50, 60), np.bool_)
    holes[0, 0:5, 55:60] = True
    (track,) = plan_tracks(holes, lambda height, width: (32, 100))
    assert track.boxes == [(0, 32, 0, 60)]


def test_one_hole_in_the_crop_of_another_is_filled_by_its_own():
    holes = np.zeros((1, 100, 400), np.bool_)
    holes[0, 40:60, 40:60] = True
    holes[0, 40:60, 300:320] = True
    calls = []

    def complete(crops: np.ndarray, masks: np.ndarray) -> np.ndarray:
        calls.append(masks.sum())
        return np.full_like(crops, len(calls))

    filled = fill_on_crops(picture(100, 400)[None], holes, None, lambda height, width: (100, 400), complete)
    assert calls == [800, 800]
    assert np.all(filled[0, 40:60, 40:60] == 1)
    assert np.all(filled[0, 40:60, 300:320] == 2)


def test_batches_are_halved_when_memory_runs_out(caplog):
    sizes = []

    def run(values: torch.Tensor) -> torch.Tensor:
        sizes.append(len(values))
        if len(values) > 2:
            raise torch.OutOfMemoryError("too much")
        return values + 1

    with caplog.at_level(logging.WARNING):
        result = run_in_batches(run, (torch.arange(5),), 5)
    assert result.tolist() == [1, 2, 3, 4, 5]
    assert sizes == [5, 2, 2, 1]
    assert "going on with 2" in caplog.text
    with pytest.raises(PluginError, match=r"an image of 7x5 pixels is too large .* --device cpu"):
        run_in_batches(lambda values: run(torch.zeros(3)), (torch.zeros(2, 3, 5, 7),), 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_device_with_little_memory_gives_the_same_pictures(name, monkeypatch, caplog):
    """Three images at once are too many for it."""
    images, holes = np.stack([picture(60, 83, seed) for seed in range(4)]), np.stack([HOLES["inside"]] * 4)
    expected = make(name)(images, holes)
    monkeypatch.setattr("vidremove.inpainters.lama._BATCH_AREA", {"cpu": 1 << 20})
    monkeypatch.setattr("vidremove.inpainters.mat._BATCH", {"cpu": 4})
    inpainter, sizes = make(name), []
    predict = inpainter._predict

    def small(pixels: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        sizes.append(len(pixels))
        if len(pixels) > 2:
            raise torch.OutOfMemoryError("too much")
        return predict(pixels, hole)

    monkeypatch.setattr(inpainter, "_predict", small)
    with caplog.at_level(logging.WARNING):
        filled = inpainter(images, holes)
    assert (sizes[0], *sizes[-2:]) == (4, 2, 2)
    assert np.abs(filled.astype(int) - expected).max() <= 1
    assert "going on with 2 images at once" in caplog.text


def test_refinement_follows_the_coarse_fill():
    torch.manual_seed(0)
    network = tiny_lama().eval()
    image = torch.from_numpy(picture(96, 128)).permute(2, 0, 1)[None].float() / 255
    mask = torch.zeros(1, 1, 96, 128)
    mask[..., 24:72, 32:96] = 1
    refined = refine(network, image, mask, 48)
    known = (mask == 0).expand_as(image)
    assert torch.equal(refined[known], image[known])
    assert all(parameter.grad is None for parameter in network.parameters())

    def distance(fill: torch.Tensor) -> float:
        """From the fill at half the size, away from the hole's edge."""
        small = torch.nn.functional.avg_pool2d(fill, 2)
        hole = torch.nn.functional.avg_pool2d(mask, 2)
        shrunk = torch.nn.functional.avg_pool2d(image, 2)
        with torch.no_grad():
            coarse = network(torch.cat([shrunk * (1 - hole), hole], dim=1))
        return float((small - coarse).abs()[..., 16:32, 20:44].mean())

    with torch.no_grad():
        plain = network(torch.cat([image * (1 - mask), mask], dim=1))
    assert distance(refined) < distance(plain)


def test_refinement_is_for_large_crops_only():
    images, holes = picture(60, 83)[None], HOLES["inside"][None]
    plain = make("lama")(images, holes)
    assert np.array_equal(make("lama", refine_above=64)(images, holes), plain)
    assert not np.array_equal(make("lama", refine_above=32)(images, holes), plain)
