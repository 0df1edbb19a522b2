"""`--project` and `--save-project`: what was said before is taken up, what was said now is kept."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidremove.cli.console import Reporter
from vidremove.config import Config, list_changes, load_config
from vidremove.errors import ConfigError, InputError, OutputError
from vidremove.types import Prompt

if TYPE_CHECKING:
    from vidremove.project import Project

_MADE_HERE = ("device=", "workers=")  # of the machine, not of the project


def open_project(args: argparse.Namespace) -> "Project | None":
    """The project that is named, if one is; `args` then says what it says, where nothing else was said."""
    if args.project is None:
        return None
    from vidremove.project import default_target, load_project

    project = load_project(args.project)
    if args.target is None:
        args.source, args.target = None, args.source
    args.source = args.source or project.source
    beside = args.project.absolute().with_name
    made = {"remove": default_target(project, args.project), "track": beside("tracked.track")}
    args.target = args.target or made.get(args.verb, beside("look.png"))
    args.config = args.config or project.preset
    args.overrides = [*project.overrides, *args.overrides]
    for name in ("start", "end"):
        if getattr(args, name, None) is None:
            setattr(args, name, getattr(project, name))
    args.fps = args.fps or project.rate
    return project


def add_said(
    project: "Project | None", said: dict[str, Any], reporter: Reporter, *, tracked: bool = True
) -> dict[str, Any]:
    """What the project says of the objects, with what was said now added to it.

    Args:
        said: prompts, mask_pictures and masks, as the verbs take them.
        tracked: whether the project's own masks will do, where nothing was added.
    """
    if project is None or said["masks"] is not None:
        return said
    if tracked and project.track is not None:
        if not said["prompts"]:
            return {"prompts": (), "mask_pictures": None, "masks": project.track}
        reporter.say(f"note: {project.track} is left aside, since something was added: all is tracked anew.")
    return {**said, "prompts": _joined(project.prompts, said["prompts"])}


def check_save(args: argparse.Namespace, said: Mapping[str, Any]) -> None:
    """See before any work that `save` can do what it is to."""
    if args.save_project is None:
        return
    from vidremove.project import check_project_target

    check_project_target(args.save_project, overwrite=args.overwrite)
    real = args.target.resolve()
    if real == args.save_project.resolve() or args.save_project.resolve().is_relative_to(real):
        raise OutputError(f"{args.save_project}: project and result need places of their own.")
    folder, masks = args.save_project.absolute().parent, said["masks"]
    if masks is not None and not masks.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{masks}: lies outside the folder of {args.save_project}; a project lies beside its masks.")


def save(args: argparse.Namespace, project: "Project | None", said: Mapping[str, Any], config: Config) -> None:
    """Write the project that was asked for: what this run went by, and what the project before it held of the app."""
    if args.save_project is None:
        return
    from vidremove.media import read_mask
    from vidremove.project import Project, save_project

    preset = _preset(args.config)
    changes = list_changes(config, load_config(preset))
    read = {key: read_mask(path) for key, path in (said["mask_pictures"] or {}).items()}
    prompts = [replace(each, mask=read.get((each.object, each.frame), each.mask)) for each in said["prompts"]]
    tracked = args.verb == "track" and args.target.suffix == ".track"
    if said["masks"] is not None and project is not None and said["masks"] == project.track:
        prompts = list(project.prompts)
    folder = args.save_project.absolute().parent.resolve()
    made = Project(
        source=args.source,
        prompts=tuple(prompts),
        track=args.target if tracked and args.target.resolve().is_relative_to(folder) else said["masks"],
        preset=preset,
        overrides=tuple(change for change in changes if not change.startswith(_MADE_HERE)),
        target=args.target if args.verb == "remove" else project.target if project is not None else None,
        start=args.start,
        end=args.end,
        rate=args.fps,
        drafts=project.drafts if project is not None else (),
        app=project.app if project is not None else {},
    )
    save_project(made, args.save_project, overwrite=args.overwrite)


def _joined(before: Sequence[Prompt], added: Sequence[Prompt]) -> list[Prompt]:
    """Prompts of both, one for each object and frame; of two boxes, masks or phrases the one that was added counts."""
    joined: dict[tuple[str, int], Prompt] = {}
    for new in (*before, *added):
        old = joined.get((new.object, new.frame), new)
        if old is not new:
            new = replace(
                new,
                clicks=(*old.clicks, *new.clicks),
                not_clicks=(*old.not_clicks, *new.not_clicks),
                box=new.box or old.box,
                text=new.text or old.text,
                mask=old.mask if new.mask is None else new.mask,
            )
        joined[(new.object, new.frame)] = new
    return list(joined.values())


def _preset(config: str | None) -> str:
    """The name of ours that was asked for; "default" for any other file, whose settings then are overrides."""
    if config is None or not config.isalpha() or Path(config).exists():
        return "default"
    try:
        load_config(config)
    except ConfigError:
        return "default"
    return config
