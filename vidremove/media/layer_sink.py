"""The fill as a layer of its own: one picture with alpha a frame, to be laid over the source in an editor."""

from pathlib import Path

import av
import cv2
import numpy as np

from vidremove.errors import OutputError
from vidremove.media import stills
from vidremove.media.faults import writing
from vidremove.media.folder import Still
from vidremove.media.picture_sink import check_picture_folder, frame_names, is_picture_file
from vidremove.media.planes import FrameCopier, paste, read_rgb
from vidremove.media.source import Source
from vidremove.media.target import StagedFolder, StagedSink
from vidremove.media.video import VideoSource
from vidremove.types import Frame

_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 3]


class LayerSink(StagedSink):
    """A folder of RGBA PNGs, 8 or 16 bits as the source, named as masks are; complete or not there at all.

    Laid over the frames as the source shows them, they give the result before it is encoded.
    """

    def __init__(self, target: str | Path, source: Source, *, overwrite: bool = False) -> None:
        folder = check_picture_folder(Path(target), source.path, "layers", overwrite=overwrite)
        self._source, self._names = source, frame_names(source, ".png")
        self._copy = FrameCopier()
        self._nothing = b""  # the picture of a frame in which nothing was replaced, once there is one
        super().__init__(folder, StagedFolder(folder, is_picture_file, overwrite=overwrite))

    def write(self, frame: Frame, weight: np.ndarray | None) -> None:
        """Write the layer of one filled frame.

        Args:
            frame: as the fill gives it, with what it was read from.
            weight: float32 (H, W), 0..1, how much of the fill shows where `frame.mask` is True; None: nothing does.
        Raises: OutputError when the disk is full.
        """
        with writing(self.target):
            (self._staged.path / self._names[frame.index]).write_bytes(self._encoded(frame, weight))
        self._written += 1

    def _encoded(self, frame: Frame, weight: np.ndarray | None) -> bytes:
        if frame.mask is not None and weight is not None and frame.mask.any():
            before, after = self._pictures(frame)
            return _encode(make_layer(before, after, frame.mask, weight))
        if not self._nothing:
            deep = self._source.info.bits > 8
            self._nothing = _encode(np.zeros((*self._source.info.size, 4), np.uint16 if deep else np.uint8))
        return self._nothing

    def _pictures(self, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
        """The frame before and after the fill, as a reader of the source and of a lossless result sees it."""
        native, source = frame.native, self._source
        if isinstance(source, VideoSource) and isinstance(native, av.VideoFrame):
            turn, copy = source.orientation, self._copy(native)
            before = turn.upright(read_rgb(copy, source.layout, source.colour))
            paste(copy, source.layout, source.colour, turn.stored(frame.image), turn.stored(_mask_of(frame)))
            return before, turn.upright(read_rgb(copy, source.layout, source.colour))
        if not isinstance(native, Still):
            raise OutputError(f"{self.target}: frame {frame.index} has lost its source.")
        turn, stored = native.header.orientation, stills.read_stored(native.header)
        filled = stills.put_pixels(stored, turn.stored(frame.image), turn.stored(_mask_of(frame)))
        return self._shown(turn.upright(stills.to_rgb(stored))), self._shown(turn.upright(stills.to_rgb(filled)))

    def _shown(self, image: np.ndarray) -> np.ndarray:
        """At the source's depth: a folder may hold pictures of 8 and of 16 bits."""
        return image.astype(np.uint16) * 257 if self._source.info.bits > 8 and image.dtype == np.uint8 else image


def make_layer(before: np.ndarray, after: np.ndarray, mask: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The picture with alpha that, laid over one picture, gives the other.

    Alpha is the weight, raised where no colour would do otherwise; the colour is then solved for. So the composite
    `before + alpha * (colour - before)`, rounded, is `after` to the bit where alpha is full, within a level elsewhere.

    Args:
        before, after: uint8 or uint16 (H, W, 3), RGB, both alike; they differ where `mask` is True only.
        mask: bool (H, W), what was replaced.
        weight: float32 (H, W), 0..1.
    Returns: (H, W, 4), RGBA, of their type; 0 outside the mask.
    Source: ours.
    """
    most = np.iinfo(before.dtype).max
    layer = np.zeros((*mask.shape, 4), before.dtype)
    old, new = before[mask].astype(np.float32), after[mask].astype(np.float32)
    room = np.where(new > old, most - old, old)  # to the end of the scale on the way from old to new
    needed = np.divide(np.abs(new - old), room, out=np.zeros_like(old), where=room > 0).max(axis=1)
    alpha = np.clip(np.ceil(np.maximum(weight[mask], needed) * most), 1, most)
    colour = old + (new - old) * (most / alpha)[:, None]
    layer[mask, :3] = np.clip(np.rint(colour), 0, most)
    layer[mask, 3] = alpha
    return layer


def _mask_of(frame: Frame) -> np.ndarray:
    return frame.mask if frame.mask is not None else np.zeros(frame.image.shape[:2], np.bool_)


def _encode(layer: np.ndarray) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(layer, cv2.COLOR_RGBA2BGRA), _FAST)[1].tobytes()
