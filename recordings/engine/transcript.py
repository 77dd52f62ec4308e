"""What reaches a page of what a program printed: no progress, no noise, no paths of this machine.

Recordings keep what was printed as it was; this is applied when they are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Left out on purpose: what a reader's machine prints differently or not at all, and what says
# nothing about the tutorial. Everything else reaches the page.
NOISE = [
    # TensorFlow's native log, level INFO (time, thread, file and line of its source)
    r"^I\d{4} [\d:.]+ +\d+ .*",
    r"^WARNING: All log messages before absl::InitializeLog\(\) .*",
    r"^To enable the following instructions: .*",
    # no GPU here
    r"^[EW]\d{4} [\d:.]+ +\d+ cuda_\w+\.cc:\d+\] .*",
    # the converter's notes to its own developers
    r"^W\d{4} [\d:.]+ +\d+ tf_tfl_flatbuffer_helpers\.cc:\d+\] Ignored .*",
    r"^W\d{4} [\d:.]+ +\d+ flatbuffer_export\.cc:\d+\] Skipping runtime version metadata.*",
    r"^INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.",
    r"^fully_quantize: \d+, inference_type: .*",  # from C++
    # what TensorFlow finds deprecated in itself
    r"^(WARNING:tensorflow:|W\d{4} .*deprecation\.py:\d+\] )From site-packages/.*",
    r"^Instructions for updating:$",
    r"^Use `tf\.saved_model\.load` instead\.$",
]
_NOISE = re.compile("|".join(NOISE))
_TIME = re.compile(r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[\d.,]*: ")  # of a server's log
_NATIVE = re.compile(
    r"(?m)^[IWE] (?:external|tensorflow)/.*\n"
)  # lines of the real server's libraries


def clean(printed: str, places: Mapping[str, str], *, log: bool = False) -> str:
    """Return what a page shows of what a program printed.

    Args:
        printed: all that it printed, byte for byte.
        places: paths and ports of the run, and what stands for them on a page, in this order.
        log: whether it is the log of a model server: without times and libraries' lines.
    """
    text = printed.replace("\r\n", "\n")
    text = re.sub(r"[^\n]*\r", "", text)  # overwritten on a terminal
    text = _NATIVE.sub("", _TIME.sub("", text)) if log else text
    for place, shown in places.items():
        pattern = _start(place) + re.escape(place) + _end(place)
        text = re.sub(pattern, shown.replace("\\", r"\\"), text)
    text = re.sub(r"/tmp/tmp\w+", "/tmp/…", text)
    lines = [line.rstrip() for line in text.splitlines() if not _NOISE.match(line)]
    return "\n".join(lines).strip("\n") + "\n" if any(lines) else ""


def _start(place: str) -> str:
    return "" if place.startswith("/") else r"(?<![\w.])"


def _end(place: str) -> str:
    return "" if place.endswith("/") else r"(?!\w)"
