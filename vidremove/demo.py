"""`vidremove demo`: draw a lifelike clip, take the figure out of it, show both."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from vidremove.demo_figure import STRIDE_M
from vidremove.demo_scene import RATE, SPEED, WALKED_M, click_points, draw_scene
from vidremove.demo_sound import draw_sound
from vidremove.errors import OutputError
from vidremove.media import open_source, write_picture
from vidremove.media.write import write_clip
from vidremove.pictures import side_by_side
from vidremove.pipeline import remove
from vidremove.types import OnProgress, Prompt, Result

SECONDS = 5.0
SIZE = (360, 640)
_SHOWN = 45  # frame of the before/after picture


def run(folder: Path, on_progress: OnProgress | None = None) -> Result:
    """Draw a clip into `folder`, remove the figure and its shadow by a click on each, and show one frame of both.

    Returns: of the removal; its notes name the clip and the before/after picture.
    Raises: OutputError where the folder cannot be written or is not empty; Cancelled.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}). Name another folder.") from error
    if any(folder.iterdir()):
        raise OutputError(f"{folder}: is not empty, and nothing in it is replaced. Name another: vidremove demo FOLDER")
    clip, clean, picture = folder / "clip.mp4", folder / "clean.mp4", folder / "before_after.png"
    draw_demo(clip)
    result = remove(clip, clean, demo_prompts(), overwrite=True, on_progress=on_progress)
    with open_source(clip) as before, open_source(clean) as after:
        both = side_by_side(before.at(_SHOWN).image, after.at(_SHOWN).image)
    write_picture(picture, both, clip, overwrite=True)
    return replace(result, notes=(*result.notes, f"the clip is {clip}", f"before and after: {picture}"))


def draw_demo(path: Path, seconds: float = SECONDS, size: tuple[int, int] = SIZE) -> None:
    """Write the clip as H.264 with sound: a hand-held pan over a village square, and somebody who walks through it.

    Args:
        path: an .mp4 file; replaced where it exists.
        seconds: length; the figure has left the view after 5.
        size: (H, W), even.
    Raises: OutputError where it cannot be written.
    """
    count = round(seconds * RATE)
    period = STRIDE_M / 2 / SPEED
    first = (-WALKED_M / SPEED + 0.25 * STRIDE_M / SPEED) % period
    steps = [first + k * period for k in range(int(seconds / period) + 1)]
    frames = (draw_scene(index, True, size) for index in range(count))
    write_clip(path, frames, Fraction(RATE), draw_sound(count / RATE, steps))


def demo_prompts(size: tuple[int, int] = SIZE) -> list[Prompt]:
    """What is to be removed from the clip: a click on the figure in frame 0 and one on its shadow."""
    figure, shadow = click_points(0, size)
    return [Prompt(frame=0, object="figure", clicks=(figure,)), Prompt(frame=0, object="shadow", clicks=(shadow,))]
