from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.footage import Drawn, Footage
from app.review import footage_of
from app.session import POINT, REVIEW, Said, Session, start_run
from app.tracking import open_doubts
from tests.app.conftest import SIZE, medium_of
from tests.app.test_timeline import write_track
from vidremove.media import open_source
from vidremove.types import Prompt, Shot

WAIT_S = 60
CONFIDENCES = [0.9, 0.9, 0.2, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.0, 0.0, 0.0]


@pytest.fixture
def tracked(session: Session, clip: Path) -> Session:
    """The visitor looks at a track with doubtful frames."""
    session.track = write_track(session.files.track, clip, CONFIDENCES, (Shot(0, 0, 12),))
    session.tracked = (Prompt(6, "dog", ((90, 66),)),)
    session.said, session.view = Said(session.tracked, (), "dog"), REVIEW
    session.save()
    return session


def test_the_clip_with_its_masks_is_written_and_pictures_come_first(tracked: Session, tmp_path: Path) -> None:
    track, medium = tracked.track, medium_of(tracked)
    assert track is not None
    footage = Footage(Drawn(medium.source, track, (("dog", "#ff2828"),)), [2, 9], tmp_path / "masks.mp4")
    assert footage.wait(WAIT_S)
    assert list(footage.thumbs) == [2, 9]
    assert footage.clip is not None
    with open_source(footage.clip) as source:
        assert source.info.frames == 12
        shown, plain = source.at(4).image.astype(int), medium.at(4).astype(int)
    inside = np.zeros(SIZE, np.bool_)
    inside[25:55, 40:70] = True
    redder = (shown - plain)[..., 0] - (shown - plain)[..., 2]
    assert redder[inside].mean() > 60
    assert abs(redder[:15].mean()) < 20
    track.close()


def test_footage_makes_room_for_a_run_and_begins_again_after_it(tracked: Session) -> None:
    first = footage_of(tracked)
    assert first is not None
    assert footage_of(tracked) is first
    first.stop()
    assert first.wait(WAIT_S)
    again = footage_of(tracked)
    assert again is not None
    assert again is not first or first.clip is not None
    assert again.wait(WAIT_S)
    assert again.clip is not None
    start_run(tracked, "test", "Testing", lambda on_progress: None)
    assert not again.stopped  # it was whole before
    assert tracked.run is not None
    assert tracked.run.wait(WAIT_S)
    assert tracked.track is not None
    tracked.track.close()


def _page() -> None:
    from app.page import show

    show()


@pytest.mark.usefixtures("square")
@pytest.mark.filterwarnings("default")  # Streamlit's own
def test_doubtful_frames_are_shown_dismissed_and_corrected(tracked: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    page = AppTest.from_function(_page, default_timeout=60)
    page.session_state["session"] = tracked
    page = page.run()
    assert not page.exception
    doubts = open_doubts(tracked)
    assert any("doubtful frame" in text.value for text in page.markdown)
    page = page.button(key="doubt-Show-0").click().run()
    assert (tracked.frame, tracked.view) == (doubts[0].frame, REVIEW)
    page = page.button(key="doubt-Fine-0").click().run()
    assert open_doubts(tracked) == doubts[1:]
    assert page.button(key="track").disabled
    page = page.button(key="doubt-Correct-0").click().run()
    assert not page.exception
    assert (tracked.frame, tracked.view) == (doubts[1].frame, POINT)
    assert tracked.footage.wait(WAIT_S)
