"""Picture quality on real clips with known truth, through the command line's own verb, masks given.

    python -m benchmarks.quality ../shared/data --out benchmarks/results/quality.json
    python -m benchmarks.quality ../shared/data --only gt_static_dog

Needs the public test clips and their scorer (score.py) in the folder named. `click` is the same removal from one click
at the most interior point of the first mask instead of all masks.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.speed import machine
from vidremove import Prompt, remove

# hole PSNR in dB that must be reached
NEEDED = {
    "gt_static_dog": 41.3,
    "gt_pan_dancer": 30.0,
    "gt_handheld_horse": 24.5,
    "gt_slowbig_goat": 15.8,
    "gt_unrevealed_swan": 21.0,
    "comp_breakdance_moving": 20.0,
    "comp_horsejump_stationary": 18.0,
    "comp_soapbox_object": 18.0,
    "comp_long_snowboard": 16.5,
}
NEEDED_MEAN = 23.5
CLICKED = ("gt_static_dog", "gt_pan_dancer")
FROM_CLICK = 3.0  # dB that a run from one click may stay below the run with all masks
STEADY = 3.0  # times the truth's warping error that is allowed where the background is seen
NEVER_SEEN = ("gt_slowbig_goat", "gt_unrevealed_swan")  # mostly; steadiness has no bound there
KEPT = ("psnr_hole", "ssim_hole", "ewarp", "ewarp_gt", "flicker", "outside_max", "frames")


def score(data: Path, *arguments: str) -> dict[str, Any]:
    """Run the scorer and read what it prints."""
    command = [sys.executable, str(data / "score.py"), *arguments]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def interior_point(mask: np.ndarray) -> tuple[float, float]:
    """The point (x, y) of a bool mask farthest from its edge."""
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distance.argmax()), mask.shape)
    return float(x), float(y)


def first_click(masks: Path) -> Prompt:
    """A click on the first frame that has a mask."""
    for index, file in enumerate(sorted(masks.iterdir())):
        mask = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127
        if mask.any():
            return Prompt(frame=index, clicks=(interior_point(mask),))
    raise SystemExit(f"{masks}: no mask shows anything")


def measure(data: Path, name: str, folder: Path) -> dict[str, Any]:
    """Scores of one clip."""
    clip = data / "clips" / name
    score(data, "prepare", "--clip", str(clip), "--out", str(folder))
    began = time.monotonic()
    remove(folder / "frames", folder / "out", masks=folder / "masks")
    seconds = time.monotonic() - began
    found = score(data, "removal", "--pred", str(folder / "out"), "--clip", str(clip))
    row = {key: found[key] for key in KEPT} | {"fps": found["frames"] / seconds, "needed": NEEDED[name]}
    if name in CLICKED:
        remove(folder / "frames", folder / "clicked", [first_click(folder / "masks")])
        clicked = score(data, "removal", "--pred", str(folder / "clicked"), "--clip", str(clip), "--dilate", "16")
        row["psnr_hole_from_click"] = clicked["psnr_hole"]
    return row


def missed(name: str, row: dict[str, Any]) -> list[str]:
    """Which of the figures that must be reached a clip misses."""
    checks = {
        "psnr_hole": row["psnr_hole"] >= row["needed"],
        "ewarp": name in NEVER_SEEN or row["ewarp"] <= STEADY * row["ewarp_gt"],
        "outside_max": row["outside_max"] == 0,
        "psnr_hole_from_click": row.get("psnr_hole_from_click", row["psnr_hole"]) >= row["psnr_hole"] - FROM_CLICK,
    }
    return [f"{name}: {figure}" for figure, reached in checks.items() if not reached]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with clips/ and score.py")
    parser.add_argument("--only", nargs="+", choices=list(NEEDED), default=list(NEEDED), metavar="NAME")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    result: dict[str, Any] = {"machine": machine(), "clips": {}}
    for name in args.only:
        with tempfile.TemporaryDirectory() as folder:
            row = result["clips"][name] = measure(args.data, name, Path(folder))
        words = " ".join(f"{key} {value:.3f}" for key, value in row.items() if value is not None)
        print(f"{name:<26} {words}", flush=True)
    scores = [row["psnr_hole"] for row in result["clips"].values()]
    result["mean_psnr_hole"] = sum(scores) / len(scores)
    result["missed"] = [figure for name, row in result["clips"].items() for figure in missed(name, row)]
    print(f"mean {result['mean_psnr_hole']:.2f} dB (needed {NEEDED_MEAN}); missed: {result['missed'] or 'nothing'}")
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
