"""Time of each network against its straightforward form: same weights and input, one process, in turns, least of each.

python -m benchmarks.networks --out benchmarks/results/networks.json
python -m benchmarks.networks ../shared/parity        # weights shaped as for the parity tests, not the initial ones
python -m benchmarks.networks --device cuda --precision bfloat16 --batch 8
On a machine with other load, OMP_WAIT_POLICY=PASSIVE keeps threads that wait for each other from taking the time.
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.plain import plain
from vidremove.inpainters.lama import Lama as LamaInpainter
from vidremove.nets import lama, lavt, mat, transfiner
from vidremove.nets.lama_fused import FusedLama
from vidremove.tensors import PRECISIONS

Run = Callable[[], Tensor]
HALF_FLAGS = ("amx_bf16", "avx512_bf16")
BUILD: dict[str, Callable[[], nn.Module]] = {
    "lama": lama.build,
    "mat": mat.build,
    "lavt": lavt.build,
    "transfiner": transfiner.build,
}


class Bench:
    """What all measurements share."""

    def __init__(self, parity: Path | None, device: str, precision: str, batch: int, rounds: int) -> None:
        self.parity, self.device, self.batch, self.rounds = parity, torch.device(device), batch, rounds
        self.precision = PRECISIONS[precision]

    def network(self, name: str) -> nn.Module:
        """In its published size, on the device."""
        torch.manual_seed(0)
        network = BUILD[name]().eval()
        if self.parity is not None:
            from check import weights

            manifest = json.loads((self.parity / name / "manifest.json").read_text())
            network.load_state_dict(weights(manifest), strict=False)
        return network.to(self.device)

    def picture(self, height: int, width: int) -> Tensor:
        """A smooth picture in 0..1, (batch, 3, height, width)."""
        grid = torch.rand(self.batch, 3, 12, 20, generator=torch.Generator().manual_seed(1))
        return F.interpolate(grid, (height, width), mode="bicubic").clamp(0, 1).to(self.device)

    def compare(self, forms: dict[str, Run]) -> dict[str, Any]:
        """Seconds of each form, the first against each of the others, and how far their results are apart."""
        with torch.inference_mode():
            results = {name: run().float() for name, run in forms.items()}
            times: dict[str, list[tuple[float, float]]] = {name: [] for name in forms}
            for _ in range(self.rounds):
                for name, run in forms.items():
                    times[name].append(self._time(run))
        first, *others = forms
        least = {name: [min(values) for values in zip(*rows, strict=True)] for name, rows in times.items()}
        row: dict[str, Any] = {
            name: {"wall_s": round(wall, 4), "cpu_s": round(cpu, 4)} for name, (wall, cpu) in least.items()
        }
        for name in others:
            apart = (results[name] - results[first]).abs()
            row[name]["times_faster_wall"] = round(least[first][0] / least[name][0], 2)
            row[name]["times_faster_cpu"] = round(least[first][1] / least[name][1], 2)
            row[name]["largest_difference"] = float(f"{float(apart.max()):.2g}")
        row["range"] = [round(float(bound), 3) for bound in results[first].aminmax()]
        return row

    def _time(self, run: Run) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - wall, time.process_time() - cpu

    def measure_lama(self, height: int, width: int) -> dict[str, Any]:
        """LaMa on a picture, in float32 and in the precision asked for."""
        network = self.network("lama")
        fused = FusedLama(network).to(self.device)
        hole = torch.zeros(self.batch, 1, height, width, device=self.device)
        hole[..., height // 4 : height // 2, width // 4 : width // 2] = 1
        x = torch.cat([self.picture(height, width) * (1 - hole), hole], 1)
        forms: dict[str, Run] = {"plain": lambda: network(x), "ours": lambda: fused(x)}
        if self.precision != torch.float32:
            half = FusedLama(network).to(self.device, self.precision)
            forms["ours_half"] = lambda: half(x.to(self.precision))
        return self.compare(forms)

    def measure_mat(self) -> dict[str, Any]:
        """MAT on 512 x 512 with a hole of half the side, as large as the plug-in lets it become where it can."""
        network = self.network("mat")
        straightforward = plain(network)
        image = self.picture(512, 512) * 2 - 1
        known = torch.ones(self.batch, 1, 512, 512, device=self.device)
        known[..., 128:384, 128:384] = 0
        drawn = [
            each.to(self.device) for each in network.draw(self.batch, (512, 512), torch.Generator().manual_seed(0))
        ]

        def run(form: nn.Module, dtype: torch.dtype, whole: bool) -> Tensor:
            z, mix1, mix2 = (each.to(dtype) for each in drawn)
            made: Tensor = form(image.to(dtype), known.to(dtype), z, mix1=mix1, mix2=mix2, whole=whole)
            return made

        forms: dict[str, Run] = {
            "plain": lambda: run(straightforward, torch.float32, True),
            "ours": lambda: run(network, torch.float32, False),
            "ours_decoding_everything": lambda: run(network, torch.float32, True),
        }
        if self.precision != torch.float32:
            half = self.network("mat").to(self.precision)
            forms["ours_half"] = lambda: run(half, self.precision, False)
        return self.compare(forms)

    def measure_lavt(self) -> dict[str, Any]:
        """LAVT at its trained size, 480 x 480, with a phrase of ten tokens."""
        network = self.network("lavt")
        straightforward = plain(network)
        image = (self.picture(480, 480) - 0.45) / 0.225
        ids = torch.tensor([[101, *range(2003, 2013), 102]] * self.batch, device=self.device)
        mask = torch.ones_like(ids)
        return self.compare(
            {"plain": lambda: straightforward(image, ids, mask), "ours": lambda: network(image, ids, mask)}
        )

    def measure_transfiner(self) -> dict[str, Any]:
        """Mask Transfiner R50 on 848 x 480, from image to masks of ten given instances; and of one, as for a click."""
        network = self.network("transfiner")
        straightforward = plain(network)
        image = self.picture(480, 848)[0] * 255
        place = torch.Generator().manual_seed(2)
        corners = torch.rand(10, 2, generator=place) * torch.tensor([600.0, 300.0])
        sides = 40 + 160 * torch.rand(10, 2, generator=place)
        boxes = torch.cat([corners, corners + sides], 1).clamp(max=479).to(self.device)
        classes = torch.zeros(10, dtype=torch.int64, device=self.device)

        def run(form: transfiner.Transfiner, count: int) -> Tensor:
            levels = form.features(image)
            form.find(levels, (480, 848))
            return form.refine_boxes(levels, boxes[:count], classes[:count])

        row = self.compare({"plain": lambda: run(straightforward, 10), "ours": lambda: run(network, 10)})
        return {"ten_instances": row, "one_instance": {"ours": self.compare({"ours": lambda: run(network, 1)})["ours"]}}

    def measure_crop(self) -> dict[str, Any]:
        """LaMa on 848 x 480 with a hole of 6 %: the whole frame against the crop round the hole."""
        image = (self.picture(480, 848)[:1].permute(0, 2, 3, 1) * 255).to(torch.uint8).cpu().numpy()
        hole = np.zeros((1, 480, 848), np.bool_)
        hole[:, 170:326, 350:507] = True  # 156 x 157
        network = self.network("lama")
        name = next(name for name, dtype in PRECISIONS.items() if dtype == self.precision)
        device = str(self.device)
        whole = LamaInpainter(network=network, device=device, precision=name, context=100.0)
        crop = LamaInpainter(network=network, device=device, precision=name)
        row = self.compare(
            {"whole": lambda: torch.from_numpy(whole(image, hole)), "crop": lambda: torch.from_numpy(crop(image, hole))}
        )
        del row["range"], row["crop"]["largest_difference"]  # another picture, since the network sees less
        return {**row, "hole_share": round(float(hole.mean()), 3), "crop_sides": crop._crop_sides(156, 157)}


def machine(device: torch.device) -> dict[str, Any]:
    """What the figures were taken on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    told = dict(line.split(":", 1) for line in lines if ":" in line)
    told = {key.strip(): value.strip() for key, value in told.items()}
    flags = set(told.get("flags", "").split())
    return {
        "processor": told.get("model name", platform.processor()),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "bf16_in_hardware": any(flag in flags for flag in HALF_FLAGS),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "waiting": os.environ.get("OMP_WAIT_POLICY", "active"),
        "load": round(os.getloadavg()[0], 2),
        "gpu": torch.cuda.get_device_name() if device.type == "cuda" else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parity", nargs="?", type=Path, help="folder of the parity files")
    parser.add_argument("--only", nargs="+", default=["lama", "crop", "mat", "lavt", "transfiner"])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", choices=list(PRECISIONS), default="float32", help="of the half-precision rows")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.parity is not None:
        sys.path.insert(0, str(args.parity))
    bench = Bench(args.parity, args.device, args.precision, args.batch, args.rounds)
    result: dict[str, Any] = {"machine": machine(bench.device), "batch": args.batch, "precision": args.precision}
    if bench.device.type == "cpu" and not result["machine"]["bf16_in_hardware"]:
        result["half_precision"] = "of no use here: the processor has neither AMX nor AVX-512 BF16"
    measures: dict[str, Callable[[], dict[str, Any]]] = {
        "lama": lambda: {"512x512": bench.measure_lama(512, 512)},
        "crop": lambda: {"848x480": bench.measure_crop()},
        "mat": lambda: {"512x512": bench.measure_mat()},
        "lavt": lambda: {"480x480": bench.measure_lavt()},
        "transfiner": lambda: {"848x480": bench.measure_transfiner()},
    }
    for name in args.only:
        if bench.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        result[name] = measures[name]()
        if bench.device.type == "cuda":
            result[name]["peak_gpu_mb"] = torch.cuda.max_memory_allocated() >> 20
        print(json.dumps({name: result[name]}, indent=1), flush=True)
    if args.out:
        kept = json.loads(args.out.read_text()) if args.out.exists() else {}  # of networks left out this time
        result = {**{name: kept[name] for name in measures if name in kept}, **result}
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
