from pathlib import Path

import numpy as np
import pytest

from app.opening import Medium, open_path
from app.removing import collect_removal
from app.session import Session, end_run, take
from app.workspace import HOME, Workspace
from benchmarks.scenes import write_clip
from vidremove.finding import Finder
from vidremove.types import Prompt

SIZE = (120, 160)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames with an object that crosses them."""
    return write_clip(tmp_path_factory.mktemp("app"), 12, *SIZE)[0]


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of projects for each test, never the one of this user."""
    folder = tmp_path_factory.mktemp("projects")
    monkeypatch.setenv(HOME, str(folder))
    return folder


@pytest.fixture
def session(clip: Path, home: Path) -> Session:
    """A visitor who has opened the clip."""
    made = Session()
    take(made, open_path(str(clip)), Workspace.new())
    return made


@pytest.fixture
def square(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every prompt finds a square round its last point, at once."""

    def find(finder: Finder, prompt: Prompt, segmenter: str | None = None) -> tuple[np.ndarray, float]:
        mask = np.zeros(SIZE, np.bool_)
        for x, y in prompt.clicks or ([prompt.box[:2]] if prompt.box else []):
            mask[max(0, int(y) - 9) : int(y) + 10, max(0, int(x) - 9) : int(x) + 10] = True
        return mask, 0.9

    monkeypatch.setattr(Finder, "find", find)


def medium_of(session: Session) -> Medium:
    assert session.medium is not None
    return session.medium


def collect(session: Session) -> bool:
    """Take in the end of a removal, if it has come. Returns: whether there is a new result."""
    run = end_run(session)
    return run is not None and collect_removal(session, run)
