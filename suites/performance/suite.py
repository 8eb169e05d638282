"""Where the time of the suite's own runs goes: one conformance run of each backend, by a sampling profiler.

The run is one process beside its worker. A sample belongs to the outermost phase on its stack.
"""

import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyinstrument.frame import Frame
from pyinstrument.session import Session
from rich.console import Console

from lazyadam.reports.schema.table import as_it_is
from lazyadam.reports.tables import frame, write
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.run.steps import Steps

REST = "collection, and what is in no other phase"
# By the file and name of a function. Outermost: what is drawn to make a case smaller is shrinking.
PHASES = {
    ("workers/process.py", "_start"): "workers start",
    ("workers/process.py", "_stop"): "workers end",
    ("workers/process.py", "run"): "steps, compilations and the pipe",
    ("cases/corpus.py", "collect"): "cases",
    ("cases/covering.py", "array"): "cases",
    ("cases/points.py", "case_at"): "cases",
    ("judge/trial.py", "judge"): "judging",
    ("judge/fitting.py", "fitting"): "judging",
    ("judge/explanation.py", "explanations"): "explaining",
    ("conformance/fingerprint.py", "fingerprint"): "fingerprint",
    ("conformance/tell.py", "_tell_row"): "making smaller, and scripts",
    ("run/recording.py", "write"): "tables",
    ("reports/screen.py", "screen"): "tables",
}
INTERVAL = 0.002  # seconds between samples


def profiled(backend: type[Backend], device: str) -> Session:
    """The samples of one run.

    Raises:
        RuntimeError: it was not made; its last words.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "session.pyisession"
        given = [f"--backend-file={backend.file}"] if backend.file else []
        command = [sys.executable, "-m", "pyinstrument", f"--interval={INTERVAL}", "-r", "pyisession"]
        command += [f"--outfile={file}", "-m", "pytest", "-p", "lazyadam.suites.plugin", "-q", *given]
        command += [f"--backend={backend.name}", f"--device={device}", f"--out={folder}/out"]
        command += ["--pyargs", "lazyadam.suites.conformance"]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=dict(os.environ))
        if not file.exists():
            words = (ran.stderr or ran.stdout).strip().splitlines()
            raise RuntimeError(f"the run ended with {ran.returncode}: {words[-1] if words else 'no word'}")
        return Session.load(str(file))


def phases(session: Session) -> dict[str, float]:
    """Seconds in each phase."""
    found: dict[str, float] = defaultdict(float)
    root = session.root_frame()
    for name, seconds in _within(root, REST) if root else ():
        found[name] += seconds
    return found


def _within(at: Frame, phase: str) -> Iterator[tuple[str, float]]:
    """Seconds of a frame and of those below it, each with its phase."""
    if phase == REST:
        phase = _phase_of(at)
    yield phase, at.time - sum(child.time for child in at.children)
    for child in at.children:
        yield from _within(child, phase)


def _phase_of(at: Frame) -> str:
    path = str(at.file_path or "")
    if at.function == "_find_and_load":
        return "imports"
    named = (
        name for (file, function), name in PHASES.items() if at.function == function and path.endswith(file)
    )
    return next(named, REST)


def run(backends: Sequence[type[Backend]], device: str, out: Path) -> int:
    """Profile a run of each backend, and write and print where its time went; the exit status."""
    rows: list[dict[str, Any]] = []
    failed = False
    with Steps(len(backends)) as steps:
        for backend in backends:
            steps.begin(backend.name)
            try:
                session = profiled(backend, device)
            except RuntimeError as error:
                steps.say(f"{backend.name}: {error}")
                failed = True
                continue
            took = phases(session)
            whole = sum(took.values())
            rows += [
                {"backend": backend.name, "phase": name, "seconds": spent, "share": spent / whole}
                for name, spent in took.items()
            ]
    if rows:
        table = frame("suite_speed", rows)
        write(table, out / "suite_speed.csv")
        as_it_is("where the time of a run goes")(table, Console(width=120))
    return 130 if steps.interrupted else 2 if failed or not rows else 0
