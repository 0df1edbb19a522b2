"""Public test clips, where they are at hand: a folder `shared` beside the checkout."""

from pathlib import Path

import pytest

CLIPS = Path(__file__).resolve().parents[2] / "shared" / "data" / "clips"


def public_clip(name: str) -> Path:
    """Folder of one public clip; skips the test where the clips are not at hand."""
    folder = CLIPS / name
    if not folder.exists():
        pytest.skip(f"needs the public test clips beside the checkout ({name})")
    return folder
