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
from PIL.ExifTags import IFD

from tests.unit.test_media_video import box_mask, painted
from vidremove.config import OutputConfig
from vidremove.errors import InputError, OutputError
from vidremove.media import open_sink, open_source, png, stills, webp
from vidremove.media.exif import without_thumbnail

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


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
@pytest.mark.parametrize("space", [b"CMYK", b"Lab "])
def test_a_profile_of_other_colours_is_left_out_and_said(tmp_path: Path, suffix: str, space: bytes) -> None:
    profile = rgb_profile()[:16] + space + rgb_profile()[20:]
    Image.fromarray(texture(3)).convert("CMYK").save(tmp_path / f"a{suffix}", icc_profile=profile)
    notes = carry(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}", paint=True)
    assert [space.decode().strip() in note for note in notes] == [True]
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.mode == "RGB"
        assert "icc_profile" not in image.info


def test_a_profile_of_greys_stays_where_grey_is_written(tmp_path: Path) -> None:
    profile = rgb_profile()[:16] + b"GRAY" + rgb_profile()[20:]
    grey = save(tmp_path / "a.jpg", texture(1), icc_profile=profile)
    assert carry(grey, tmp_path / "b.jpg", paint=True) == []
    clear = save(tmp_path / "c.png", texture(2), icc_profile=profile)
    assert "GRAY" in carry(clear, tmp_path / "d.png", paint=True)[0]
    for name, kept in (("b.jpg", True), ("d.png", False)):
        with Image.open(tmp_path / name) as image:
            assert ("icc_profile" in image.info) == kept


def with_thumbnail(order: str, picture: bytes, behind: bytes) -> bytes:
    """EXIF of a camera's name and a thumbnail; `behind` follows it."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    first = struct.pack(order + "H", 1) + struct.pack(order + "HHII", 0x010F, 2, 7, 100) + struct.pack(order + "I", 26)
    entries = [(0x0103, 3, 1, 6 << (0 if order == "<" else 16)), (0x0201, 4, 1, 120), (0x0202, 4, 1, len(picture))]
    second = struct.pack(order + "H", 3) + b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    head = (mark + struct.pack(order + "I", 8) + first + second + bytes(4)).ljust(100, b"\0") + b"Camera\0"
    return b"Exif\0\0" + head.ljust(120, b"\0") + picture + behind


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("behind", [b"", b"maker's note"])
def test_the_thumbnail_of_before_is_not_kept(tmp_path: Path, suffix: str, order: str, behind: bytes) -> None:
    secret = bytes(range(1, 256)) * 4
    options = {"lossless": True} if suffix == ".webp" else {}
    source = save(tmp_path / f"a{suffix}", texture(3), exif=with_thumbnail(order, secret, behind), **options)
    with Image.open(source) as image:
        assert image.getexif().get_ifd(IFD.IFD1)  # the directory of the thumbnail
    assert secret[:64] in source.read_bytes()
    carry(source, tmp_path / f"b{suffix}", paint=True)
    data = (tmp_path / f"b{suffix}").read_bytes()
    assert not any(secret[n : n + 16] in data for n in range(0, len(secret), 16))
    assert behind in data
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert image.getexif()[0x010F] == "Camera"
        assert not image.getexif().get_ifd(IFD.IFD1)


@pytest.mark.parametrize("text", [b"Raw profile type exif\0\0secret", b"XML:com.adobe.xmp\0<xmpGImg:image>secret"])
def test_texts_of_a_png_that_hold_its_thumbnail_are_not_kept(tmp_path: Path, text: bytes) -> None:
    source = save(tmp_path / "a.png", texture(3))
    source.write_bytes(png.with_chunks(source.read_bytes(), [(b"tEXt", text), (b"tEXt", b"Title\0of a test")]))
    carry(source, tmp_path / "b.png", paint=True)
    data = (tmp_path / "b.png").read_bytes()
    assert b"secret" not in data
    assert b"of a test" in data


@pytest.mark.parametrize("cut", range(0, 160, 7))
def test_damaged_exif_does_no_harm(cut: int) -> None:
    whole = with_thumbnail("<", b"secret" * 9, b"")
    assert b"secret" not in without_thumbnail(whole)
    assert b"secret" not in without_thumbnail(whole[:cut])


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_stays_lossless_behind_a_profile(tmp_path: Path, lossless: bool) -> None:
    source = save(tmp_path / "a.webp", texture(3), lossless=lossless, icc_profile=rgb_profile(), exif=exif())
    carry(source, tmp_path / "b.webp", paint=True)
    assert [webp.is_lossless(tmp_path / name) for name in ("a.webp", "b.webp")] == [lossless, lossless]
    (tmp_path / "cut.webp").write_bytes(source.read_bytes()[:40])
    assert not webp.is_lossless(tmp_path / "cut.webp")


@pytest.mark.parametrize(("level", "fits"), [(65535, True), (65536, False), (70000, False), (-1, False)])
def test_samples_of_32_bits_are_read_or_refused(tmp_path: Path, level: int, fits: bool) -> None:
    pixels = np.full(SIZE, 500, np.int32)
    pixels[3, 4] = level
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    with open_source(tmp_path / "a.tif") as source:
        if fits:
            np.testing.assert_array_equal(source.at(0).image[..., 0], pixels)
            return
        with pytest.raises(InputError, match=rf"a\.tif: holds samples from .*{level}.*needed 0 to 65535"):
            source.at(0)


def test_samples_that_are_no_whole_numbers_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full(SIZE, 0.5, np.float32)).save(tmp_path / "a.tif")
    with open_source(tmp_path / "a.tif") as source, pytest.raises(InputError, match=r"a\.tif: samples of type float32"):
        source.at(0)


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


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_thumbnail_that_claims_the_directory_does_no_harm(tmp_path: Path, suffix: str) -> None:
    made = Image.Exif()
    made[0x0112] = 6
    data = bytearray(made.tobytes().removeprefix(b"Exif\0\0"))
    order = "<" if data[:2] == b"II" else ">"
    first = struct.unpack_from(order + "I", data, 4)[0]
    pointer = first + 2 + 12 * struct.unpack_from(order + "H", data, first)[0]
    second = len(data)
    struct.pack_into(order + "I", data, pointer, second)
    data += struct.pack(order + "H", 2)
    for tag, value in ((0x0201, 0), (0x0202, 8)):
        data += struct.pack(order + "HHII", tag, 4, 1, value)
    data += struct.pack(order + "I", 0)
    Image.new("RGB", (32, 24), (9, 99, 200)).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + bytes(data))
    with open_source(tmp_path / "a.jpg") as source, open_sink(tmp_path / f"b{suffix}", source, OutputConfig()) as sink:
        for frame in source.frames():
            sink.write(frame)
    with Image.open(tmp_path / f"b{suffix}") as written:
        written.load()


@pytest.mark.parametrize(("suffix", "told"), [(".jpg", True), (".png", False), (".webp", False)])
def test_jpeg_tells_that_it_is_never_lossless(tmp_path: Path, suffix: str, told: bool) -> None:
    Image.new("RGB", (32, 24), (9, 99, 200)).save(tmp_path / "a.jpg")
    config = OutputConfig(lossless=True)
    with open_source(tmp_path / "a.jpg") as source, open_sink(tmp_path / f"b{suffix}", source, config) as sink:
        for frame in source.frames():
            sink.write(replace(frame, mask=np.ones((24, 32), np.bool_)))
    assert any("always loses a little" in note for note in sink.notes) == told
