"""A long piece of work in a thread of its own, with progress and cancel; it calls nothing of Streamlit."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from vidremove.cli.console import WORDS
from vidremove.errors import Cancelled, VidremoveError
from vidremove.types import OnProgress, Progress, Result


@dataclass(frozen=True, slots=True)
class Pass:
    """How far one pass has come."""

    label: str
    done: int
    total: int
    rate: float  # frames a second, 0 while it is not known

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


class Run:
    """One run, started when it is made."""

    def __init__(self, work: Callable[[OnProgress], Result]) -> None:
        """Start `work`; it is handed the function to tell its progress to."""
        self.result: Result | None = None
        self.error = ""  # one sentence where it failed
        self.cancelled = False
        self._steps: dict[str, tuple[Progress, float, float]] = {}  # the last one, when the pass began, when it came
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._do, args=(work,), name="vidremove-run", daemon=True)
        self._thread.start()

    @property
    def finished(self) -> bool:
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        return self._stop.is_set() and not self.finished

    def cancel(self) -> None:
        """Ask it to stop; it does so after the frame it is at."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end. Returns: whether it has come."""
        self._thread.join(seconds)
        return self.finished

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
            )
            for step, began, came in steps
        ]

    def _step(self, step: Progress) -> bool:
        now = time.monotonic()
        with self._lock:
            began = self._steps[step.stage][1] if step.stage in self._steps else now
            self._steps[step.stage] = (step, began, now)
        return not self._stop.is_set()

    def _do(self, work: Callable[[OnProgress], Result]) -> None:
        try:
            self.result = work(self._step)
        except Cancelled:
            self.cancelled = True
        except VidremoveError as error:
            self.error = str(error)
        except Exception as error:  # a thread must not end without a word on the page
            logging.getLogger(__name__).exception("the run failed")
            self.error = f"the run failed unexpectedly ({type(error).__name__}: {error}); the source was not touched."
