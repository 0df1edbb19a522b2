"""RGB <-> Y'CbCr with the stream's own matrix and range, said explicitly: FFmpeg's silent default is BT.601."""

from dataclasses import dataclass

import cv2
import numpy as np

_WEIGHTS = {  # H.273 MatrixCoefficients -> (Kr, Kb)
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
BT709 = 1  # matrix, primaries and transfer alike, in H.273
LIMITED_RANGE = 1  # AVColorRange MPEG
_FULL_RANGE = 2  # H.273 / AVColorRange JPEG
_UNSPECIFIED = 2
_PRIMARIES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M", 9: "BT.2020", 11: "DCI-P3", 12: "Display P3"}
_HDR = {16: "HDR (PQ)", 18: "HDR (HLG)"}  # H.273 TransferCharacteristics
_HD_LINES = 577  # untagged pictures with more lines than SD are BT.709, as players take them


@dataclass(frozen=True, slots=True)
class Colour:
    """Matrix and range of a stream's samples."""

    kr: float = 0.2126
    kb: float = 0.0722
    full: bool = False
    swscale: int = 1  # the same matrix by libswscale's number

    def matrix(self) -> np.ndarray:
        """R'G'B' in 0..1 to Y' in 0..1 and Cb, Cr in -0.5..0.5: float64 (3, 3). Source: ITU-T H.273, section 8.3."""
        kg = 1 - self.kr - self.kb
        blue, red = 2 * (1 - self.kb), 2 * (1 - self.kr)
        return np.array(
            [
                [self.kr, kg, self.kb],
                [-self.kr / blue, -kg / blue, 0.5],
                [0.5, -kg / red, -self.kb / red],
            ]
        )

    def quantisation(self, bits: int) -> tuple[np.ndarray, np.ndarray]:
        """Scale and offset, float64 (3,) each, from Y' Cb Cr to samples of `bits` bits."""
        unit, middle = 2.0 ** (bits - 8), 2.0 ** (bits - 1)
        if self.full:
            return np.full(3, 2.0**bits - 1), np.array([0.0, middle, middle])
        return np.array([219.0, 224.0, 224.0]) * unit, np.array([16 * unit, middle, middle])


def colour_of(colorspace: int, color_range: int, pix_fmt: str, size: tuple[int, int]) -> tuple[Colour, str | None]:
    """The colour of a stream by its tags, and a note where a tag had to be guessed or cannot be honoured.

    Args:
        colorspace, color_range: numbers of H.273 as FFmpeg gives them.
        pix_fmt: FFmpeg's name; yuvj... means full range whatever the tag.
        size: (H, W); an untagged picture of more than 576 lines is taken as BT.709, as players do, else as BT.601.
    """
    full = color_range == _FULL_RANGE or pix_fmt.startswith("yuvj")
    note = None
    code = colorspace
    if code not in _WEIGHTS:
        code = 1 if min(size) >= _HD_LINES else 6
        if colorspace > _UNSPECIFIED:
            note = f"colour matrix {colorspace} is not known here; shown colours may be off, the tag is kept"
    kr, kb = _WEIGHTS[code]
    return Colour(kr, kb, full, _SWSCALE[code]), note


def name_colours(primaries: int, transfer: int, bits: int) -> str:
    """What a stream's tags and depth say of its colours, in words; "" for 8 bits without tags.

    Args:
        primaries, transfer: numbers of H.273 as FFmpeg gives them.
    """
    words = [f"{bits} bits" if bits > 8 else "", _HDR.get(transfer, ""), _PRIMARIES.get(primaries, "")]
    return ", ".join(word for word in words if word)


def rgb_to_yuv(rgb: np.ndarray, colour: Colour, bits: int) -> np.ndarray:
    """Full-size Y' Cb Cr of RGB, not rounded.

    Args:
        rgb: uint8 or uint16 (full range of its type) (H, W, 3).
        bits: of the samples wanted.
    Returns: float32 (H, W, 3), in units of samples of `bits` bits.
    """
    scale, offset = colour.quantisation(bits)
    matrix = colour.matrix() * scale[:, None] / np.iinfo(rgb.dtype).max
    return cv2.transform(rgb.astype(np.float32), np.column_stack([matrix, offset]))


def yuv_to_rgb(yuv: np.ndarray, colour: Colour, bits: int) -> np.ndarray:
    """RGB of full-size Y' Cb Cr samples, rounded and clipped; off by less than one level.

    Args:
        yuv: uint8 or uint16 (H, W, 3), samples of `bits` bits.
    Returns: (H, W, 3) of the same type, spanning its full range.
    """
    scale, offset = colour.quantisation(bits)
    matrix = np.linalg.inv(colour.matrix()) / scale[None, :] * np.iinfo(yuv.dtype).max
    return cv2.transform(yuv, np.column_stack([matrix, -matrix @ offset]))
