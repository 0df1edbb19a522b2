"""Peak memory over length: a clip of 300 and one of 3000 frames of the same size, for `track` and `remove`.

python -m benchmarks.memory --out benchmarks/results/memory.json
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.scenes import write_clip
from benchmarks.speed import machine, run, verb


def measure(height: int, width: int, frames: int, folder: Path) -> dict[str, Any]:
    """Peak megabytes of both verbs on one clip."""
    clip, masks = write_clip(folder, frames, height, width)
    click = f"{width // 2},{round(height * 0.55)}"
    return {
        "remove": run(verb("remove", str(clip), str(folder / "clean.mp4"), "--mask", str(masks))),
        "track": run(verb("track", str(clip), str(folder / "tracked"), "--click", click)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="432x240")
    parser.add_argument("--frames", type=int, nargs=2, default=[300, 3000], metavar=("SHORT", "LONG"))
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    result: dict[str, Any] = {"machine": machine(), "size": args.size, "runs": {}, "long_to_short": {}}
    for frames in args.frames:
        with tempfile.TemporaryDirectory() as folder:
            result["runs"][str(frames)] = measure(height, width, frames, Path(folder))
    short, long = (result["runs"][str(frames)] for frames in args.frames)
    for name in short:
        result["long_to_short"][name] = long[name]["peak_mb"] / short[name]["peak_mb"]
    print(json.dumps(result, indent=1))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
