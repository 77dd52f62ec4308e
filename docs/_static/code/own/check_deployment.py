"""Find out where a model can be deployed: take it all the way to each target, and compare.

Reads a .keras or .h5 file or a SavedModel, and samples of its inputs or, without them, makes some
from its signature. Each target is tried in a temporary folder and in another process, so that a
crash in native code is a line of the table and not the end. Writes only --json and --answers.
The exit code is 1 if a target that --targets names fails; without --targets, if none works.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import check_causes
from artifacts import ProgramError, at_least, existing, existing_saved_model, run, whole

Row = dict[str, Any]  # of the table: status, bytes, largest_difference, same, milliseconds, …
PRECISIONS = ("float32", "float16", "dynamic", "int8")
# Two processes share the targets: those that read the SavedModel, and those that convert.
SERVED = ("savedmodel", "serving_rest", "serving_grpc", "tfjs")
CONVERTED = (
    *(f"tflite_{precision}" for precision in PRECISIONS),
    *(f"compiled_{precision}" for precision in PRECISIONS),
    *("litertjs", "micro"),
)
TARGETS = (*SERVED[:3], *CONVERTED[:8], "tfjs", *CONVERTED[8:])
SERVER = "tensorflow_model_server"
POLL_SECONDS = 0.05
COLUMNS = f"{'target':17} {'works':13} {'bytes':>11} {'difference':>10} {'same':>7} {'time':>6}"


@dataclass
class Job:
    """A model to check, and what came out.

    Attributes:
        model: a file, or the folder of a SavedModel.
        targets: to try.
        samples: an .npz, or None.
        first: take so many samples.
        folder: for all that is made of it.
        rows: by target; `prepare` is the model itself.
    """

    model: Path
    targets: tuple[str, ...] = TARGETS
    samples: str | None = None
    first: int = 1000
    folder: Path = Path()
    rows: dict[str, Row] = field(default_factory=dict)

    @property
    def facts(self) -> dict[str, Any]:
        """What was found out about the model; nothing if it could not be read."""
        file = self.folder / "facts.json"
        return dict(json.loads(file.read_text())) if file.exists() else {}


class Worker:
    """Runs jobs in a process, and in another one from behind a job that ends it."""

    def __init__(
        self, folder: Path, limit: float, told: Callable[[str], None], stop: threading.Event
    ) -> None:
        """Take a folder for the worker's files, seconds for a job, who is told, what stops it."""
        self.folder, self.limit, self.told, self.stop = folder, limit, told, stop

    def run(self, jobs: list[tuple[Job, str]], each: Callable[[], None] = lambda: None) -> None:
        """Do all jobs; call `each` behind each of them."""
        while jobs:
            count = self._run_until_end(jobs, each)
            jobs = jobs[count:]

    def _run_until_end(self, jobs: list[tuple[Job, str]], each: Callable[[], None]) -> int:
        """Run a process until it ends, and return how many jobs it did."""
        number = len(list(self.folder.glob("jobs-*.json")))
        asked, rows = (self.folder / f"{kind}-{number}.json" for kind in ("jobs", "rows"))
        asked.write_text(json.dumps([[str(job.folder), target] for job, target in jobs]))
        rows.touch()
        with process(
            [sys.executable, str(beside("check_targets.py")), str(asked), str(rows)]
        ) as ran:
            begun, done = self._follow(ran, rows, jobs, each)
        if done < begun:
            job, target = jobs[begun - 1]
            job.rows[target] = ended(ran.returncode, self.limit, job.folder)
            each()
        elif begun == 0:
            log = rows.with_suffix(".log")
            said = log.read_text(errors="replace").strip() if log.exists() else ""
            raise ProgramError(
                f"nothing can be tried: {(said or 'no reason given').splitlines()[-1]}"
            )
        return begun

    def _follow(
        self, ran: subprocess.Popen[bytes], rows: Path, jobs: list[tuple[Job, str]], each: Any
    ) -> tuple[int, int]:
        """Read rows until the process ends, or a job takes too long; return the numbers so far."""
        begun = done = 0
        since = time.monotonic()
        with rows.open(encoding="utf-8") as file:
            partial = ""
            while True:
                alive = ran.poll() is None
                while line := file.readline():
                    partial += line
                    if not partial.endswith("\n"):
                        continue
                    told, partial = json.loads(partial), ""
                    since = time.monotonic()
                    if "begun" in told:
                        begun = told["begun"] + 1
                        job, target = jobs[begun - 1]
                        self.told(f"{job.model.name}: {target}")
                    elif "done" in told:
                        done = told["done"] + 1
                        job, target = jobs[done - 1]
                        job.rows[target] = told["row"]
                        each()
                if self.stop.is_set():
                    end(ran)
                    raise ProgramError("stopped")
                if not alive or done == len(jobs):
                    return begun, done
                if time.monotonic() - since > self.limit:
                    end(ran)
                    ran.returncode = TOO_LONG
                    return max(begun, 1), done
                time.sleep(POLL_SECONDS)


TOO_LONG = 1 << 20  # no exit code


def ended(code: int | None, limit: float, folder: Path) -> Row:
    """Return the row of a job that ended its process; `folder` says if that was the converter."""
    if code == TOO_LONG:
        return failed(f"no answer within {limit:g} s", status="too slow")
    reason = f"exit code {code}"
    if code is not None and code < 0:
        with suppress(ValueError):
            reason = signal.Signals(-code).name
    for file in folder.glob("*.failed"):
        if (said := file.read_text()).startswith("crashed in") and "SIG" not in said:
            file.write_text(f"{said}: {reason}")
            return failed(f"{said}: {reason}", status="crashed")
    return failed(f"crashed: {reason}", status="crashed")


def failed(text: str, status: str = "fails") -> Row:
    """Return the row of a failure, with its cause."""
    return {"status": status, **check_causes.row(text)}


def beside(name: str) -> Path:
    """Return a program of the tutorial, which lies beside this one."""
    return Path(__file__).with_name(name)


@contextmanager
def process(
    command: list[str], log: Path | None = None, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command while the block runs; it ends with the block, with all that it started."""
    output = log.open("wb") if log else subprocess.DEVNULL
    ran = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if log else None,
        start_new_session=True,  # so that what it starts itself can be ended, too
    )
    try:
        yield ran
        with suppress(subprocess.TimeoutExpired):
            ran.wait(0 if log else 10)  # a server goes on until it is ended
    finally:
        code = ran.returncode
        end(ran)
        if code is not None:
            ran.returncode = code
        if log and not isinstance(output, int):
            output.close()


def end(ran: subprocess.Popen[bytes]) -> None:
    """End a process and what it started."""
    if os.name == "nt":
        if ran.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(ran.pid)], capture_output=True)
    else:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(ran.pid, signal.SIGKILL)
    ran.wait()


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(folder: Path, jobs: list[Job]) -> Iterator[None]:
    """Serve the models of jobs while the block runs; write down where they are.

    The real server is taken where it is on the PATH, else the emulation beside this program.
    """
    rest, grpc = free_port(), free_port()
    served = [job for job in jobs if (job.folder / "served/1/saved_model.pb").exists()]
    models = "".join(
        f'config {{ name: "m{number}" base_path: "{(job.folder / "served").resolve().as_posix()}" '
        'model_platform: "tensorflow" }\n'
        for number, job in enumerate(served)
    )
    config = folder / "models.config"
    config.write_text(f"model_config_list {{\n{models}}}\n")
    for number, job in enumerate(served):
        file = job.folder / "case.json"
        where = {
            "rest": f"http://localhost:{rest}",
            "grpc": f"localhost:{grpc}",
            "name": f"m{number}",
        }
        file.write_text(json.dumps({**json.loads(file.read_text()), **where}))
    real = shutil.which(SERVER)
    command = [real] if real else [sys.executable, "-m", "model_server"]
    flags = [f"--rest_api_port={rest}", f"--port={grpc}", f"--model_config_file={config.resolve()}"]
    flags += ["--max_num_load_retries=0", "--load_retry_interval_micros=1"]
    programs = beside("model_server").parent
    with process([*command, *flags], folder / "server.log", programs):
        yield


def check(jobs: list[Job], folder: Path, limit: float, told: Callable[[str], None]) -> None:
    """Try the targets of all jobs; the rows are in the jobs.

    One process reads the models and converts, another one does the rest as soon as they are read.
    """
    for number, job in enumerate(jobs):
        job.folder = folder / f"model-{number}"
        job.folder.mkdir()
        asked = {"model": str(job.model), "samples": job.samples, "first": job.first}
        (job.folder / "case.json").write_text(json.dumps(asked))
    read, stop = threading.Event(), threading.Event()

    def each() -> None:
        if all("prepare" in job.rows for job in jobs):
            read.set()

    def convert() -> None:
        prepare = [(job, "prepare") for job in jobs]
        try:
            first = prepare + wanted(jobs, CONVERTED) if len(jobs) == 1 else prepare
            Worker(made(folder / "convert"), limit, told, stop).run(first, each)
        finally:
            read.set()
        if len(jobs) > 1:
            Worker(folder / "convert", limit, told, stop).run(wanted(jobs, CONVERTED))

    def serve() -> None:
        read.wait()
        rest = wanted(jobs, SERVED)
        if not rest or not all("prepare" in job.rows for job in jobs):
            return
        if not any(target.startswith("serving") for _, target in rest):
            Worker(made(folder / "serve"), limit, told, stop).run(rest)
            return
        with server(folder, [job for job in jobs if any("serving" in t for t in job.targets)]):
            Worker(made(folder / "serve"), limit, told, stop).run(rest)

    with ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(lane) for lane in (convert, serve)]
        try:
            for lane in lanes:
                lane.result()
        finally:
            stop.set()  # on Ctrl+C, and where the other one failed
            read.set()


def made(folder: Path) -> Path:
    """Return a folder, which is made."""
    folder.mkdir(exist_ok=True)
    return folder


def wanted(jobs: Iterable[Job], targets: Iterable[str]) -> list[tuple[Job, str]]:
    """Return the jobs for those targets of models that could be read, or are not yet."""
    return [
        (job, target)
        for job in jobs
        for target in targets
        if target in job.targets
        and job.rows.get("prepare", {"status": "works"})["status"] == "works"
    ]


# What is shown


def described(facts: Mapping[str, Any]) -> str:
    """Return inputs and outputs of a model in a line."""

    def sizes(shape: Iterable[int | None]) -> str:
        return f"[{', '.join('any' if dim is None else str(dim) for dim in shape)}]"

    takes = (f"{n} {s['dtype']} {sizes(s['shape'])}" for n, s in facts["inputs"].items())
    gives = (f"{n} {s['dtype']}" for n, s in facts["outputs"].items())
    return f"{', '.join(takes)} -> {', '.join(gives)}"


def report(job: Job) -> Iterator[str]:
    """Yield the lines that are printed: the model, the table, what failed and why."""
    facts = job.facts
    yield f"{job.model}: {described(facts)}"
    origin = f"from {job.samples}" if job.samples else "made from the signature"
    open_size = f", open sizes as {facts['size']}" if facts["size"] else ""
    yield f"{facts['samples']:,} samples {origin}{open_size}"
    yield ""
    yield COLUMNS
    rows = {target: job.rows[target] for target in TARGETS if target in job.rows}
    for target, row in rows.items():
        yield line(target, row, facts["milliseconds"])
    told: set[tuple[str, str]] = set()
    for row in rows.values():
        if "message" not in row:
            continue
        same = [t for t, other in rows.items() if why(other) == why(row)]
        if why(row) in told:
            continue
        told.add(why(row))
        yield ""
        yield f"{', '.join(same)}: {row['message']}"
        if row["status"] == "not installed":
            continue
        if "cause" not in row:
            yield "  cause: not known here; search for the message"
            continue
        yield f"  cause: {row['cause']}"
        yield f"  cure:  {row['cure']}"
        if "entry" in row:
            yield f"  more:  {check_causes.PAGE}#{row['entry']}"


def why(row: Row) -> tuple[str, str]:
    """Return what two rows share that fail for the same reason."""
    return row["status"], row.get("message", "")


def line(target: str, row: Row, milliseconds: float) -> str:
    """Return a line of the table; the time is a multiple of Keras's own."""
    status = row["status"]
    if status == "works":
        status = "fixed sizes" if row.get("fixed") else "cpu backend" if "backend" in row else "yes"
    size = f"{row['bytes']:,}" if "bytes" in row else ""
    difference = f"{row['largest_difference']:.0e}" if "largest_difference" in row else ""
    same = f"{row['same']:.2%}" if "same" in row else ""
    ratio = f"{row['milliseconds'] / milliseconds:.2g}" if "milliseconds" in row else ""
    return f"{target:17} {status:13} {size:>11} {difference:>10} {same:>7} {ratio:>6}".rstrip()


def progress() -> Callable[[str], None]:
    """Return what shows a text on the terminal, over the one before."""

    def show(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{text[:79]:79}", end="\r", file=sys.stderr, flush=True)

    return show


def chosen_targets(text: str) -> tuple[str, ...]:
    """Return the targets that a comma-separated list names; `tflite` stands for all of its kind."""
    found: list[str] = []
    for word in text.split(","):
        named = [t for t in TARGETS if t == word or t.startswith(f"{word}_")]
        if not named:
            raise argparse.ArgumentTypeError(f"no target {word}; there are {', '.join(TARGETS)}")
        found += named
    return tuple(target for target in TARGETS if target in found)


def parse_options() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", type=Path, help="a .keras or .h5 file, or the folder of a SavedModel"
    )
    parser.add_argument("--samples", metavar="FILE", help="an .npz with an array for each input")
    parser.add_argument(
        "--first",
        type=at_least(1),
        default=1000,
        metavar="N",
        help="samples (default: %(default)s)",
    )
    parser.add_argument(
        "--targets",
        type=chosen_targets,
        metavar="A,B",
        help="must work, and no others are tried; tflite stands for all of its kind: "
        + ", ".join(TARGETS),
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="FILE.npz",
        help="write what the model and each target answered there, as TARGET/OUTPUT",
    )
    parser.add_argument(
        "--limit", type=at_least(1), default=120, metavar="SECONDS", help="for each (default: 120)"
    )
    return parser.parse_args()


def problem(job: Job) -> str:
    """Return why a model could not be read, or nothing."""
    read = job.rows["prepare"]
    return "" if read["status"] == "works" else str(read["message"])


def written(job: Job) -> dict[str, Any]:
    """Return what --json writes."""
    rows = {target: job.rows[target] for target in TARGETS if target in job.rows}
    error = {"error": problem(job)} if problem(job) else {}
    return {"model": job.model.name, **job.facts, **error, "targets": rows}


def answers(job: Job) -> dict[str, Any]:
    """Return what --answers writes: the outputs of the model and of each target, by name."""
    import numpy as np

    files = {"model": job.folder / "reference.npz"}
    files |= {target: job.folder / f"{target}.answers.npz" for target in job.targets}
    found: dict[str, Any] = {}
    for target, file in files.items():
        if file.exists():
            with np.load(file, allow_pickle=False) as outputs:
                found |= {f"{target}/{name}": outputs[name] for name in outputs.files}
    return found


def main() -> None:
    """Check, print the table, write what was asked for."""
    options = parse_options()
    existing(options.model, "python mnist_cnn.py")
    if options.model.is_dir():
        existing_saved_model(options.model)
    if options.samples:
        existing(options.samples, "python mnist_cnn.py")
    job = Job(options.model, options.targets or TARGETS, options.samples, options.first)
    with tempfile.TemporaryDirectory(prefix="check-", ignore_cleanup_errors=True) as folder:
        check([job], Path(folder), options.limit, progress())
        if options.json:
            with whole(options.json) as file:
                file.write_text(json.dumps(written(job), indent=1))
        if options.answers:
            import numpy as np

            with whole(options.answers) as file, file.open("wb") as stream:
                np.savez_compressed(stream, allow_pickle=False, **answers(job))
        if reason := problem(job):
            raise ProgramError(reason)
        print("\n".join(report(job)))
    works = [row["status"] == "works" for name, row in job.rows.items() if name != "prepare"]
    if not (all(works) if options.targets else any(works)):
        sys.exit(1)


if __name__ == "__main__":
    run(main)
