"""Which encoder writes the result, in which pixel format, with which options: the source's where that can be."""

from dataclasses import dataclass
from pathlib import Path

import av

from vidremove.config import OutputConfig
from vidremove.errors import OutputError
from vidremove.media.planes import Layout, layout_of, model_of

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm", ".avi": "avi"}
_ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "vp9": "libvpx-vp9",
    "vp8": "libvpx",
    "av1": "libsvtav1",
    "prores": "prores_ks",
    **{name: name for name in ("mpeg4", "mjpeg", "ffv1", "utvideo", "huffyuv", "png", "qtrle")},
}

_FALLBACK = {"webm": "libvpx-vp9", "avi": "mpeg4"}
_LOSSLESS = {"matroska": ["ffv1"], "avi": ["ffv1"], "webm": ["libvpx-vp9"]}
_LOSSLESS_MP4 = ["libx264", "libx264rgb", "libx265"]
_QUALITY = {"libx264": 16, "libx265": 17, "libvpx-vp9": 20, "libvpx": 8, "libsvtav1": 20, "mpeg4": 2, "mjpeg": 2}
_QUANTISER = {"mpeg4", "mjpeg"}
_QP_TO_LAMBDA = 118
_CAN_BE_LOSSLESS = {"libx264", "libx264rgb", "libx265", "libvpx-vp9", "ffv1", "utvideo", "huffyuv", "png", "qtrle"}
_SAME_SAMPLES = [  # arrangements of the same numbers
    ("rgb24", "bgr24", "gbrp", "rgb0", "bgr0", "0rgb", "0bgr"),
    ("rgba", "bgra", "argb", "abgr", "gbrap"),
    ("rgb48le", "bgr48le", "gbrp16le"),
    ("rgba64le", "bgra64le", "gbrap16le"),
    ("yuv420p", "yuvj420p", "nv12", "nv21"),
    ("yuv422p", "yuvj422p", "nv16"),
    ("yuv444p", "yuvj444p", "nv24"),
    ("yuv440p", "yuvj440p"),
    ("yuv420p10le", "p010le"),
    ("yuv420p12le", "p012le"),
    ("yuv420p16le", "p016le"),
    ("yuv422p10le", "p210le"),
]
_NOT_IN_AVI = {"libx264", "libx264rgb", "libx265", "libvpx-vp9", "libsvtav1"}  # read back a frame or more late
_MATROSKA = {"matroska", "webm"}
_SAY_ASPECT = {"libx264", "libx264rgb", "libx265", "libsvtav1", "mpeg4"}  # in their own stream
_NO_ODD_SIDES = {"libx264", "libx265"}
_LARGEST_MPEG4_CLOCK = 65535


@dataclass(frozen=True, slots=True)
class Encoding:
    """What to open the encoder with."""

    container: str
    encoder: str
    pix_fmt: str
    options: dict[str, str]
    pad: tuple[int, int] = (0, 0)  # rows below and columns on the right added for an encoder that needs even sides
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """What is to be encoded."""

    codec: str | None  # FFmpeg's name of the source's codec; None where the source is no video
    pix_fmt: str
    size: tuple[int, int]  # (H, W), as stored
    clock: int = 1  # denominator of the time base
    square: bool = True  # pixels as wide as high


def choose_encoding(target: Path, material: Material, config: OutputConfig) -> Encoding:
    """The encoder for a target.

    Raises: OutputError if the container or the codec asked for cannot do it.
    """
    container, pix_fmt = CONTAINERS[target.suffix.lower()], material.pix_fmt
    encoder, notes = _encoder(target, container, material, config)
    chosen, lost = nearest_format(pix_fmt, _formats(encoder))
    if config.lossless and lost:
        raise OutputError(f"{target}: {pix_fmt} cannot be kept without loss in {target.suffix}; use .mkv.")
    if lost:
        notes.append(f"pixel format {pix_fmt} became {chosen}: {encoder} does not write it ({lost})")
    pad = _padding(encoder, chosen, material.size)
    if any(pad):
        height, width = material.size
        notes.append(f"{width}x{height} was padded to {width + pad[1]}x{height + pad[0]}: {encoder} needs even sides")
    if not material.square and container in _MATROSKA and encoder not in _SAY_ASPECT:
        notes.append(f"pixels are not square in the source; {encoder} in {target.suffix} cannot say so")
    options = _options(encoder, container, chosen, config)
    return Encoding(container, encoder, chosen, options, pad, tuple(notes))


def _encoder(target: Path, container: str, material: Material, config: OutputConfig) -> tuple[str, list[str]]:
    if config.codec != "auto":
        asked = _ENCODERS.get(config.codec, config.codec)
        if asked not in _ENCODERS.values() and asked != "libx264rgb":
            raise OutputError(f"codec {config.codec!r} is not known. Known: auto, {', '.join(sorted(_ENCODERS))}.")
        if not _fits(asked, container):
            raise OutputError(f"{target}: {config.codec} does not go into {target.suffix}; use another or .mkv.")
        if config.lossless and asked not in _CAN_BE_LOSSLESS:
            raise OutputError(f"{target}: {config.codec} cannot be written without loss; use ffv1 in .mkv, or h264.")
        return asked, []
    if config.lossless:
        return _lossless_encoder(container, material), []
    fallback = _FALLBACK.get(container, "libx264")
    if fallback == "mpeg4" and material.clock > _LARGEST_MPEG4_CLOCK:
        fallback = "mjpeg"
    if material.codec is None:
        return fallback, []
    own = _ENCODERS.get(material.codec)
    if own == "mpeg4" and material.clock > _LARGEST_MPEG4_CLOCK:
        return fallback, [f"mpeg4 cannot keep times in 1/{material.clock} s: {fallback} is used"]
    if own is None or not _fits(own, container):
        return fallback, [f"{material.codec} of the source is not written into {target.suffix}: {fallback} is used"]
    return ("libx264rgb" if own == "libx264" and model_of(material.pix_fmt) == "rgb" else own), []


def _lossless_encoder(container: str, material: Material) -> str:
    wanted = _LOSSLESS.get(container, _LOSSLESS_MP4)
    if container == "matroska" and not material.square:
        wanted = [*_LOSSLESS_MP4, *wanted]  # H.264 says the shape of pixels itself
    fitting = (e for e in wanted if not nearest_format(material.pix_fmt, _formats(e))[1])
    return next(fitting, wanted[-1])


def list_encoders() -> dict[str, bool]:
    """Encoders that results can be written with, and whether this machine has each."""
    return {name: name in av.codecs_available for name in sorted({*_ENCODERS.values(), "libx264rgb"})}


def _formats(encoder: str) -> list[str]:
    return [f.name for f in av.Codec(encoder, "w").video_formats or ()]


def _fits(encoder: str, container: str) -> bool:
    if (container == "avi" and encoder in _NOT_IN_AVI) or (container == "mp4" and encoder == "ffv1"):
        return False
    codec = av.Codec(encoder, "w")
    with av.open(_Nowhere(), "w", format=container) as probe:
        return codec.canonical_name in probe.supported_codecs


class _Nowhere:
    """A file that forgets what is written to it."""

    name = ""

    def write(self, data: bytes) -> int:
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def tell(self) -> int:
        return 0


def nearest_format(pix_fmt: str, offered: list[str]) -> tuple[str, str]:
    """The offered pixel format that keeps most of `pix_fmt`, and in words what is lost ("" for nothing)."""
    if pix_fmt in offered or not offered:
        return pix_fmt, ""
    for group in _SAME_SAMPLES:
        if pix_fmt in group:
            same = [name for name in group if name in offered]
            if same:
                return same[0], ""
    wanted = layout_of(pix_fmt)
    known = [(name, layout) for name in offered if (layout := layout_of(name)) is not None]
    if wanted is None or not known:
        return offered[0], "its samples are converted"
    name, layout = min(known, key=lambda entry: _loss(pix_fmt, wanted, *entry))
    lost = _words(pix_fmt, wanted, name, layout)
    return name, lost


def _loss(pix_fmt: str, wanted: Layout, name: str, layout: Layout) -> tuple[object, ...]:
    wide, high = layout.shrink
    return (
        wanted.model != "gray" and layout.model == "gray",
        wanted.model != layout.model,
        max(0, wanted.bits - layout.bits),
        max(0, wide - wanted.shrink[0]) + max(0, high - wanted.shrink[1]),
        has_alpha(pix_fmt) and not has_alpha(name),
        layout.bits,
        -wide - high,
        name,
    )


def _words(pix_fmt: str, wanted: Layout, name: str, layout: Layout) -> str:
    wide, high = layout.shrink
    lost = []
    if wanted.model != layout.model and wanted.model != "gray":
        lost.append(f"{wanted.model} samples become {layout.model}")
    if layout.bits < wanted.bits:
        lost.append(f"{wanted.bits} bits become {layout.bits}")
    if wide > wanted.shrink[0] or high > wanted.shrink[1]:
        lost.append("chroma is halved")
    if has_alpha(pix_fmt) and not has_alpha(name):
        lost.append("alpha is left out")
    return ", ".join(lost) or "samples are rescaled"


def has_alpha(pix_fmt: str) -> bool:
    """Whether the pixel format holds an alpha channel."""
    return any(c.is_alpha for c in av.VideoFormat(pix_fmt, 2, 2).components)


def _padding(encoder: str, pix_fmt: str, size: tuple[int, int]) -> tuple[int, int]:
    layout = layout_of(pix_fmt)
    if encoder not in _NO_ODD_SIDES or layout is None or layout.model != "yuv":
        return 0, 0
    wide, high = layout.shrink
    return -size[0] % (1 << high), -size[1] % (1 << wide)


def _options(encoder: str, container: str, pix_fmt: str, config: OutputConfig) -> dict[str, str]:
    quality = str(config.crf if config.crf >= 0 else _QUALITY.get(encoder, 0))
    if encoder in ("libx264", "libx264rgb"):
        options = {"preset": config.preset, **({"qp": "0"} if config.lossless else {"crf": quality})}
        return options
    if encoder == "libx265":
        quiet = "log-level=error"
        lossless = {"x265-params": f"{quiet}:lossless=1"}
        return {"preset": config.preset, **(lossless if config.lossless else {"crf": quality, "x265-params": quiet})}
    if encoder == "libvpx-vp9":
        speed = {"deadline": "good", "cpu-used": "4", "row-mt": "1"}
        return speed | ({"lossless": "1"} if config.lossless else {"crf": quality, "b": "0"})
    if encoder == "libvpx":
        return {"deadline": "good", "cpu-used": "4", "crf": quality, "b": "50M"}
    if encoder == "libsvtav1":
        return {"preset": "8", "crf": quality}
    if encoder in _QUANTISER:
        any_range = {"strict": "unofficial"} if encoder == "mjpeg" else {}  # limited range too, said in the stream
        return {"flags": "+qscale", "global_quality": str(int(quality) * _QP_TO_LAMBDA), **any_range}
    if encoder == "prores_ks":
        return {"profile": "4444" if "444" in pix_fmt else "hq", "vendor": "apl0"}
    if encoder == "ffv1":
        return {"level": "3", "g": "1"}
    return {}
