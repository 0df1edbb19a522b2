"""A person's way through the page, in a real browser."""

import base64
import json
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from benchmarks.scenes import write_clip
from tests.browser.conftest import WAIT_MS, Serve
from tests.clips import CLIPS, public_clip
from tests.media_clips import packets_of
from vidremove.stages.resegment import inner_point
from vidremove.tracks import Track

pytestmark = pytest.mark.filterwarnings("default")  # Playwright's own
FRAMES = 24


class Clip:
    """A clip and a point on its object."""

    def __init__(self, path: Path, size: tuple[int, int], point: tuple[float, float]) -> None:
        self.path, self.size, self.point = path, size, point


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    """The beginning of a real clip where the public ones are at hand, else a drawn one."""
    if not CLIPS.exists():
        path, masks = write_clip(tmp_path / "drawn", FRAMES, 240, 432)
        with av.open(str(masks)) as source:
            first = next(source.decode(video=0)).to_ndarray() > 127
        return Clip(path, (240, 432), inner_point(first))
    folder = public_clip("real_tennis_shadow")
    mask = cv2.imread(str(folder / "masks_tight" / "00000.png"), cv2.IMREAD_GRAYSCALE) > 127
    frames = tmp_path / "frames"
    frames.mkdir()
    with av.open(str(folder / "video.mp4")) as source:
        for number, frame in zip(range(FRAMES), source.decode(video=0), strict=False):
            cv2.imwrite(str(frames / f"{number:05d}.png"), frame.to_ndarray(format="bgr24"))
    return Clip(frames, mask.shape, inner_point(mask))


def wait_for(happened: Callable[[], Any]) -> Any:
    end = time.monotonic() + WAIT_MS / 1000
    while time.monotonic() < end:
        found = happened()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError("it did not happen")


def settled(page: Any) -> None:
    """Wait until the server has nothing more to say."""
    page.wait_for_timeout(300)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidgetRunningIcon]')")


def place(page: Any, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    box = page.locator(".stage img.frame").bounding_box()
    return box["x"] + (x + 0.5) * box["width"] / size[1], box["y"] + (y + 0.5) * box["height"] / size[0]


def open_at(page: Any, url: str) -> None:
    page.goto(url)
    page.wait_for_selector(".stage img.frame[src]")
    settled(page)


def shown_mask(page: Any) -> np.ndarray:
    """Where the page draws a mask, bool, at the size that was sent."""
    source = page.locator(".stage img.masks").get_attribute("src") or ""
    if "," not in source:
        return np.zeros((1, 1), np.bool_)
    data = np.frombuffer(base64.b64decode(source.split(",")[1]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    return np.asarray(picture[..., 3] > 0) if picture is not None and picture.ndim == 3 else np.zeros((1, 1), np.bool_)


def press(page: Any, name: str) -> None:
    page.get_by_role("button", name=re.compile(rf"(^|\s){re.escape(name)}$")).first.click()
    settled(page)


def project_of(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(next(home.glob("*/project.json")).read_text())
    return found


def test_from_a_click_to_the_downloaded_result(page: Any, serve: Serve, clip: Clip, tmp_path: Path) -> None:
    server = serve(clip.path)
    open_at(page, server.url)
    height, width = clip.size
    page.mouse.click(*place(page, clip.size, *clip.point))
    wait_for(lambda: shown_mask(page).any())
    mask = shown_mask(page)
    x, y = (round(value * mask.shape[1] / width) for value in clip.point)
    assert mask[y - 1 : y + 2, x - 1 : x + 2].any()
    settled(page)
    press(page, "Keep")
    press(page, "Add another")
    page.get_by_role("button", name="Box").or_(page.get_by_text("Box", exact=True)).first.click()
    settled(page)
    page.mouse.move(*place(page, clip.size, width * 0.8, height * 0.1))
    page.mouse.down()
    page.mouse.move(*place(page, clip.size, width * 0.95, height * 0.35), steps=5)
    page.mouse.up()
    said = wait_for(lambda: [p for p in project_of(server.home).get("drafts", []) if p.get("box")])
    assert (
        np.abs(np.array(said[0]["box"]) - np.array([0.8, 0.1, 0.95, 0.35]) * [width, height, width, height]).max() < 2
    )
    press(page, "Discard")
    page.get_by_text("object 1").first.click()
    settled(page)

    press(page, "Track")
    track = wait_for(lambda: next(iter(server.home.glob("*/tracked.track/track.json")), None)).parent
    page.get_by_text("Review", exact=True).first.wait_for()
    with Track.open(track) as tracked:
        assert tracked.frames == FRAMES
        before = [tracked.mask(index) for index in range(FRAMES)]
    assert all(mask.any() for mask in before[:5])

    page.get_by_text("Point", exact=True).first.click()
    settled(page)
    page.locator(".stage").focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        settled(page)
    at = wait_for(lambda: project_of(server.home).get("app", {}).get("frame"))
    page.get_by_text("Brush", exact=True).first.click()
    settled(page)
    ys, xs = np.nonzero(before[at])
    stroke = (float(xs.max()) + 4, float(ys.mean()))
    page.mouse.move(*place(page, clip.size, *stroke))
    page.mouse.down()
    page.mouse.move(*place(page, clip.size, stroke[0] + 12, stroke[1]), steps=6)
    page.mouse.up()
    wait_for(lambda: [p for p in project_of(server.home).get("drafts", []) if p["frame"] == at and p.get("mask")])
    settled(page)
    press(page, "Keep")
    press(page, "Update the track")

    def corrected() -> bool:
        with Track.open(track) as tracked:
            return any(at in frames for frames in tracked.keyframes.values())

    wait_for(corrected)
    with Track.open(track) as tracked:
        assert np.array_equal(tracked.mask(0), before[0])
        assert tracked.mask(at)[round(stroke[1]), round(stroke[0]) + 6]
        holes = [tracked.mask(index) for index in range(FRAMES)]

    page.get_by_text("Point", exact=True).first.click()
    settled(page)
    press(page, "Remove")
    page.get_by_text("Compare", exact=True).first.wait_for()
    page.wait_for_selector(".st-key-compare img")
    link = page.locator(".links a.first")
    link.wait_for()
    with page.expect_download() as told:
        link.click()
    check_result(clip, told.value.path(), told.value.suggested_filename, holes, tmp_path)


def check_result(clip: Clip, file: Path, name: str, holes: list[np.ndarray], folder: Path) -> None:
    """As many frames as before, changed where the object was, and nowhere far from it."""
    if clip.path.is_dir():
        assert name.endswith(".zip")
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder / "got")
        pairs = [
            (cv2.imread(str(one)), cv2.imread(str(folder / "got" / one.name))) for one in sorted(clip.path.iterdir())
        ]
        most = 0
    else:
        with av.open(str(clip.path)) as one, av.open(str(file)) as other:
            before = [frame.to_ndarray(format="bgr24") for frame in one.decode(video=0)]
            after = [frame.to_ndarray(format="bgr24") for frame in other.decode(video=0)]
        pairs, most = list(zip(before, after, strict=True)), 24
    assert len(pairs) == FRAMES
    for (before, after), hole in zip(pairs, holes, strict=True):
        far = cv2.dilate(hole.astype(np.uint8), np.ones((41, 41), np.uint8)) == 0
        difference = cv2.absdiff(before, after).max(axis=2)
        assert difference[far].max() <= most
        assert not hole.any() or difference[hole].mean() > 3


def test_a_reload_midway_finds_the_run_and_cancel_keeps_the_prompts(page: Any, serve: Serve, tmp_path: Path) -> None:
    long, masks = write_clip(tmp_path / "drawn", 150, 240, 432)
    with av.open(str(masks)) as source:
        point = inner_point(next(source.decode(video=0)).to_ndarray() > 127)
    server = serve(long)
    open_at(page, server.url)
    page.mouse.click(*place(page, (240, 432), *point))
    wait_for(lambda: shown_mask(page).any())
    settled(page)
    press(page, "Remove")
    page.get_by_role("button", name="Cancel").wait_for()
    page.reload()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("your prompts are still here").wait_for()
    assert len(project_of(server.home)["prompts"]) == 1
    assert not list(server.home.glob("*/results/*"))


def test_what_is_no_clip_is_refused_in_a_sentence_and_a_photo_opens(page: Any, serve: Serve, tmp_path: Path) -> None:
    server = serve()
    (tmp_path / "bad.mp4").write_text("no clip")
    cv2.imwrite(str(tmp_path / "photo.png"), np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8))
    page.goto(server.url)
    page.wait_for_selector("input[type=file]", state="attached")
    page.set_input_files("input[type=file]", str(tmp_path / "bad.mp4"))
    page.get_by_role("alert").get_by_text("bad.mp4").wait_for()
    settled(page)
    page.set_input_files("input[type=file]", str(tmp_path / "photo.png"))
    page.wait_for_selector(".stage img.frame[src]")
    assert page.locator(".film").count() == 0  # no timeline
    settled(page)
    page.get_by_text("Brush", exact=True).first.click()
    page.set_viewport_size({"width": 1000, "height": 760})
    settled(page)
    page.mouse.move(*place(page, (90, 160), 40, 45))
    page.mouse.down()
    page.mouse.move(*place(page, (90, 160), 80, 45), steps=8)
    page.mouse.up()
    name = wait_for(lambda: [p["mask"] for p in project_of(server.home).get("drafts", []) if p.get("mask")])[0]
    drawn = cv2.imread(str(next(server.home.glob(f"*/{name}"))), cv2.IMREAD_GRAYSCALE) > 127
    ys, xs = np.nonzero(drawn)
    assert abs((xs.min() + xs.max()) / 2 - 60) <= 1
    assert abs((ys.min() + ys.max()) / 2 - 45) <= 1
    assert drawn[45, 40:81].all()


def test_the_sample_keeps_its_sound_and_two_visitors_are_apart(
    page: Any, browser: Any, serve: Serve, tmp_path: Path
) -> None:
    server = serve()
    page.goto(server.url)
    page.get_by_role("button", name="Try the sample clip").click()
    page.wait_for_selector(".stage img.frame[src]")
    settled(page)
    page.get_by_text("Brush", exact=True).first.click()
    settled(page)
    page.mouse.click(*place(page, (360, 640), 320, 180))
    wait_for(lambda: project_of(server.home).get("drafts"))
    settled(page)
    other = browser.new_context().new_page()
    other.goto(f"{server.url}/?project={'0' * 32}")
    other.wait_for_selector("input[type=file]", state="attached")
    assert other.locator(".stage").count() == 0
    other.context.close()
    press(page, "Remove")
    page.reload()  # the run goes on, and its result arrives
    link = page.locator(".links a.first")
    link.wait_for()
    with page.expect_download() as told:
        link.click()
    source = next(server.home.glob("*/source.mp4"))
    got = tmp_path / "got.mp4"
    told.value.save_as(got)
    sound = packets_of(source, "audio")
    assert sound
    assert packets_of(got, "audio") == sound
