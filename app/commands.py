"""The command line that does what the page does."""

import shlex
from collections.abc import Iterator, Sequence

from vidremove.types import Prompt

from .session import Settings

PROJECT = "clean.json"  # see taking.py


def remove_command(source: str, target: str, prompts: Sequence[Prompt], settings: Settings) -> str:
    """`vidremove remove ...` with these prompts and settings, quoted for a POSIX shell.

    What was painted cannot be written in a line: then it names the file that is taken away with the result.
    """
    if any(prompt.mask is not None for prompt in prompts):
        return shlex.join(["vidremove", "remove", "--project", PROJECT, target])
    words = ["vidremove", "remove", source, target, *_say(prompts), *_choose(settings)]
    return shlex.join(words)


def _say(prompts: Sequence[Prompt]) -> Iterator[str]:
    for name in dict.fromkeys(prompt.object for prompt in prompts):
        yield f"--object={name}"
        for prompt in (prompt for prompt in prompts if prompt.object == name):
            for option, points in (("click", prompt.clicks), ("not", prompt.not_clicks)):
                for point in points:
                    yield from (f"--{option}", f"{_numbers(point)}@{prompt.frame}")
            if prompt.box is not None:
                yield from ("--box", f"{_numbers(prompt.box)}@{prompt.frame}")
            if prompt.text is not None:
                yield f"--text={prompt.text}@{prompt.frame}"


def _choose(settings: Settings) -> Iterator[str]:
    if settings.preset != "default":
        yield from ("--config", settings.preset)
    if settings.fill != "patch":
        yield from ("--fill", settings.fill)
    if settings.dilate >= 0:
        yield from ("--dilate", str(settings.dilate))
    if settings.feather >= 0:
        yield from ("--feather", str(settings.feather))


def _numbers(values: Sequence[float]) -> str:
    return ",".join(f"{value:.2f}".rstrip("0").rstrip(".") for value in values)
