"""The planes of a decoded frame: RGB out of them, and filled pixels pasted back at the source's own bit depth.

Rule of the paste ("the grown mask" is the mask handed in, already dilated): a luma sample is replaced where the mask is
True; a chroma sample only where every luma sample that shares it is; every other sample keeps its bits. So nothing
outside the mask changes, neither luma nor colour. A chroma sample is the mean over its cell, the inverse of the
nearest-neighbour lookup that made the RGB.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import av
import cv2
import numpy as np
from av.filter import Graph

from vidremove.images import bounding_box, to_uint8
from vidremove.media.colour import Colour, rgb_to_yuv, yuv_to_rgb

_PACKED = {  # name -> channels a pixel, places of R, G, B
    "rgb24": (3, (0, 1, 2)),
    "bgr24": (3, (2, 1, 0)),
    "rgba": (4, (0, 1, 2)),
    "rgb0": (4, (0, 1, 2)),
    "bgra": (4, (2, 1, 0)),
    "bgr0": (4, (2, 1, 0)),
    "argb": (4, (1, 2, 3)),
    "0rgb": (4, (1, 2, 3)),
    "abgr": (4, (3, 2, 1)),
    "0bgr": (4, (3, 2, 1)),
    "rgb48le": (3, (0, 1, 2)),
    "bgr48le": (3, (2, 1, 0)),
    "rgba64le": (4, (0, 1, 2)),
    "bgra64le": (4, (2, 1, 0)),
}
_SEMI = {"nv12": (8, 0, 1, 1), "nv21": (8, 0, 1, 1), "nv16": (8, 0, 1, 0), "nv24": (8, 0, 0, 0)}
_SEMI |= {"p010le": (10, 6, 1, 1), "p012le": (12, 4, 1, 1), "p016le": (16, 0, 1, 1), "p210le": (10, 6, 1, 0)}
_CHROMA = {"420": (1, 1), "422": (1, 0), "444": (0, 0), "440": (0, 1), "411": (2, 0), "410": (2, 2)}
_PLANAR = re.compile(r"yuv([aj]?)(4\d\d)p(?:(9|10|12|14|16)le)?$")
_GRAY = re.compile(r"gray(?:(9|10|12|14|16)le)?$")
_GBR = re.compile(r"gbra?p(?:(9|10|12|14|16)le)?$")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the samples of a pixel format lie."""

    model: Literal["yuv", "rgb", "gray"]
    bits: int
    planes: tuple[tuple[int, int, int], ...]  # of each channel: plane, place in the pixel, channels in the plane
    shift: int = 0  # bits the samples are shifted up
    shrink: tuple[int, int] = (0, 0)  # log2 of the chroma cell's (width, height)


@lru_cache(maxsize=64)
def layout_of(pix_fmt: str) -> Layout | None:
    """The layout of one of FFmpeg's pixel formats, None if its planes cannot be written here as they are."""
    three = ((0, 0, 1), (1, 0, 1), (2, 0, 1))
    if found := _PLANAR.match(pix_fmt):
        return Layout("yuv", int(found[3] or 8), three, 0, _CHROMA[found[2]]) if found[2] in _CHROMA else None
    if pix_fmt in _SEMI:
        bits, shift, wide, high = _SEMI[pix_fmt]
        first = 1 if pix_fmt == "nv21" else 0
        return Layout("yuv", bits, ((0, 0, 1), (1, first, 2), (1, 1 - first, 2)), shift, (wide, high))
    if found := _GRAY.match(pix_fmt):
        return Layout("gray", int(found[1] or 8), three[:1])
    if found := _GBR.match(pix_fmt):
        return Layout("rgb", int(found[1] or 8), ((2, 0, 1), (0, 0, 1), (1, 0, 1)))
    if pix_fmt in _PACKED:
        channels, places = _PACKED[pix_fmt]
        return Layout("rgb", 16 if "48" in pix_fmt or "64" in pix_fmt else 8, tuple((0, p, channels) for p in places))
    return None


def model_of(pix_fmt: str) -> str:
    """The model of a pixel format: "yuv", "rgb" or "gray"; "" where `layout_of` knows no layout."""
    layout = layout_of(pix_fmt)
    return layout.model if layout else ""


def channel_views(frame: av.VideoFrame, layout: Layout) -> list[np.ndarray]:
    """Writable views (h, w) into the frame's memory, one a channel: Y Cb Cr, R G B or gray; chroma is smaller."""
    dtype = np.dtype(np.uint8 if layout.bits == 8 else "<u2")
    views = []
    for number, place, channels in layout.planes:
        plane = frame.planes[number]
        rows = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, -1)
        views.append(rows[:, : plane.width * channels][:, place::channels])
    return views


class FrameCopier:
    """Makes copies of frames that can be written into: the decoder may still need the original.

    They go through an empty filter graph, the one way that keeps all that a frame says of itself: times, colour tags,
    shape of pixels, captions, mastering display.
    """

    def __init__(self) -> None:
        self._graph: tuple[tuple[int, int, str], Graph] | None = None

    def __call__(self, frame: av.VideoFrame) -> av.VideoFrame:
        """A frame with its own memory and the same samples."""
        kind = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._graph[0] != kind:
            self._graph = kind, _empty_graph(*kind)
        graph = self._graph[1]
        graph.push(frame)
        copy = graph.pull()
        if not isinstance(copy, av.VideoFrame):
            raise TypeError(f"the graph gave {type(copy).__name__}")
        copy.make_writable()
        copy.pts = frame.pts
        if frame.time_base is not None:
            copy.time_base = frame.time_base
        return copy


def _empty_graph(width: int, height: int, pix_fmt: str) -> Graph:
    graph = Graph()
    source = graph.add_buffer(width=width, height=height, format=av.VideoFormat(pix_fmt), time_base=Fraction(1, 1000))
    source.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def copy_tags(frame: av.VideoFrame, target: av.VideoFrame) -> None:
    """Give `target` the times and colour tags of `frame`."""
    target.pts, target.duration = frame.pts, frame.duration
    if frame.time_base is not None:
        target.time_base = frame.time_base
    target.color_range, target.colorspace = frame.color_range, frame.colorspace
    target.color_primaries, target.color_trc = frame.color_primaries, frame.color_trc


def read_rgb(frame: av.VideoFrame, layout: Layout, colour: Colour) -> np.ndarray:
    """RGB of a decoded frame by the matrix given, chroma looked up by nearest neighbour.

    libswscale is not asked: by default its RGB is one level too dark, chroma is shifted by where the frame says it
    lies, and above 8 bits white is 1 in 256 too dark.

    Returns: uint8 (H, W, 3) of 8-bit frames, uint16 spanning 0..65535 of deeper ones; as stored, not turned.
    """
    views = channel_views(frame, layout)
    if layout.model == "yuv":
        luma, *chroma = (np.ascontiguousarray(view) for view in views)
        yuv = cv2.merge([luma, *(_widened(plane, luma.shape, layout.shrink) for plane in chroma)])
        return yuv_to_rgb(yuv >> layout.shift if layout.shift else yuv, colour, layout.bits)
    image = np.dstack(views if len(views) == 3 else views * 3)
    return _to_16(image, layout.bits) if layout.bits > 8 else image


def read_small(frame: av.VideoFrame, side: int) -> np.ndarray:
    """A decoded frame made small by libswscale, its colours near enough to recognise: uint8 (h, w, 3), as stored.

    Several times faster than `read_rgb`. No side is longer than `side` pixels.
    """
    scale = min(1.0, side / max(frame.width, frame.height))
    width, height = (max(1, round(length * scale)) for length in (frame.width, frame.height))
    return frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA").to_ndarray()


def read_gray(frame: av.VideoFrame, layout: Layout, colour: Colour) -> np.ndarray:
    """Brightness of a decoded frame, its luma spread over the full range: uint8 (H, W), as stored, not turned."""
    if layout.model == "rgb":
        return cv2.cvtColor(to_uint8(read_rgb(frame, layout, colour)), cv2.COLOR_RGB2GRAY)
    luma = channel_views(frame, layout)[0]
    scales, offsets = Colour(full=colour.full or layout.model == "gray").quantisation(layout.bits)
    levels = (np.arange(1 << layout.bits) - offsets[0]) * 255 / scales[0]
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return cv2.LUT(luma, table) if layout.bits == 8 else np.take(table, luma >> layout.shift, mode="clip")


def _widened(plane: np.ndarray, shape: tuple[int, ...], shrink: tuple[int, int]) -> np.ndarray:
    wide, high = (1 << n for n in shrink)
    if wide == high == 1:
        return plane
    size = plane.shape[1] * wide, plane.shape[0] * high
    return cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST)[: shape[0], : shape[1]]


def paste(frame: av.VideoFrame, layout: Layout, colour: Colour, image: np.ndarray, mask: np.ndarray) -> None:
    """Write the pixels of `mask` from `image` into the planes of `frame`; samples outside stay equal to the bit.

    Args:
        frame: a copy of a decoded frame, or a new one.
        image: uint8 or uint16 (H, W, 3), RGB, as stored (not turned).
        mask: bool (H, W), as stored.
    """
    wide, high = (1 << n for n in layout.shrink)
    box = bounding_box(mask)
    if box is None:
        return
    y0, x0 = box[0] // high * high, box[2] // wide * wide
    y1, x1 = -(-box[1] // high) * high, -(-box[3] // wide) * wide  # beyond an odd border where need be
    inside, pixels = mask[y0:y1, x0:x1], image[y0:y1, x0:x1]
    views = channel_views(frame, layout)
    for channel, values in enumerate(_samples(pixels, layout, colour)):
        small = layout.model == "yuv" and channel > 0
        cell_high, cell_wide = (high, wide) if small else (1, 1)
        where = _whole_cells(inside, cell_high, cell_wide)
        top = (1 << layout.bits) - 1
        rounded = np.clip(np.rint(_cell_means(values, cell_high, cell_wide)), 0, top)
        view = views[channel][y0 // cell_high :, x0 // cell_wide :][: where.shape[0], : where.shape[1]]
        np.copyto(view, rounded.astype(view.dtype) << layout.shift, where=where)


def _samples(pixels: np.ndarray, layout: Layout, colour: Colour) -> list[np.ndarray]:
    """float32 (h, w) of each channel, in units of the layout's samples."""
    if layout.model == "rgb":
        scale = np.float32(((1 << layout.bits) - 1) / np.iinfo(pixels.dtype).max)
        return [pixels[..., channel].astype(np.float32) * scale for channel in range(3)]
    if layout.model == "gray":
        full = Colour(colour.kr, colour.kb, True, colour.swscale)
        return [rgb_to_yuv(pixels, full, layout.bits)[..., 0]]
    return list(cv2.split(rgb_to_yuv(pixels, colour, layout.bits)))


def _pad(array: np.ndarray, high: int, wide: int) -> np.ndarray:
    below, right = -array.shape[0] % high, -array.shape[1] % wide
    return np.pad(array, ((0, below), (0, right)), mode="edge") if below or right else array


def _whole_cells(mask: np.ndarray, high: int, wide: int) -> np.ndarray:
    """Which cells, bool (h, w), have no pixel that is False; pixels beyond the border do not count."""
    if high == wide == 1:
        return mask
    mask = _pad(mask, high, wide)
    cells = mask.reshape(mask.shape[0] // high, high, mask.shape[1] // wide, wide)
    return np.asarray(cells.all(axis=(1, 3)))


def _cell_means(values: np.ndarray, high: int, wide: int) -> np.ndarray:
    if high == wide == 1:
        return values
    values = _pad(values, high, wide)
    return cv2.resize(values, (values.shape[1] // wide, values.shape[0] // high), interpolation=cv2.INTER_AREA)


def _to_16(image: np.ndarray, bits: int) -> np.ndarray:
    if bits == 16:
        return image.astype(np.uint16)
    top = (1 << bits) - 1
    return ((image.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)
