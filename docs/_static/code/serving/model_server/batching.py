"""``--enable_batching``: several requests that arrive together become one run of the graph."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .protocol import Code, ServingError, invalid

Array = npt.NDArray[Any]
Run = Callable[[Mapping[str, Array], Sequence[str], int], list[Array]]


@dataclass(frozen=True)
class BatchingOptions:
    """The values of a batching parameters file, with the server's defaults."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check what the server checks when it starts."""
        if self.max_batch_size < 1 or self.num_batch_threads < 1 or self.max_enqueued_batches < 1:
            raise invalid(
                "max_batch_size, num_batch_threads and max_enqueued_batches must be positive"
            )
        sizes = self.allowed_batch_sizes
        if sizes and sizes[-1] != self.max_batch_size:
            raise invalid(
                "Last entry in allowed_batch_sizes must match max_batch_size;"
                f" last entry was {sizes[-1]}; expected {self.max_batch_size}"
            )
        if any(low >= high for low, high in itertools.pairwise(sizes)):
            raise invalid("allowed_batch_sizes entries must be monotonically increasing")

    @classmethod
    def from_message(cls, message: Any) -> BatchingOptions:
        """Read a BatchingParameters message; a field that is not set keeps its default."""
        names = (
            "max_batch_size",
            "batch_timeout_micros",
            "max_enqueued_batches",
            "num_batch_threads",
        )
        values = {name: getattr(message, name).value for name in names if message.HasField(name)}
        return cls(**values, allowed_batch_sizes=tuple(message.allowed_batch_sizes))


@dataclass
class _Task:
    feeds: Mapping[str, Array]
    size: int
    done: Future[list[Array]] = field(default_factory=Future)


@dataclass
class _Batch:
    fetches: Sequence[str]
    timeout_ms: int
    due: float
    tasks: list[_Task] = field(default_factory=list)
    size: int = 0


class Batcher:
    """Queues requests of one model version; ``run`` looks like ServedModel.run."""

    def __init__(self, run: Run, options: BatchingOptions, observe: Callable[[int], None]) -> None:
        """Start the threads; ``observe`` hears the size of every batch that is run."""
        self._run = run
        self._options = options
        self._observe = observe
        self._open: dict[Any, _Batch] = {}  # by what makes requests alike
        self._queue: deque[tuple[Any, _Batch]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name="batch", daemon=True)
            for _ in range(options.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def run(
        self, feeds: Mapping[str, Array], fetches: Sequence[str], timeout_ms: int = 0
    ) -> list[Array]:
        """Wait for the batch that this request becomes part of, and return its share."""
        sizes = {value.shape[0] if value.ndim else -1 for value in feeds.values()}
        if len(sizes) != 1 or -1 in sizes:
            raise invalid("Batching session Run() input tensors must have equal 0th-dimension size")
        task = _Task(feeds, sizes.pop())
        if task.size > self._options.max_batch_size:
            raise invalid(
                f"Task size {task.size} is larger than maximum input batch size"
                f" {self._options.max_batch_size}"
            )
        alike = tuple((name, v.dtype.str, v.shape[1:]) for name, v in sorted(feeds.items()))
        self._enqueue((alike, tuple(fetches), timeout_ms), task, fetches, timeout_ms)
        return task.done.result()

    def close(self) -> None:
        """Run what is queued, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _enqueue(self, key: Any, task: _Task, fetches: Sequence[str], timeout_ms: int) -> None:
        with self._changed:
            batch = self._open.get(key)
            if batch is None or batch.size + task.size > self._options.max_batch_size:
                if self._closed or len(self._queue) >= self._options.max_enqueued_batches:
                    raise ServingError(
                        Code.UNAVAILABLE,
                        "The batch scheduling queue to which this task was submitted is full",
                    )
                due = time.monotonic() + self._options.batch_timeout_micros / 1e6
                if batch is not None:
                    batch.due = 0  # full: nothing more will join it
                batch = self._open[key] = _Batch(fetches, timeout_ms, due)
                self._queue.append((key, batch))
            batch.tasks.append(task)
            batch.size += task.size
            self._changed.notify()

    def _next(self) -> _Batch | None:
        with self._changed:
            while True:
                now = time.monotonic()
                for index, (key, batch) in enumerate(self._queue):
                    full = batch.size >= self._options.max_batch_size
                    if full or self._closed or batch.due <= now:
                        del self._queue[index]
                        if self._open.get(key) is batch:
                            del self._open[key]
                        return batch
                if self._closed:
                    return None
                wait = min((batch.due for _, batch in self._queue), default=None)
                self._changed.wait(None if wait is None else max(wait - now, 0))

    def _work(self) -> None:
        while (batch := self._next()) is not None:
            try:
                results = self._process(batch)
            except Exception as error:  # every waiting request gets the same error
                for task in batch.tasks:
                    task.done.set_exception(error)
            else:
                for task, result in zip(batch.tasks, results, strict=True):
                    task.done.set_result(result)

    def _process(self, batch: _Batch) -> list[list[Array]]:
        self._observe(batch.size)
        padding = self._padded(batch.size) - batch.size
        feeds = {}
        for name in batch.tasks[0].feeds:
            parts = [task.feeds[name] for task in batch.tasks]
            parts += [parts[0][:1]] * (padding if batch.size else 0)
            feeds[name] = np.concatenate(parts)
        outputs = self._run(feeds, batch.fetches, batch.timeout_ms)
        if any(not out.ndim or out.shape[0] != batch.size + padding for out in outputs):
            raise ServingError(
                Code.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension"
                " sizes of the input tensors",
            )
        ends = np.cumsum([task.size for task in batch.tasks]).tolist()
        starts = [0, *ends[:-1]]
        return [
            [out[start:end] for out in outputs] for start, end in zip(starts, ends, strict=True)
        ]

    def _padded(self, size: int) -> int:
        return next((s for s in self._options.allowed_batch_sizes if s >= size), size)
