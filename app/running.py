"""Long pieces of work in threads of their own, with progress and cancel; nothing here calls Streamlit."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vidremove.cli.console import WORDS
from vidremove.errors import Cancelled, InputError, VidremoveError
from vidremove.types import OnProgress, Progress

Work = Callable[[OnProgress], Any]
_MOST_ENDED = 100  # runs that have ended and that nobody asked for


@dataclass(frozen=True, slots=True)
class Pass:
    """How far one pass has come."""

    label: str
    done: int
    total: int
    rate: float  # frames a second, 0 while it is not known
    stage: str = ""  # see vidremove.types.Progress

    @property
    def share(self) -> float:
        return min(1.0, self.done / self.total) if self.total else 0.0

    @property
    def text(self) -> str:
        """Label, frames, rate and time left in one line."""
        text = f"{self.label} · {self.done} of {self.total}"
        if self.done < self.total and self.rate:
            text += f" · {self.rate:.1f} frames/s · {(self.total - self.done) / self.rate:.0f} s left"
        return text


class Background:
    """Work in a thread of its own that ends with the program."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, name: str, work: Callable[[], None]) -> None:
        """Start `work`, which looks at `_stop` from time to time; last of all, since it may use whatever there is."""
        self._thread = threading.Thread(target=work, name=f"vidremove-{name}", daemon=True)
        self._thread.start()

    @property
    def finished(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def stop(self) -> None:
        """Ask it to end; it does so after the frame it is at."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end. Returns: whether it has come."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self.finished


class Run(Background):
    """One run, started when it is made."""

    def __init__(self, work: Work, kind: str = "remove", title: str = "Removing") -> None:
        """Start `work`; it is handed the function to tell its progress to.

        Args:
            kind: who takes in its end, such as "remove" or "track".
            title: what the page calls it while it goes on.
        """
        super().__init__()
        self.kind, self.title = kind, title
        self.result: Any = None  # what `work` returned
        self.error = ""  # one sentence where it failed
        self.cancelled = False
        self._steps: dict[str, tuple[Progress, float, float]] = {}  # the last one, when the pass began, when it came
        self._lock = threading.Lock()
        self.begin(kind, lambda: self._do(work))

    @property
    def stopping(self) -> bool:
        return self._stop.is_set() and not self.finished

    def passes(self) -> list[Pass]:
        """The passes so far, in their order."""
        with self._lock:
            steps = list(self._steps.values())
        return [
            Pass(
                WORDS.get(step.stage, step.stage),
                step.done,
                step.total,
                step.done / (came - began) if came > began else 0,
                step.stage,
            )
            for step, began, came in steps
        ]

    def _step(self, step: Progress) -> bool:
        now = time.monotonic()
        with self._lock:
            began = self._steps[step.stage][1] if step.stage in self._steps else now
            self._steps[step.stage] = (step, began, now)
        return not self._stop.is_set()

    def _do(self, work: Work) -> None:
        try:
            self.result = work(self._step)
        except Cancelled:
            self.cancelled = True
        except VidremoveError as error:
            self.error = str(error)
        except Exception as error:  # a thread must not end without a word on the page
            logging.getLogger(__name__).exception("the run failed")
            self.error = f"the run failed unexpectedly ({type(error).__name__}: {error}); the source was not touched."


class Runs:
    """The runs of this process by project, so that one is found again after a reload; one at a time for a project.

    A run whose visitor has gone goes on: what it makes is kept on disk by its own work.
    """

    def __init__(self, most: int = 4) -> None:
        """Let `most` of them go on at a time."""
        self.most = most
        self._runs: dict[str, Run] = {}
        self._lock = threading.Lock()

    def start(self, project: str, kind: str, title: str, work: Work) -> Run:
        """Start `work` for a project.

        Raises: InputError if it has a run already, or as many go on as may.
        """
        with self._lock:
            if project in self._runs and not self._runs[project].finished:
                raise InputError("something is going on for this project already: wait for its end, or cancel it.")
            going = sum(not run.finished for run in self._runs.values())
            if going >= self.most:
                raise InputError(f"the computer is busy with {going} other runs: try again when one has ended.")
            self._runs.pop(project, None)
            ended = [key for key, run in self._runs.items() if run.finished]
            for key in ended[: max(0, len(ended) - _MOST_ENDED)]:
                del self._runs[key]
            self._runs[project] = Run(work, kind, title)
            return self._runs[project]

    def find(self, project: str) -> Run | None:
        """The project's run: one that goes on, or one that has ended and was not taken in."""
        with self._lock:
            return self._runs.get(project)

    def drop(self, project: str) -> None:
        """Let go of a run whose end was taken in."""
        with self._lock:
            if project in self._runs and self._runs[project].finished:
                del self._runs[project]


RUNS = Runs()
