"""What a person or a program sees while a run goes on: progress bars, JSON lines, one-line messages."""

import json
import sys
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from vidremove.types import Progress as Step

WORDS = {
    "shots": "Finding cuts",
    "track": "Tracking the object",
    "masks": "Reading the masks",
    "survey": "Looking at the background",
    "fill": "Removing",
    "write": "Writing the masks",
    "download": "Fetching",
}
JSON_INTERVAL_S = 0.5  # between two progress lines of one pass


class _AmountColumn(ProgressColumn):
    """What is done of the whole, in frames or megabytes."""

    def render(self, task: Task) -> Text:
        if task.fields["in_bytes"]:
            whole = f"{task.total / 1e6:.1f}" if task.total else "?"
            return Text(f"{task.completed / 1e6:.1f}/{whole} MB", style="green")
        return Text(f"{task.completed:.0f}/{f'{task.total:.0f}' if task.total else '?'}", style="green")


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("")
        return Text(f"{speed / 1e6:.1f} MB/s" if task.fields["in_bytes"] else f"{speed:.1f} frames/s", style="cyan")


class Reporter:
    """Shows the steps of a run on standard error, or as JSON lines on standard output; silent in a pipe."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self._console = Console(stderr=True, highlight=False)
        self._bars = self._make_bars() if self._console.is_terminal and not (as_json or quiet) else None
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self._shown: dict[str, float] = {}

    def _make_bars(self) -> Progress:
        return Progress(
            TextColumn("{task.description:<27}"),
            BarColumn(),
            _AmountColumn(),
            _RateColumn(),
            TimeRemainingColumn(),
            console=self._console,
        )

    def __enter__(self) -> "Reporter":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def step(self, step: Step) -> bool:
        """Show one step of a pass. Returns: True, go on."""
        if self._bars is not None:
            if step.stage not in self._tasks:
                words, in_bytes = WORDS.get(step.stage, step.stage), step.stage == "download"
                self._tasks[step.stage] = self._bars.add_task(words, total=None, in_bytes=in_bytes)
            self._bars.update(self._tasks[step.stage], completed=step.done, total=step.total or None)
        elif self.as_json:
            self._step_as_json(step)
        return True

    def _step_as_json(self, step: Step) -> None:
        now = time.monotonic()
        began = self._began.setdefault(step.stage, now)
        if step.done < step.total and now - self._shown.get(step.stage, -JSON_INTERVAL_S) < JSON_INTERVAL_S:
            return
        self._shown[step.stage] = now
        rate = step.done / (now - began) if now > began else None
        left = (step.total - step.done) / rate if rate and step.total else None
        self.event("progress", stage=step.stage, done=step.done, total=step.total, rate=rate, left_s=left)

    def event(self, kind: str, /, **values: Any) -> None:
        """One JSON line on standard output."""
        rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in values.items()}
        sys.stdout.write(json.dumps({"event": kind, **rounded}) + "\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """One line for a person, on standard error."""
        self._console.print(Text(text), soft_wrap=True)
