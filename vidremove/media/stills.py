"""One picture file: its pixels as stored with alpha and 16 bits, its EXIF and ICC profile; in, and out again."""

import io
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, JpegImagePlugin

from vidremove.errors import InputError, OutputError
from vidremove.images import LARGEST_PIXELS, to_uint8
from vidremove.media import exif, png, tiff, webp
from vidremove.media.faults import reading
from vidremove.media.orient import Orientation, from_exif

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
_DEEP_GREY = ("I;16", "I;16B", "I")
_LARGEST_SAMPLE = 65535
_BITS_PER_SAMPLE = 258
_ICC_SPACE = slice(16, 20)  # of a profile: the colour space that it is for. Source: ICC.1:2022, section 7.2

Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS  # the same limit as for clips, refused by `read_header` before decoding
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # `read_header` says it in its own words


@dataclass(frozen=True, slots=True)
class Header:
    """What the head of a picture file says."""

    path: Path
    format: str  # PNG, JPEG, TIFF, WEBP, BMP
    mode: str  # Pillow's
    stored_size: tuple[int, int]  # (H, W)
    orientation: Orientation
    bits: int  # 8 or 16
    frames: int = 1
    extras: dict[str, Any] = field(default_factory=dict)  # exif, icc_profile and how it was compressed

    @property
    def size(self) -> tuple[int, int]:
        """(H, W), upright."""
        height, width = self.stored_size
        return (width, height) if self.orientation.swaps_sides else (height, width)


def read_header(path: Path) -> Header:
    """Read the head of a picture without decoding it.

    Raises: InputError for what is not a picture, or one of more than 2**28 pixels.
    """
    with reading(path), Image.open(path) as image:
        width, height = image.size
        if width * height > LARGEST_PIXELS:
            raise InputError(f"{path}: is {width}x{height}; pictures of more than {LARGEST_PIXELS} pixels are refused.")
        deep = _is_deep(path, image)
        code = _orientation_code(image)
        extras: dict[str, Any] = {
            key: image.info[key] for key in ("exif", "icc_profile", "dpi", "compression") if key in image.info
        }
        if image.format == "TIFF":
            turned = not deep or image.mode in _DEEP_GREY  # Pillow has turned it, or says its size as if it had
            code = 1 if turned else code
            if from_exif(code).swaps_sides:
                width, height = height, width
            extras["exif"] = tiff.kept_exif(image, turned=turned)
        if isinstance(image, JpegImagePlugin.JpegImageFile):
            extras["qtables"] = image.quantization
            extras["subsampling"] = JpegImagePlugin.get_sampling(image)
        frames = int(getattr(image, "n_frames", 1) or 1)
        bits = 16 if deep else 8
        return Header(path, str(image.format), image.mode, (height, width), from_exif(code), bits, frames, extras)


def read_stored(header: Header) -> np.ndarray:
    """Decode the picture as it is stored, not turned: uint8 or uint16 (H, W, C), C = 1, 2 (grey + alpha), 3 or 4 (RGB).

    Raises: InputError for a file that is cut short or damaged.
    """
    path = header.path
    if header.bits == 16 and header.mode not in _DEEP_GREY:
        with reading(path):
            data = path.read_bytes()
            data = tiff.without_orientation(data) if header.format == "TIFF" else data
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise InputError(f"{path}: is damaged or cut short. Replace it or take it out of the folder.")
        stored = _from_opencv(pixels, path)
    else:
        with reading(path), Image.open(path) as image:
            stored = _from_pillow(image, path)
    if stored.shape[:2] != header.stored_size:
        raise InputError(f"{path}: holds {stored.shape[1]}x{stored.shape[0]} pixels, its head says another size.")
    return stored


def read_palette_numbers(header: Header) -> np.ndarray:
    """The palette entry of every pixel of a palette picture, as stored: uint8 (H, W)."""
    with reading(header.path), Image.open(header.path) as image:
        return np.array(image)


def to_rgb(stored: np.ndarray) -> np.ndarray:
    """RGB (H, W, 3) of a stored picture, without its alpha."""
    colours = stored[..., :1] if stored.shape[2] < 3 else stored[..., :3]
    return np.ascontiguousarray(np.broadcast_to(colours, (*stored.shape[:2], 3)))


def put_pixels(stored: np.ndarray, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A copy of the stored picture with the pixels of `mask` from `image`; a replaced pixel becomes opaque.

    Args:
        stored: (H, W, C) as `read_stored` gives it.
        image: uint8 or uint16 (H, W, 3) RGB, as stored (not turned).
        mask: bool (H, W).
    """
    result = stored.copy()
    pixels = image[mask]
    if stored.dtype == np.uint8 and image.dtype == np.uint16:
        pixels = to_uint8(pixels)
    if stored.shape[2] < 3:
        pixels = np.rint(pixels @ np.array([0.299, 0.587, 0.114]))[:, None].astype(stored.dtype)
    result[mask, : pixels.shape[1]] = pixels
    if stored.shape[2] in (2, 4):
        result[mask, -1] = np.iinfo(stored.dtype).max
    return result


def encode(
    stored: np.ndarray, suffix: str, header: Header | None = None, *, same_way_up: bool = False, lossless: bool = False
) -> tuple[bytes, tuple[str, ...]]:
    """A picture file as bytes, with EXIF (less its thumbnail, which may show other pixels) and profile of `header`.

    Args:
        stored: uint8 or uint16 (H, W, C).
        suffix: ".png", ".jpg", ...
        header: of the source picture.
        same_way_up: the pixels lie as in the source, so its orientation tag stays; else it is set to upright.
    Returns: the bytes, and notes on what this format could not hold.
    Raises: OutputError for a format that cannot be written.
    """
    notes = []
    extras = dict(header.extras) if header else {}
    if extras.get("exif"):
        extras["exif"] = exif.without_thumbnail(extras["exif"])
        extras["exif"] = extras["exif"] if same_way_up else exif.upright(extras["exif"])
    if stored.dtype == np.uint16 and suffix not in (".png", ".tif", ".tiff"):
        stored = to_uint8(stored)
        notes.append(f"{suffix} holds 8 bits a sample: 16 bits were rounded")
    if stored.shape[2] in (2, 4) and suffix in (".jpg", ".jpeg", ".bmp"):
        stored = stored[..., :-1]
        notes.append(f"{suffix} holds no alpha: it was left out")
    if lossless and suffix in (".jpg", ".jpeg"):
        notes.append(f"{suffix} always loses a little, in the whole picture: name the result .png to keep every pixel")
    space = (extras.get("icc_profile") or b"")[_ICC_SPACE]
    grey = stored.shape[2] == 1 or (stored.shape[2] == 2 and suffix != ".png")
    if space and space != b"RGB " and not (space == b"GRAY" and grey):
        del extras["icc_profile"]
        notes.append(
            f"the colour profile for {space.decode('latin-1').strip()} does not fit what is written and was left out"
        )
    try:
        return _ENCODERS[suffix](np.ascontiguousarray(stored), extras, header, lossless), tuple(notes)
    except KeyError as error:
        raise OutputError(f"{suffix or 'no suffix'}: pictures are written as {', '.join(SUFFIXES)}.") from error
    except (cv2.error, OSError, ValueError, TypeError) as error:
        raise OutputError(f"a picture of shape {stored.shape} cannot be written as {suffix} ({error}).") from error


def _png(stored: np.ndarray, extras: dict[str, Any], header: Header | None, lossless: bool) -> bytes:
    done, data = cv2.imencode(".png", _to_opencv(stored))
    if not done:
        raise ValueError("the encoder refused it")
    chunks = png.kept_chunks(header.path) if header is not None and header.format == "PNG" else []
    if header is not None and header.format != "PNG" and extras.get("icc_profile"):
        chunks.append((b"iCCP", b"ICC\0\0" + zlib.compress(extras["icc_profile"])))
    dropped = (b"eXIf",) if extras.get("icc_profile") else (b"eXIf", b"iCCP")
    chunks = [chunk for chunk in chunks if chunk[0] not in dropped]
    if extras.get("exif"):
        chunks.append((b"eXIf", extras["exif"].removeprefix(b"Exif\0\0")))
    return png.with_chunks(data.tobytes(), chunks)


def _jpeg(stored: np.ndarray, extras: dict[str, Any], header: Header | None, lossless: bool) -> bytes:
    options: dict[str, Any] = {"quality": 95, "subsampling": 0}
    if "qtables" in extras and extras.get("subsampling", -1) >= 0:
        options = {"qtables": extras["qtables"], "subsampling": extras["subsampling"]}
        if len(extras["qtables"]) < (1 if stored.shape[2] == 1 else 2):
            options = {"quality": 95, "subsampling": 0}
    return _by_pillow(stored, "JPEG", extras, **options)


def _webp(stored: np.ndarray, extras: dict[str, Any], header: Header | None, lossless: bool) -> bytes:
    whole = lossless
    if header is not None and header.format == "WEBP":
        whole = whole or webp.is_lossless(header.path)
    return _by_pillow(stored, "WEBP", extras, lossless=whole, quality=70 if whole else 95, exact=True)


def _bmp(stored: np.ndarray, extras: dict[str, Any], header: Header | None, lossless: bool) -> bytes:
    return _by_pillow(stored, "BMP", {})


def _tiff(stored: np.ndarray, extras: dict[str, Any], header: Header | None, lossless: bool) -> bytes:
    if stored.dtype == np.uint16:
        return tiff.encode(stored, extras)
    asked = extras.get("compression", "raw")
    packing = asked if asked in ("raw", "tiff_lzw", "packbits", "tiff_adobe_deflate", "tiff_deflate") else "tiff_lzw"
    return _by_pillow(stored, "TIFF", extras, compression=packing)


_ENCODERS: dict[str, Callable[[np.ndarray, dict[str, Any], Header | None, bool], bytes]] = {
    ".png": _png,
    ".jpg": _jpeg,
    ".jpeg": _jpeg,
    ".webp": _webp,
    ".bmp": _bmp,
    ".tif": _tiff,
    ".tiff": _tiff,
}


def _by_pillow(stored: np.ndarray, format_name: str, extras: dict[str, Any], **options: Any) -> bytes:
    for key in ("exif", "icc_profile", "dpi"):
        if extras.get(key):
            options[key] = extras[key]
    out = io.BytesIO()
    Image.fromarray(stored[..., 0] if stored.shape[2] == 1 else stored).save(out, format_name, **options)
    return out.getvalue()


def _orientation_code(image: Image.Image) -> int:
    if image.format == "PNG":  # asking Pillow for the EXIF of a PNG decodes it
        table = Image.Exif()
        table.load(image.info.get("exif") or b"")
    else:
        table = image.getexif()
    code = table.get(exif.ORIENTATION, 1)
    return code if isinstance(code, int) else 1


def _is_deep(path: Path, image: Image.Image) -> bool:
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24:] == b"\x10"  # bit depth in IHDR
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
        return int(max(bits if isinstance(bits, tuple) else (bits,))) > 8
    return False


def _from_pillow(image: Image.Image, path: Path) -> np.ndarray:
    if image.mode in _DEEP_GREY:
        samples = np.asarray(image)
        if samples.min() < 0 or samples.max() > _LARGEST_SAMPLE:
            span = f"{samples.min()} to {samples.max()}"
            raise InputError(f"{path}: holds samples from {span}; needed 0 to {_LARGEST_SAMPLE}, 16 bits.")
        return samples.astype(np.uint16)[..., None]
    if "transparency" in image.info and image.mode in ("P", "L", "RGB"):
        image = image.convert("RGBA")  # a palette or a colour key cannot hold what is filled in
    elif image.mode in ("1", "L"):
        image = image.convert("L")
    elif image.mode not in ("RGB", "RGBA", "LA"):
        image = image.convert("RGBA" if image.mode in ("PA", "RGBa", "La") else "RGB")
    pixels = np.array(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _from_opencv(pixels: np.ndarray, path: Path) -> np.ndarray:
    if pixels.dtype == np.uint8:
        pixels = pixels.astype(np.uint16) * 257
    if pixels.dtype != np.uint16:
        raise InputError(f"{path}: samples of type {pixels.dtype} are not supported; needed 8 or 16 bits.")
    if pixels.ndim == 2:
        return pixels[..., None]
    code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(pixels, code)


def _to_opencv(stored: np.ndarray) -> np.ndarray:
    channels = stored.shape[2]
    if channels == 1:
        return stored[..., 0]
    if channels == 2:  # OpenCV has no grey with alpha
        return np.dstack([stored[..., :1]] * 3 + [stored[..., 1:]])
    return cv2.cvtColor(stored, cv2.COLOR_RGBA2BGRA if channels == 4 else cv2.COLOR_RGB2BGR)
