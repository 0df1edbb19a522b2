"""Speed and memory of whole runs, as ratios to decoding and encoding alone, on clips made on the fly.

python -m benchmarks.speed --out benchmarks/results/speed.json
python -m benchmarks.speed --sizes 432x240 --repeat 5 --out benchmarks/results/speed.json   # the other sizes in it stay
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av

from benchmarks.scenes import write_clip

_STARTED = "vidremove.pipeline, vidremove.cli.verbs"  # what a verb imports before it works
CRF = "16"  # what `remove` writes an x264 clip with by itself
CALM = 4  # times as many frames in the clip with empty masks, where a run's start would weigh most


def transcode(clip: Path, target: Path) -> None:
    """Decode and encode with x264 medium at the quality that `remove` writes: the limit that no remover can beat."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as sink:
        stream = source.streams.video[0]
        stream.thread_type = "AUTO"
        out = sink.add_stream("libx264", rate=stream.average_rate, options={"preset": "medium", "crf": CRF})
        out.width, out.height, out.pix_fmt = stream.width, stream.height, "yuv420p"
        out.codec_context.thread_type = "AUTO"
        out.codec_context.time_base = stream.time_base
        for frame in source.decode(stream):
            frame.pict_type = 0
            sink.mux(out.encode(frame))
        sink.mux(out.encode(None))


def run(command: list[str]) -> dict[str, float]:
    """Run a command to its end: wall seconds, CPU seconds, peak resident megabytes."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return {
        "wall_s": time.monotonic() - began,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": usage.ru_maxrss / 1024,
    }


def verb(*arguments: str) -> list[str]:
    """The command line of one verb."""
    return [sys.executable, "-m", "vidremove", *arguments, "--quiet", "--overwrite"]


def measure(
    height: int, width: int, frames: int, folder: Path, repeat: int = 1, options: Sequence[str] = ()
) -> dict[str, Any]:
    """All figures of one size; of `repeat` rounds, the fastest run of each command, the least disturbed one.

    `options` go to `vidremove remove`.
    """
    clip, masks = write_clip(folder / "object", frames, height, width)
    calm, no_masks = write_clip(folder / "calm", CALM * frames, height, width, area=0.0)
    transcoding = [sys.executable, "-m", "benchmarks.speed", "--transcode"]
    commands = {
        "start": [sys.executable, "-c", f"import {_STARTED}"],
        "limit_start": [sys.executable, "-c", "import benchmarks.speed"],
        "limit": [*transcoding, str(clip), str(folder / "limit.mp4")],
        "remove": verb("remove", str(clip), str(folder / "clean.mp4"), "--mask", str(masks), *options),
        "limit_calm": [*transcoding, str(calm), str(folder / "calm.mp4")],
        "remove_calm": verb("remove", str(calm), str(folder / "same.mp4"), "--mask", str(no_masks)),
        "track": verb("track", str(clip), str(folder / "tracked"), "--click", f"{width // 2},{round(height * 0.55)}"),
    }
    rounds = [{name: run(command) for name, command in commands.items()} for _ in range(repeat)]
    runs = {name: min((each[name] for each in rounds), key=lambda row: row["wall_s"]) for name in commands}
    start, limit_start = runs.pop("start"), runs.pop("limit_start")
    for name, row in runs.items():
        row["fps"] = (CALM * frames if name.endswith("calm") else frames) / row["wall_s"]
    return {
        "machine": machine(),
        "frames": frames,
        "repeat": repeat,
        "options": list(options),
        "start_s": start["wall_s"],
        "limit_start_s": limit_start["wall_s"],
        "runs": runs,
        "remove_to_limit": runs["remove"]["fps"] / runs["limit"]["fps"],
        "calm_time_to_limit": runs["remove_calm"]["wall_s"] / runs["limit_calm"]["wall_s"],
        "calm_time_to_limit_without_start": (runs["remove_calm"]["wall_s"] - start["wall_s"])
        / (runs["limit_calm"]["wall_s"] - limit_start["wall_s"]),
        "calm_cpu_to_limit": runs["remove_calm"]["cpu_s"] / runs["limit_calm"]["cpu_s"],
        "track_to_limit": runs["track"]["fps"] / runs["limit"]["fps"],
    }


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "av": av.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["432x240", "854x480", "1920x1080"])
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--repeat", type=int, default=2, help="rounds, of which the fastest run of each command counts")
    parser.add_argument("--options", default="", help='of remove, such as "--fill lama --device cuda"')
    parser.add_argument("--out", type=Path)
    parser.add_argument("--transcode", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.transcode:
        transcode(*args.transcode)
        return
    result: dict[str, Any] = {"sizes": {}}
    if args.out and args.out.exists():
        result["sizes"].update(json.loads(args.out.read_text())["sizes"])
    for size in args.sizes:
        width, height = (int(side) for side in size.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            result["sizes"][size] = measure(height, width, args.frames, Path(folder), args.repeat, args.options.split())
        print(json.dumps({size: result["sizes"][size]}, indent=1), flush=True)
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
