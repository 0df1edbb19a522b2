"""Masks on real clips: propagation from a true first mask, from one click, and the masks of a click and of a box.

    python -m benchmarks.masks ../shared/data --out benchmarks/results/masks.json

Needs the public test clips and their scorer (score.py) in the folder named.
"""

import argparse
import importlib.util
import json
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from vidremove.config import Config
from vidremove.flows.dis import Dis
from vidremove.images import bounding_box
from vidremove.masks import MaskStore
from vidremove.media.source import open_source
from vidremove.segmenters.embedded import Embedded
from vidremove.stages.keyframes import segment_keyframe
from vidremove.stages.propagate import track_objects
from vidremove.types import Prompt

CLIPS = (
    "prop_bmx_trees",
    "prop_car_shadow",
    "prop_dog",
    "gt_static_dog",
    "gt_pan_dancer",
    "gt_handheld_horse",
    "gt_slowbig_goat",
    "gt_unrevealed_swan",
)


def load_scorer(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", folder / "score.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder}: no score.py there.")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def interior_point(mask: np.ndarray) -> tuple[float, float]:
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(x), float(y)


def track(clip: Path, prompt: Prompt) -> tuple[list[np.ndarray], list[float], float]:
    """Masks, confidences and CPU seconds of one object over the whole clip."""
    started = time.process_time()
    with (
        open_source(clip / "frames") as source,
        tempfile.TemporaryDirectory() as folder,
        MaskStore(Path(folder) / "masks", source.info.frames, source.info.size) as store,
    ):
        track_objects(source, [prompt], Embedded(), Dis(), store, Config(), lambda index: None)
        seconds = time.process_time() - started
        return list(store), [store.confidence(i) for i in range(len(store))], seconds


def agreement(score: ModuleType, masks: list[np.ndarray], truth: list[np.ndarray]) -> dict[str, float]:
    inner = range(1, len(truth) - 1)
    j = float(np.mean([score.jaccard(masks[i], truth[i]) for i in inner]))
    f = float(np.mean([score.f_measure(masks[i], truth[i]) for i in inner]))
    return {"J": round(j, 4), "F": round(f, 4), "JF": round((j + f) / 2, 4)}


def measure(folder: Path, name: str, score: ModuleType) -> dict[str, Any]:
    clip = folder / "clips" / name
    truth = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 127 for path in sorted((clip / "masks").iterdir())]
    first = truth[0]
    masks, confidences, seconds = track(clip, Prompt(mask=first))
    result: dict[str, Any] = {"clip": name, "frames": len(truth), "size": list(first.shape)}
    result["from_mask"] = agreement(score, masks, truth)
    result["cpu_ms_per_frame"] = round(1000 * seconds / len(truth), 1)
    overlaps = [score.jaccard(mask, true) for mask, true in zip(masks, truth, strict=True)]
    if np.std(confidences) > 0:
        result["confidence_correlation"] = round(float(np.corrcoef(confidences, overlaps)[0, 1]), 3)
    clicked, _, _ = track(clip, Prompt(clicks=(interior_point(first),)))
    result["click_iou"] = round(score.jaccard(clicked[0], first), 4)
    result["click_recall"] = round(float((clicked[0] & first).sum() / first.sum()), 4)
    result["from_click"] = agreement(score, clicked, truth)
    result["from_click"]["recall"] = round(
        float(np.mean([(a & b).sum() / max(b.sum(), 1) for a, b in zip(clicked, truth, strict=True)])), 4
    )
    y0, y1, x0, x1 = bounding_box(first) or (0, 1, 0, 1)
    result["box_iou"] = round(score.jaccard(segmented(clip, Prompt(box=(x0, y0, x1, y1))), first), 4)
    still = segmented(clip, Prompt(clicks=(interior_point(first),)), frames=1)
    result["still_click_iou"] = round(score.jaccard(still, first), 4)
    return result


def segmented(clip: Path, prompt: Prompt, frames: int | None = None) -> np.ndarray:
    """The mask of a prompt on the first frame; with one frame it is as if for a photo."""
    with open_source(clip / "frames") as source:
        return segment_keyframe(source, prompt, Embedded(), 0, frames or source.info.frames).mask


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with score.py and clips/")
    parser.add_argument("--clips", nargs="*", default=CLIPS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    score = load_scorer(options.data)
    results = []
    for name in options.clips:
        results.append(measure(options.data, name, score))
        print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    mean = {
        "from_mask_JF": float(np.mean([r["from_mask"]["JF"] for r in results])),
        "click_iou": float(np.mean([r["click_iou"] for r in results])),
        "box_iou": float(np.mean([r["box_iou"] for r in results])),
        "still_click_iou": float(np.mean([r["still_click_iou"] for r in results])),
        "from_click_JF": float(np.mean([r["from_click"]["JF"] for r in results])),
        "cpu_ms_per_frame": float(np.mean([r["cpu_ms_per_frame"] for r in results])),
    }
    report = {"mean": {key: round(value, 4) for key, value in mean.items()}, "clips": results}
    text = json.dumps(report, indent=1)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
