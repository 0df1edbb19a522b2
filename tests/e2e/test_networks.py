"""From files in the published formats to a clip without its object: the way a user goes, with generated weights."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.scenes import frames
from tests.clips import public_clip
from tests.e2e.conftest import read_masks, read_planes
from tests.parity.reference import Reference
from tests.published_files import TINY_MAT, WRITERS, tiny_lavt, tiny_transfiner
from tests.unit.weights_server import tiny_lama, tiny_mat
from vidremove import weights
from vidremove.cli.main import main
from vidremove.images import grow
from vidremove.inpainters.lama import Lama
from vidremove.inpainters.mat import Mat
from vidremove.media.write import write_clip
from vidremove.nets import lama, lavt, mat, transfiner
from vidremove.segmenters.lavt import Lavt
from vidremove.segmenters.transfiner import Transfiner

PHRASE = "the dark one in front"
TINY = {"lama": tiny_lama, "mat": tiny_mat, "lavt": tiny_lavt, "transfiner": tiny_transfiner}
BUILD: dict[str, Callable[[], nn.Module]] = {
    "lama": lama.build,
    "mat": mat.build,
    "lavt": lavt.build,
    "transfiner": transfiner.build,
}


@dataclass
class Setting:
    """A clip, its first frame, how much of it is worked on, and the folder for files."""

    clip: Path
    end: int
    folder: Path
    networks: Callable[[str], nn.Module]

    @property
    def first(self) -> np.ndarray:
        with av.open(str(self.clip)) as container:
            return next(container.decode(video=0)).to_ndarray(format="rgb24")

    def add(self, name: str, network: nn.Module) -> None:
        """Write the published file, and give it to `vidremove weights add`."""
        write, ending = WRITERS[name]
        file = self.folder / f"{name}-{ending}"
        write(network, file)
        run("weights", "add", name, file)
        file.unlink()

    def remove(self, *options: str) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
        """Planes of source and result, and the masks used; the result is written without loss."""
        target, masks = self.folder / "out.mp4", self.folder / "masks"
        run(
            "remove", self.clip, target, "--end", self.end, "--lossless", "--save-masks", masks, "--overwrite", *options
        )
        return read_planes(self.clip), read_planes(target), read_masks(masks)


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


def shrink_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks under the published names, in the registry and in the plug-ins."""
    where = {"lama": "tests.unit.weights_server:tiny_lama", "mat": "tests.unit.weights_server:tiny_mat"}
    where |= {name: f"tests.published_files:tiny_{name}" for name in ("lavt", "transfiner")}
    entries = [entry for entry in weights.PUBLISHED if entry.name in where]
    small = tuple(dataclasses.replace(entry, network=where[entry.name]) for entry in entries)
    monkeypatch.setattr(weights, "PUBLISHED", small)
    monkeypatch.setattr("vidremove.inpainters.lama.build", tiny_lama)
    monkeypatch.setattr("vidremove.inpainters.mat.MatConfig", lambda noise: dataclasses.replace(TINY_MAT, noise=noise))
    monkeypatch.setattr("vidremove.segmenters.lavt.build", tiny_lavt)
    monkeypatch.setattr("vidremove.segmenters.transfiner.build", tiny_transfiner)


@pytest.fixture(params=["small", pytest.param("published", marks=pytest.mark.slow)])
def setting(request, made, tmp_path, monkeypatch) -> Setting:
    """Small networks on a made-up clip, or the published sizes on a real one."""
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("VIDREMOVE_OFFLINE", "1")
    torch.manual_seed(0)
    if request.param == "published":
        clip = public_clip("real_blackswan") / "video.mp4"
        return Setting(clip, 3, tmp_path, lambda name: Reference(name, BUILD[name]).model)
    shrink_networks(monkeypatch)
    return Setting(made[0], 6, tmp_path, lambda name: TINY[name]())


def check_pictures(before: list[np.ndarray], after: list[np.ndarray], masks: list[np.ndarray], end: int) -> None:
    """Samples outside the grown mask are the source's, to the bit; most of those inside are not."""
    assert len(before) == len(after)
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        height = old.shape[0] * 2 // 3  # yuv420p: luma, then a quarter of chroma twice
        mask = masks[index] if index < end else np.zeros_like(masks[0])
        grown = grow(mask, 2 * max(1, round(max(mask.shape) / 320)) + 1)
        changed = old != new
        assert not changed[:height][~grown].any()
        covered = grown.reshape(height // 2, 2, -1, 2).all(axis=(1, 3))
        for plane in (part.reshape(height // 2, -1) for part in np.split(changed[height:], 2)):
            assert not plane[~covered].any()
        if index < end:
            assert 0 < mask.mean() < 0.5
            assert changed[:height][mask].mean() > 0.5


def lean(network: lavt.LavtOne, image: np.ndarray) -> None:
    """Shift the network's verdict so that a twentieth of this frame is meant by the phrase."""
    segmenter = Lavt(network=network, device="cpu")
    with torch.inference_mode():
        text = segmenter._encode(PHRASE)
        odds = segmenter._odds(network.preprocess(torch.from_numpy(image)), *text)
    with torch.no_grad():
        network.classifier.conv1_1.bias[1] -= odds.flatten().kthvalue(int(0.95 * odds.numel())).values


def find_instance(network: transfiner.Transfiner, image: np.ndarray) -> tuple[int, int]:
    """A pixel of some instance that covers little of the frame."""
    segmenter = Transfiner(network=network, device="cpu")
    with torch.inference_mode():
        found = segmenter._look(image)
        for index in range(len(found.scores)):
            mask = segmenter._mask(found, index)
            if 0.002 < mask.mean() < 0.2:
                ys, xs = np.nonzero(mask)
                return int(xs[len(xs) // 2]), int(ys[len(ys) // 2])
    pytest.fail("the generated weights find nothing; choose another seed")


def test_text(setting, capsys, monkeypatch):
    """`--text` with LAVT, asked again every second frame; what no frame shows is filled by the default inpainter."""
    asked, call = [], Lavt.__call__
    monkeypatch.setattr(
        Lavt, "__call__", lambda self, images, at, prompt: asked.append(prompt.frame) or call(self, images, at, prompt)
    )
    network = setting.networks("lavt")
    lean(network, setting.first)
    setting.add("lavt", network)
    run("weights", "check", "lavt")
    assert "lavt                 present" in capsys.readouterr().out
    check_pictures(*setting.remove("--text", PHRASE, "--set", "track.keyframe_every=2"), setting.end)
    assert asked == list(range(0, setting.end, 2))


@pytest.mark.parametrize("name", ["lama", "mat"])
def test_click_and_fill(setting, name, capsys, monkeypatch):
    """`--click` with Mask Transfiner, `--fill` with an inpainting network."""
    kind, filled = {"lama": Lama, "mat": Mat}[name], []
    call = kind.__call__
    monkeypatch.setattr(kind, "__call__", lambda self, *given: filled.append(1) or call(self, *given))
    network = setting.networks("transfiner")
    x, y = find_instance(network, setting.first)
    setting.add("transfiner", network)
    setting.add(name, setting.networks(name))
    run("weights", "check")
    told = capsys.readouterr().out
    assert "transfiner           present" in told
    assert f"{name:<20} present" in told
    check_pictures(*setting.remove("--click", f"{x},{y}", "--fill", name), setting.end)
    assert filled


def test_both_results_beside_each_other(tmp_path, monkeypatch, capsys):
    """`--fill both`: LaMa's result on the left, MAT's on the right, with the sound; and in a preview."""
    monkeypatch.setenv("VIDREMOVE_WEIGHTS", str(tmp_path / "weights"))
    torch.manual_seed(0)
    shrink_networks(monkeypatch)
    images = [frame for frame, _ in frames(4, 120, 160)]
    clip, sound = tmp_path / "clip.mp4", np.full((8000, 2), 0.1, np.float32)
    write_clip(clip, images, Fraction(25), sound)
    setting = Setting(clip, 4, tmp_path, lambda name: TINY[name]())
    for name in ("lama", "mat"):
        setting.add(name, setting.networks(name))
    box = ("--box", "60,40,100,90", "--lossless")
    for name in ("lama", "mat", "both"):
        run("remove", clip, tmp_path / f"{name}.mp4", *box, "--fill", name)
    assert "from left to right, filled with lama and mat" in capsys.readouterr().err
    shown = {name: read_rgb(tmp_path / f"{name}.mp4") for name in ("lama", "mat", "both")}
    assert shown["both"].shape == (4, 120, 320, 3)
    assert np.abs(shown["both"][:, :, :160] - shown["lama"]).mean() < 1  # through RGB and back
    assert np.abs(shown["both"][:, :, 160:] - shown["mat"]).mean() < 1
    assert np.abs(shown["lama"] - shown["mat"]).mean() > 0.1
    with av.open(str(tmp_path / "both.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
    run("preview", clip, tmp_path / "look.png", *box[:2], "--fill", "both")
    assert cv2.imread(str(tmp_path / "look.png")).shape == (120, 3 * 160 + 2 * 8, 3)


def read_rgb(path: Path) -> np.ndarray:
    """int16 (T, H, W, 3)."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]).astype(np.int16)
