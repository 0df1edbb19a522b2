"""Planes and colour: exact where nothing is replaced, right where something is."""

import av
import numpy as np
import pytest

from tests.media_clips import noise_planes, planes_of
from vidremove.media.colour import Colour, colour_of, rgb_to_yuv, yuv_to_rgb
from vidremove.media.orient import Orientation, from_exif, from_matrix
from vidremove.media.planes import FrameCopier, layout_of, paste, read_gray, read_rgb

FORMATS = [
    *("yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv440p", "yuvj420p", "yuva420p", "nv12", "nv21", "nv16", "nv24"),
    *("yuv420p10le", "yuv422p10le", "yuv444p12le", "p010le", "gray", "gray10le", "gbrp", "gbrp10le", "rgb24", "bgra"),
    *("argb", "rgb48le", "gbrp16le"),
]
BT601, BT709, BT2020 = Colour(0.299, 0.114, False, 5), Colour(), Colour(0.2627, 0.0593, False, 9)
ODD = (47, 65)


def made(pix_fmt: str, size: tuple[int, int] = (48, 64), seed: int = 0) -> av.VideoFrame:
    frame = av.VideoFrame(size[1], size[0], pix_fmt)
    noise_planes(frame, seed)
    return frame


@pytest.mark.parametrize("size", [(48, 64), ODD])
@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_paste_changes_the_mask_and_nothing_else(pix_fmt: str, size: tuple[int, int]) -> None:
    layout = layout_of(pix_fmt)
    assert layout is not None
    frame, mask = made(pix_fmt, size), np.zeros(size, np.bool_)
    mask[11:30, 13:42] = True
    mask[-3:, -3:] = True  # at the border, odd or not
    colour = Colour(full=pix_fmt.startswith("yuvj"))
    before = planes_of(frame)
    other = read_rgb(made(pix_fmt, size, seed=9), layout, colour)
    result = FrameCopier()(frame)
    paste(result, layout, colour, other, mask)
    for one, two in zip(before, planes_of(frame), strict=True):
        np.testing.assert_array_equal(one, two)
    wide, high = (1 << n for n in layout.shrink)
    for channel, (old, new) in enumerate(zip(before, planes_of(result), strict=True)):
        cell = (high, wide) if layout.model == "yuv" and channel else (1, 1)
        y, x = np.mgrid[0 : size[0], 0 : size[1]]
        touched = np.ones(old.shape, np.bool_)
        np.logical_and.at(touched, (y // cell[0], x // cell[1]), mask)
        np.testing.assert_array_equal(old[~touched], new[~touched])
        expected = planes_of(made(pix_fmt, size, seed=9))[channel][touched]
        unit = 1 << layout.shift
        assert np.abs(expected.astype(int) - new[touched]).max() <= (2 if layout.model == "yuv" else 1) * unit
        assert (new[touched] != old[touched]).mean() > 0.5


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pix_fmt", FORMATS)
def test_grey_is_the_brightness_of_the_picture(pix_fmt: str, full: bool) -> None:
    layout, colour = layout_of(pix_fmt), Colour(full=full)
    assert layout is not None
    frame, grey = made(pix_fmt, ODD), np.full((*ODD, 3), 160, np.uint8)
    paste(frame, layout, colour, grey, np.ones(ODD, np.bool_))
    found = read_gray(frame, layout, colour)
    assert (found.dtype, found.shape) == (np.uint8, ODD)
    assert np.abs(found.astype(int) - 160).max() <= 1
    for level in (0, 255):
        paste(frame, layout, colour, np.full_like(grey, level), np.ones(ODD, np.bool_))
        assert np.abs(read_gray(frame, layout, colour).astype(int) - level).max() <= 1


@pytest.mark.parametrize("colour", [BT601, BT709, BT2020, Colour(full=True)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "nv12", "yuv420p10le", "yuv444p12le"])
def test_rgb_is_off_by_less_than_a_level(pix_fmt: str, colour: Colour) -> None:
    layout = layout_of(pix_fmt)
    assert layout is not None
    frame = made(pix_fmt)
    image = read_rgb(frame, layout, colour)
    luma, *chroma = planes_of(frame)
    wide, high = (1 << n for n in layout.shrink)
    yuv = np.dstack([luma, *(c.repeat(high, 0).repeat(wide, 1) for c in chroma)]).astype(float)
    scale, offset = colour.quantisation(layout.bits)
    exact = ((yuv - offset) / scale) @ np.linalg.inv(colour.matrix()).T
    top = np.iinfo(image.dtype).max
    error = image - np.clip(exact * top, 0, top)
    assert np.abs(error).max() < 1
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.12


def test_pure_green_survives_a_tagged_matrix() -> None:
    green = np.full((8, 8, 3), (0, 200, 30), np.uint8)
    for colour in (BT601, BT709, BT2020):
        layout = layout_of("yuv444p")
        assert layout is not None
        frame = av.VideoFrame(8, 8, "yuv444p")
        paste(frame, layout, colour, green, np.ones((8, 8), np.bool_))
        assert np.abs(read_rgb(frame, layout, colour).astype(int) - green).max() <= 2


def test_known_samples_of_bt709() -> None:
    pixels = np.uint8([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]])
    limited = np.rint(rgb_to_yuv(pixels, BT709, 8))[0]
    np.testing.assert_array_equal(limited, [[235, 128, 128], [16, 128, 128], [63, 102, 240]])
    ten = np.rint(rgb_to_yuv(pixels, BT709, 10))[0]
    np.testing.assert_array_equal(ten[:2], [[940, 512, 512], [64, 512, 512]])
    back = yuv_to_rgb(ten[None].astype(np.uint16), BT709, 10)[0]
    np.testing.assert_array_equal(back[:2], [[65535] * 3, [0] * 3])


def test_colour_of_tags() -> None:
    assert colour_of(1, 1, "yuv420p", (48, 64))[0] == BT709
    assert colour_of(9, 2, "yuv420p10le", (48, 64))[0] == Colour(0.2627, 0.0593, True, 9)
    assert colour_of(2, 0, "yuv420p", (480, 854))[0] == BT601
    assert colour_of(2, 0, "yuv420p", (1080, 1920))[0] == BT709
    assert colour_of(6, 0, "yuvj420p", (48, 64))[0].full
    assert colour_of(8, 0, "yuv444p", (48, 64))[1] is not None


def test_a_copied_frame_has_its_own_memory() -> None:
    frame = made("yuv420p", ODD)
    copy = FrameCopier()(frame)
    for one, two in zip(planes_of(frame), planes_of(copy), strict=True):
        np.testing.assert_array_equal(one, two)
    noise_planes(copy, 5)
    assert (planes_of(frame)[0] != planes_of(copy)[0]).any()


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirror", [False, True])
def test_orientation_has_an_inverse(turns: int, mirror: bool) -> None:
    way, pixels = Orientation(turns, mirror), np.arange(24).reshape(4, 6)
    np.testing.assert_array_equal(way.stored(way.upright(pixels)), pixels)
    assert way.swaps_sides == (way.upright(pixels).shape != pixels.shape)


def test_odd_exif_codes_and_matrices() -> None:
    assert from_exif(0) == from_exif(99) == Orientation()
    assert from_matrix([65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30]) == Orientation()
    assert from_matrix([46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30]) is None
