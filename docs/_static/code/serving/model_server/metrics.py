"""The server's counters and histograms, printed for Prometheus under their real names.

The names have colons and no ``_total``, so no client library of Prometheus will write them.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Sequence

# Upper limits in microseconds: 10, then 1.8 times more, up to about 20 minutes.
LATENCY_LIMITS = [10 * 1.8**power for power in range(33)]
COUNT_LIMITS = [float(2**power) for power in range(20)]


class Counter:
    """A number per set of labels that only grows."""

    def __init__(self, name: str, labels: Sequence[str]) -> None:
        """Declare the metric; nothing is printed before the first ``add``."""
        self._name = name
        self._labels = labels
        self._values: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, *label_values: str, by: int = 1) -> None:
        """Count ``by`` more."""
        with self._lock:
            self._values[label_values] = self._values.get(label_values, 0) + by

    def lines(self) -> list[str]:
        """Return the metric in Prometheus's text format."""
        with self._lock:
            cells = sorted(self._values.items())
        lines = [f"# TYPE {self._name} counter"]
        lines += [f"{self._name}{{{_labels(self._labels, key)}}} {value}" for key, value in cells]
        return lines if cells else []


class Histogram:
    """Counts per bucket, sum and number of observations, per set of labels."""

    def __init__(self, name: str, labels: Sequence[str], limits: Sequence[float]) -> None:
        """Declare the metric with its buckets' upper limits."""
        self._name = name
        self._labels = labels
        self._limits = limits
        self._cells: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
        self._lock = threading.Lock()

    def observe(self, value: float, *label_values: str) -> None:
        """Add one observation."""
        with self._lock:
            cell = self._cells.get(label_values)
            if cell is None:
                cell = self._cells[label_values] = ([0] * (len(self._limits) + 1), [0.0])
            cell[0][bisect.bisect_right(self._limits, value)] += 1
            cell[1][0] += value

    def lines(self) -> list[str]:
        """Return the metric in Prometheus's text format."""
        with self._lock:
            cells = [(key, list(b), total[0]) for key, (b, total) in sorted(self._cells.items())]
        lines = [f"# TYPE {self._name} histogram"] if cells else []
        for key, buckets, total in cells:
            labels = _labels(self._labels, key)
            count = 0
            for limit, number in zip([*self._limits, None], buckets, strict=True):
                count += number
                text = "+Inf" if limit is None else f"{limit:g}"
                lines.append(f'{self._name}_bucket{{{labels},le="{text}"}} {count}')
            lines.append(f"{self._name}_sum{{{labels}}} {total:g}")
            lines.append(f"{self._name}_count{{{labels}}} {count}")
        return lines


def _labels(names: Sequence[str], values: Sequence[str]) -> str:
    escaped = (v.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') for v in values)
    return ",".join(f'{name}="{value}"' for name, value in zip(names, escaped, strict=True))


class Metrics:
    """Everything that the emulation counts."""

    def __init__(self) -> None:
        """Declare the metrics."""
        tfs, saved_model = ":tensorflow:serving:", ":tensorflow:cc:saved_model:"
        self.requests = Counter(f"{tfs}request_count", ["model_name", "status"])
        self.request_latency = Histogram(
            f"{tfs}request_latency", ["model_name", "API", "entrypoint"], LATENCY_LIMITS
        )
        self.runtime_latency = Histogram(
            f"{tfs}runtime_latency", ["model_name", "API", "runtime"], LATENCY_LIMITS
        )
        self.examples = Histogram(f"{tfs}request_example_counts", ["model"], COUNT_LIMITS)
        self.example_total = Counter(f"{tfs}request_example_count_total", ["model"])
        self.warmup_latency = Histogram(
            f"{tfs}model_warmup_latency", ["model_path", "status"], LATENCY_LIMITS
        )
        self.loads = Counter(f"{saved_model}load_attempt_count", ["model_path", "status"])
        self.load_latency = Counter(f"{saved_model}load_latency", ["model_path"])
        self.batch_sizes = Histogram(
            f"{tfs}batching_session:processed_batch_size", ["model_name"], COUNT_LIMITS
        )

    def count_examples(self, model: str, count: int) -> None:
        """Count the examples of a request."""
        self.examples.observe(count, model)
        self.example_total.add(model, by=count)

    def page(self) -> str:
        """Return the whole page."""
        lines = [line for metric in vars(self).values() for line in metric.lines()]
        return "\n".join(lines) + "\n"
