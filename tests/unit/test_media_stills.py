"""Pictures: every kind comes back as it was, changed pixels apart."""

import struct
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from tests.unit.test_media_video import box_mask, painted
from vidremove.config import OutputConfig
from vidremove.errors import InputError, OutputError
from vidremove.media import open_sink, open_source, stills

SIZE = (48, 64)
CONFIG = OutputConfig()


def texture(channels: int, dtype: type = np.uint8) -> np.ndarray:
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    waves = [np.sin(x / 7 + n) + np.cos(y / 5 - n) for n in range(channels)]
    values = ((np.dstack(waves) + 2) / 4 * 0.8 + 0.1) * np.iinfo(dtype).max
    return np.asarray(values.astype(dtype))


@cache  # it says when it was made, to the second
def rgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int = 1) -> bytes:
    table = Image.Exif()
    table[0x010F], table[0x0112] = "Camera", orientation
    return table.tobytes()


def save(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(path, **options)
    return path


def carry(source: Path, target: Path, paint: bool) -> list[str]:
    with open_source(source) as frames, open_sink(target, frames, CONFIG) as sink:
        for frame in frames.frames():
            sink.write(painted(frame, box_mask(frame.image.shape[:2])) if paint else frame)
    return sink.notes


def stored(path: Path) -> np.ndarray:
    return stills.read_stored(stills.read_header(path))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".bmp"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_8_bit_kinds_keep_pixels_outside_the_mask(tmp_path: Path, suffix: str, channels: int) -> None:
    if (suffix == ".bmp" and channels in (2, 4)) or (suffix == ".webp" and channels < 3):
        pytest.skip("the format has no such kind")
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    pixels = texture(channels)
    source = save(tmp_path / f"a{suffix}", pixels, **options)
    np.testing.assert_array_equal(stored(source), pixels)
    carry(source, tmp_path / f"b{suffix}", paint=True)
    mask, after = box_mask(SIZE), stored(tmp_path / f"b{suffix}")
    if suffix == ".png" and channels == 2:
        after = after[..., [0, 3]]  # written as RGB with alpha
    np.testing.assert_array_equal(after[~mask], pixels[~mask])
    colour = (10, 200, 30) if channels > 2 else (124,)
    assert np.abs(after[mask][:, : len(colour)].astype(int) - colour).max() <= 1
    if channels in (2, 4):
        assert (after[mask][:, -1] == 255).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_kinds_keep_pixels_profile_and_exif(tmp_path: Path, suffix: str, channels: int) -> None:
    pixels = texture(channels, np.uint16)
    source = tmp_path / f"a{suffix}"
    header = stills.Header(source, "RAW", "", SIZE, stills.Orientation(), 16, 1, {})
    header.extras.update(icc_profile=rgb_profile(), exif=exif())
    source.write_bytes(stills.encode(pixels, suffix, header, same_way_up=True)[0])
    np.testing.assert_array_equal(stored(source), pixels)
    with open_source(source) as frames:
        assert frames.info.bits == 16
        assert frames.at(0).image.dtype == np.uint16
        np.testing.assert_array_equal(frames.at(0).image[..., 0], pixels[..., 0])
    carry(source, tmp_path / f"b{suffix}", paint=True)
    mask, after = box_mask(SIZE), stored(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(after[~mask], pixels[~mask])
    assert abs(int(after[mask][0, -1 if channels == 1 else 1]) - (124.2 if channels == 1 else 200) * 257) < 257
    kept = stills.read_header(tmp_path / f"b{suffix}").extras
    assert kept["icc_profile"] == rgb_profile()
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.getexif()[0x010F] == "Camera"


def test_opencv_reads_our_16_bit_tiff(tmp_path: Path) -> None:
    pixels = texture(3, np.uint16)
    (tmp_path / "a.tif").write_bytes(stills.encode(pixels, ".tif")[0])
    read = cv2.imread(str(tmp_path / "a.tif"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read[..., ::-1], pixels)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_shown_upright_and_written_as_it_was(tmp_path: Path, suffix: str, orientation: int) -> None:
    options: dict[str, Any] = {"exif": exif(orientation)}
    options |= {".jpg": {"quality": 97, "subsampling": 0}, ".webp": {"lossless": True}}.get(suffix, {})
    source = save(tmp_path / f"a{suffix}", texture(3), **options)
    with Image.open(source) as image:
        upright = np.array(ImageOps.exif_transpose(image))
    with open_source(source) as frames:
        np.testing.assert_array_equal(frames.at(0).image, upright)
        assert frames.info.size == upright.shape[:2]
    carry(source, tmp_path / f"b{suffix}", paint=True)
    with Image.open(tmp_path / f"b{suffix}") as image:
        after = np.array(ImageOps.exif_transpose(image)).astype(int)
        if suffix != ".tif":  # Pillow turns TIFF itself, so it is written upright
            assert image.getexif().get(0x0112, 1) == orientation
    mask = box_mask(upright.shape[:2])
    limit = 14 if suffix == ".jpg" else 0
    far = ~cv2.dilate(mask.astype(np.uint8), np.ones((17, 17))).astype(bool)
    assert np.abs(after - upright)[far].max() <= limit
    assert np.abs(after[mask] - (10, 200, 30)).mean() < 3


def test_cross_format_is_written_upright(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", texture(3), exif=exif(6), icc_profile=rgb_profile())
    carry(source, tmp_path / "b.png", paint=False)
    with Image.open(tmp_path / "b.png") as image, open_source(source) as frames:
        assert image.getexif()[0x0112] == 1
        assert image.getexif()[0x010F] == "Camera"
        assert image.info["icc_profile"] == rgb_profile()
        np.testing.assert_array_equal(np.array(image), frames.at(0).image)


def test_png_texts_and_gamma_are_kept(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", texture(3), icc_profile=rgb_profile(), dpi=(300, 300))
    data = source.read_bytes()
    body = b"tEXtComment\0made for a test"
    data = data[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]
    source.write_bytes(data)
    carry(source, tmp_path / "b.png", paint=True)
    with Image.open(tmp_path / "b.png") as image:
        image.load()
        assert image.info["Comment"] == "made for a test"
        assert image.info["icc_profile"] == rgb_profile()
        assert round(image.info["dpi"][0]) == 300


def test_jpeg_is_written_with_the_source_tables(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", texture(3), quality=62, exif=exif(), icc_profile=rgb_profile())
    carry(source, tmp_path / "b.jpg", paint=True)
    with Image.open(source) as before, Image.open(tmp_path / "b.jpg") as after:
        assert before.quantization == after.quantization
        assert after.info["icc_profile"] == rgb_profile()
        far = np.abs(np.array(before).astype(int) - np.array(after))[:, 50:]
    assert far.max() <= 3


def test_palette_and_grey_masks_do_not_break(tmp_path: Path) -> None:
    palette = Image.fromarray(texture(3)).quantize(16)
    palette.save(tmp_path / "a.png")
    carry(tmp_path / "a.png", tmp_path / "b.png", paint=True)
    mask = box_mask(SIZE)
    np.testing.assert_array_equal(stored(tmp_path / "b.png")[~mask], np.array(palette.convert("RGB"))[~mask])
    Image.fromarray(texture(1)[..., 0] > 127).save(tmp_path / "bits.png")
    carry(tmp_path / "bits.png", tmp_path / "c.png", paint=True)
    assert stored(tmp_path / "c.png").shape == (*SIZE, 1)


def test_cmyk_jpeg_reads_and_writes(tmp_path: Path) -> None:
    Image.fromarray(texture(3)).convert("CMYK").save(tmp_path / "a.jpg")
    carry(tmp_path / "a.jpg", tmp_path / "b.jpg", paint=True)
    assert stored(tmp_path / "b.jpg").shape == (*SIZE, 3)


def test_unchanged_picture_is_copied_byte_for_byte(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", texture(3), quality=40)
    carry(source, tmp_path / "b.jpg", paint=False)
    assert source.read_bytes() == (tmp_path / "b.jpg").read_bytes()


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    save(tmp_path / "a.png", texture(4))
    assert "alpha" in carry(tmp_path / "a.png", tmp_path / "b.jpg", paint=False)[0]
    (tmp_path / "deep.png").write_bytes(stills.encode(texture(3, np.uint16), ".png")[0])
    assert "8 bits" in carry(tmp_path / "deep.png", tmp_path / "c.webp", paint=False)[0]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
@pytest.mark.parametrize("tenth", range(10))
def test_cut_picture_is_one_sentence(tmp_path: Path, suffix: str, tenth: int) -> None:
    source = save(tmp_path / f"a{suffix}", texture(3))
    data = source.read_bytes()
    source.write_bytes(data[: len(data) * tenth // 10])
    with pytest.raises(InputError, match=f"a{suffix}"), open_source(source) as frames:
        frames.at(0)


@pytest.mark.parametrize("side", [16384 + 1, 2**31 - 1])
def test_huge_declared_size_is_refused_before_decoding(tmp_path: Path, side: int) -> None:
    source = save(tmp_path / "a.png", texture(3))
    data = bytearray(source.read_bytes())
    data[16:24] = struct.pack(">II", side, side)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    source.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.png"):
        open_source(source)


def test_unknown_suffix_names_the_known_ones(tmp_path: Path) -> None:
    source = save(tmp_path / "a.png", texture(3))
    with open_source(source) as frames, pytest.raises(OutputError, match=r"\.webp"):
        open_sink(tmp_path / "b.gif", frames, CONFIG)


def test_alpha_of_unchanged_pixels_and_colour_under_it_stay(tmp_path: Path) -> None:
    pixels = texture(4)
    pixels[..., 3] = np.where(np.arange(SIZE[1]) % 3 == 0, 0, 200)
    source = save(tmp_path / "a.png", pixels)
    carry(source, tmp_path / "b.png", paint=True)
    mask = box_mask(SIZE)
    np.testing.assert_array_equal(stored(tmp_path / "b.png")[~mask], pixels[~mask])


def test_put_pixels_does_not_touch_its_input() -> None:
    pixels = texture(3)
    before = pixels.copy()
    stills.put_pixels(pixels, np.zeros_like(pixels), box_mask(SIZE))
    np.testing.assert_array_equal(pixels, before)
    assert replace(stills.Header(Path("a"), "PNG", "RGB", SIZE, stills.Orientation(1), 8)).size == SIZE[::-1]


@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_16_bit_tiff_keeps_its_orientation(tmp_path: Path, orientation: int) -> None:
    pixels, source = texture(3, np.uint16), tmp_path / "a.tif"
    header = stills.Header(source, "RAW", "", SIZE, stills.Orientation(), 16, 1, {"exif": exif(orientation)})
    source.write_bytes(stills.encode(pixels, ".tif", header, same_way_up=True)[0])
    with open_source(source) as frames:
        np.testing.assert_array_equal(frames.at(0).image, stills.from_exif(orientation).upright(pixels))
    carry(source, tmp_path / "b.tif", paint=True)
    with open_source(tmp_path / "b.tif") as frames:
        after, mask = frames.at(0).image, box_mask(frames.info.size)
        np.testing.assert_array_equal(after[~mask], stills.from_exif(orientation).upright(pixels)[~mask])
