"""Run a generator in a thread of its own, so that decoding, filling and encoding overlap."""

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

T = TypeVar("T")
_END = object()


def prefetch(items: Iterable[T], depth: int = 4) -> Generator[T, None, None]:
    """Yield the same items in the same order, made up to `depth` ahead in another thread.

    An error in `items` is raised here at its place. Closing this generator stops the thread and closes `items`.
    """
    line: queue.Queue[tuple[object, BaseException | None]] = queue.Queue(depth)
    stop = threading.Event()
    worker = threading.Thread(target=_produce, args=(items, line, stop), daemon=True)
    worker.start()
    try:
        while True:
            item, error = line.get()
            if error is not None:
                raise error
            if item is _END:
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        while worker.is_alive():
            _drain(line)
            worker.join(0.05)


def _produce(
    items: Iterable[T], line: "queue.Queue[tuple[object, BaseException | None]]", stop: threading.Event
) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if not _offer(line, (item, None), stop):
                break
    except BaseException as caught:  # handed to the consumer, which raises it
        error = caught
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
    _offer(line, (_END, error), stop)


def _offer(
    line: "queue.Queue[tuple[object, BaseException | None]]",
    entry: tuple[object, BaseException | None],
    stop: threading.Event,
) -> bool:
    while not stop.is_set():
        try:
            line.put(entry, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False


def _drain(line: "queue.Queue[tuple[object, BaseException | None]]") -> None:
    try:
        while True:
            line.get_nowait()
    except queue.Empty:
        return
