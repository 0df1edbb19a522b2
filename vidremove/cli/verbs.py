"""What each verb of the command line does: arguments to settings and prompts, then the verb of the same name."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vidremove.cli.console import Reporter
from vidremove.cli.options import UsageError
from vidremove.cli.projects import add_said, check_save, open_project, save
from vidremove.cli.weights import offer
from vidremove.config import Config, load_config
from vidremove.errors import InputError
from vidremove.prompts import gather_prompts, is_there
from vidremove.types import Prompt, Result


def run_remove(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove remove`."""
    from vidremove import pipeline

    project = open_project(args)
    said = add_said(project, _said(args), reporter)
    check_save(args, said)
    _offer_weights(args, said["prompts"], reporter)
    result = pipeline.remove(
        **_common(args, reporter),
        **said,
        start=args.start,
        end=args.end,
        save_masks=args.save_masks,
        layer=args.layer,
    )
    save(args, project, said, _config(args))
    finish(result, reporter)


def run_track(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove track`."""
    from vidremove import pipeline

    project = open_project(args)
    said = add_said(project, _said(args), reporter, tracked=False)
    check_save(args, said)
    if said["masks"] is not None:
        raise InputError(f"--mask {said['masks']} gives one mask a frame already: nothing is left to track.")
    _offer_weights(args, said["prompts"], reporter, fill=False)
    prompts = {key: said[key] for key in ("prompts", "mask_pictures")}
    result = pipeline.track(**_common(args, reporter), **prompts, start=args.start, end=args.end)
    save(args, project, said, _config(args))
    finish(result, reporter)


def run_correct(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove correct`."""
    from vidremove.correction import correct

    said = _said(args)
    masks = said.pop("masks")
    if masks is not None:
        raise InputError(f"--mask {masks} gives one mask a frame; a correction is said on single frames.")
    _offer_weights(args, said["prompts"], reporter, fill=False)
    common = {key: value for key, value in _common(args, reporter).items() if key != "overwrite"}
    finish(correct(**common, **said), reporter)


def run_preview(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove preview`."""
    from vidremove.one_frame import preview

    said = add_said(open_project(args), _said(args), reporter)
    _offer_weights(args, said["prompts"], reporter)
    finish(preview(**_common(args, reporter), **said, frame=args.frame), reporter)


def run_demo(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove demo`."""
    from vidremove.demo import run

    finish(run(args.folder, on_progress=reporter.step), reporter)


def run_doctor(args: argparse.Namespace, reporter: Reporter) -> None:
    """`vidremove doctor`."""
    from vidremove.doctor import examine

    found = examine()
    if reporter.as_json:
        reporter.event("doctor", **found)
        return
    for title, rows in found.items():
        print(title)
        for name, value in rows.items():
            print(f"  {name:<24} {value}")


def finish(result: Result, reporter: Reporter) -> None:
    """Tell what was done."""
    if reporter.as_json:
        values = {name: getattr(result, name) for name in ("frames", "changed", "shots", "seconds")}
        reporter.event("done", target=str(result.target), **values, notes=list(result.notes))
        return
    for note in result.notes:
        reporter.say(f"note: {note}")
    frames = f"{result.frames} frame{'' if result.frames == 1 else 's'}"
    reporter.say(f"{result.target}: {frames}, {result.changed} changed, {result.seconds:.1f} s.")


def _offer_weights(args: argparse.Namespace, prompts: Sequence[Prompt], reporter: Reporter, fill: bool = True) -> None:
    """Fetch the weights that are needed and missing, if the user says so."""
    from vidremove.choices import name_weights

    offer(name_weights(_config(args), prompts, fill), args.yes, reporter)


def _common(args: argparse.Namespace, reporter: Reporter) -> dict[str, Any]:
    return {
        "source": args.source,
        "target": args.target,
        "rate": args.fps,
        "config": _config(args),
        "overwrite": getattr(args, "overwrite", False),
        "on_progress": reporter.step,
    }


def _config(args: argparse.Namespace) -> Config:
    overrides = list(args.overrides)
    for key, value in (
        ("fill.dilate", getattr(args, "dilate", None)),
        ("fill.feather", getattr(args, "feather", None)),
        ("fill.inpainter", getattr(args, "fill", None)),
        ("output.lossless", "true" if getattr(args, "lossless", False) else None),
        ("device", args.device),
        ("precision", args.precision),
    ):
        if value is not None:
            overrides.append(f"{key}={value}")
    return load_config(args.config, overrides)


def _said(args: argparse.Namespace) -> dict[str, Any]:
    """What was said about the object: prompts and mask pictures, or one mask a frame."""
    from vidremove.media import is_picture

    for (kind, name), (following, _) in zip(args.prompts, [*args.prompts[1:], ("object", "")], strict=False):
        if kind == following == "object":
            raise UsageError(f"--object {name}: nothing is said of it; its clicks, boxes, masks or phrases follow it.")
    prompts, pictures = gather_prompts(args.prompts)
    tracks = [path for path in pictures.values() if is_there(str(path)) and not is_picture(path)]
    if not tracks:
        return {"prompts": prompts, "mask_pictures": pictures, "masks": None}
    if len(args.prompts) > 1:
        raise InputError(f"--mask {tracks[0]} gives one mask a frame: no other prompt can be added to it.")
    if not is_there(args.prompts[0][1]):  # but for its @FRAME
        raise UsageError(f"--mask {args.prompts[0][1]}: {tracks[0]} holds one mask a frame, so it takes no @FRAME.")
    return {"prompts": (), "mask_pictures": None, "masks": Path(tracks[0])}
