"""Reading and writing of clips, frame folders, photos and masks; the only part that imports PyAV or decord."""

from vidremove.media.beside import beside, widened
from vidremove.media.codecs import list_encoders
from vidremove.media.layer_sink import LayerSink
from vidremove.media.masks_io import MaskSink, encode_mask, is_picture, read_mask, read_masks
from vidremove.media.picture_sink import check_picture, write_picture
from vidremove.media.sink import Sink, frames_as_they_are, open_sink
from vidremove.media.source import Source, open_source
from vidremove.media.target import check_target
from vidremove.media.write import write_clip

__all__ = [
    "LayerSink",
    "MaskSink",
    "Sink",
    "Source",
    "beside",
    "check_picture",
    "check_target",
    "encode_mask",
    "frames_as_they_are",
    "is_picture",
    "list_encoders",
    "open_sink",
    "open_source",
    "read_mask",
    "read_masks",
    "widened",
    "write_clip",
    "write_picture",
]
