"""Recordings as trace files, and a trace as a backend takes it as a recording."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from lazyadam.reports.words import plural
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.cases.recording import (
    Header,
    Of,
    Recorded,
    RecordingError,
    Taken,
    Writer,
    header,
    steps,
)
from lazyadam.suites.cases.valid import check
from lazyadam.suites.recordings.moving import Training, trainings

MOST = 2**20  # numbers of a trace: 25 MB of text


def to_traces(folder: Path, out: Path) -> Iterator[str]:
    """Write each parameter's training as a trace file; a line for each.

    Raises:
        RecordingError: the folder can't be read, not every step is recorded, or it is too large.
    """
    of = header(folder)
    found = [x for x in trainings(of, list(steps(folder, of))) if len(x.w[0])]
    if not found:
        raise RecordingError(f"{folder}: no row of which every step is recorded")
    for x in found:
        if (count := _numbers(x.case)) > MOST:
            raise RecordingError(f"{folder}: {x.name} is {count:,} numbers; a trace has {MOST:,} at most")
        try:
            with np.errstate(all="ignore"):
                check(x.case)
        except (ValueError, OverflowError) as error:
            raise RecordingError(f"{folder}: {x.name} is no case of a trace: {error}") from None
    for x in found:
        path = out / f"{re.sub(r'[^A-Za-z0-9_.-]', '-', x.name)}.json"
        about = {"optimizer": of.optimizer, "version": of.version, "parameter": x.name}
        trace.save(x.case, path, about)
        yield f"{path}: {_told(x)}"


def _told(x: Training) -> str:
    left = f"; {plural(x.left, 'row')} recorded in part left out" if x.left else ""
    return f"{plural(len(x.case.steps), 'step')} of {plural(len(x.w[0]), 'row')}{left}"


def _numbers(case: Case) -> int:
    gradients = [g.values.size for step in case.steps for g in step.gradients if g is not None]
    return sum(3 * p.w.size for p in case.parameters) + sum(gradients)


def to_recording(path: Path, backend: type[Backend], device: str, out: Path) -> Iterator[str]:
    """Write what a backend makes of a trace as a recording; a line about it.

    Raises:
        TraceError, RecordingError: the trace can't be read; the backend does not take it.
    """
    case = trace.load(path)
    case = replace(case, observed=tuple(range(1, len(case.steps) + 1)))
    with Process(backend, device) as process:
        if process.not_run:
            raise RecordingError(f"{backend.name}: not run ({process.not_run})")
        (ran,) = process.run([case])
        version = process.version
    if ran.failure:
        raise RecordingError(f"{path}: {backend.name} {ran.failure.kind} it: {ran.failure.message}")
    of = Header(
        framework=backend.framework,
        version=version,
        optimizer=backend.name,
        device=device,
        parameters=[
            Of(name=str(i), shape=[*p.w.shape], dtype=case.dtype) for i, p in enumerate(case.parameters)
        ],
    )
    writer = Writer(out, of)
    for step in recorded(case, ran):
        writer.write(step)
    yield f"{out}: {plural(len(case.steps), 'step')} of {plural(len(case.parameters), 'parameter')}"


def recorded(case: Case, ran: Trajectory) -> Iterator[Recorded]:
    """The steps of a case of which every step was observed, with all rows."""
    schedule = case.schedule()
    for i, step in enumerate(case.steps):
        taken = []
        for p, gradient in enumerate(step.gradients):
            start = case.parameters[p]
            kept = [x for x in (ran.w, ran.m, ran.v, ran.v_max) if x]
            now = tuple(x[p][i] for x in kept)
            first = (start.w, start.m, start.v, start.v_max)[: len(kept)]
            before = tuple(x[p][i - 1] for x in kept) if i else first
            t = int(ran.t[i - 1][p]) if i else case.t, int(ran.t[i][p])
            named = None if gradient is None else gradient.rows
            counts = (None, None) if named is None else (len(named), len(np.unique(named)))
            rows = np.arange(len(start.w))
            taken.append(Taken(p, t, schedule[i][p], gradient, rows, before, now, *counts))
        yield Recorded(i + 1, tuple(taken))
