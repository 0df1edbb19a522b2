"""A mask from a file that was uploaded."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from vidremove.errors import InputError
from vidremove.media import read_mask

from .prompting import set_mask
from .session import Session

_MOST_BYTES = 64 << 20


def apply_mask_file(session: Session, stream: BinaryIO, name: str) -> None:
    """Take a PNG picture of the frame's size as the mask of the object on this frame; white is removed.

    What hinders it becomes the message. The name is only told, never a path.
    """
    medium = session.medium
    if medium is None or session.busy:
        return
    try:
        data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise InputError(f"{name}: is larger than {_MOST_BYTES >> 20} MB; needed a black and white PNG picture.")
        with TemporaryDirectory(prefix="vidremove-") as folder:
            path = Path(folder) / "mask.png"
            path.write_bytes(data)
            try:
                mask = read_mask(path, medium.info.size)
            except InputError as error:
                raise InputError(str(error).replace(str(path), name)) from error
        if not mask.any():
            raise InputError(f"{name}: nothing in it is white, so nothing would be removed.")
    except InputError as error:
        session.message = str(error)
        return
    except OSError as error:
        session.message = f"{name}: cannot be read here ({error.strerror})."
        return
    set_mask(session, session.frame, mask)
