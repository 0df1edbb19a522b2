"""A folder for files that go away with whatever holds it."""

import shutil
import tempfile
import weakref
from pathlib import Path


class Scratch:
    """A new private folder, removed with all in it when this object is let go, at the latest when the program ends."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="vidremove-app-"))
        self.remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
