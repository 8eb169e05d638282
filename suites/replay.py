"""A trace file judged again, for `git bisect run`."""

from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from reference.scalars import Hyperparameters
from suites.backends.base import NOT_KEPT, Backend
from suites.backends.process import Process
from suites.bad_input import EVERY_BACKEND_HAS, FRESH
from suites.case import Case
from suites.cases import trace
from suites.clauses import CLAUSES
from suites.judge.fitting import fitting, other_scalars
from suites.judge.step_by_step import step_by_step
from suites.verdicts import dialects, wrong_path

CONFORMS, DIVERGES, NOTHING_COMPARED = 0, 1, 125


def replay(file: Path, backend: type[Backend], device: str, against: str) -> tuple[int, list[str]]:
    """The exit status, and what to say.

    Raises:
        TraceError: there is no trace in the file.
    """
    case, clauses = trace.load(file), trace.about(file).get("clauses")
    if lacking := undeclared(case, backend):
        return NOTHING_COMPARED, [f"{backend.name}: not run (it does not declare {lacking})"]
    with Process(backend, device) as process:
        if process.not_run:
            return NOTHING_COMPARED, [f"{backend.name}: not run ({process.not_run})"]
        trajectories = process.run([case])
        printed = process.printed()
    if failure := trajectories[0].failure:
        if NOT_KEPT in failure.message:
            return DIVERGES, [f"{backend.name} diverges at step {failure.step}: {failure.message}"]
        told = f"{backend.name} {failure.kind} at step {failure.step}: {failure.message}"
        return NOTHING_COMPARED, [told]
    dialect = dict(dialects(backend)).get(against, backend.spoken)
    strict = isinstance(clauses, list) and any(c.strict_epsilon and c.id in clauses for c in CLAUSES.values())
    judge = partial(step_by_step, [case], trajectories, dialect, strict_epsilon=strict)
    with np.errstate(all="ignore"):  # a warning would be a second line
        judgement = fitting(backend, dialect, case.dtype, judge)
        scalars = other_scalars(backend, dialect, case.dtype, judge) if judgement.worst.max() > 1 else ""
    if not judgement.steps:
        told = "nothing was compared: of no observed step is the state before it observed too"
        return NOTHING_COMPARED, [f"{file}: {told}"]
    worst = float(judgement.worst.max())
    lines = [f"{backend.name} against {against}: worst ratio {worst:.3g}"]
    lines += [f"  {scalars}"] if scalars else []
    lines += [f"  {finding.message()}" for finding in judgement.findings]
    if path := wrong_path(backend, device, case.dtype, trajectories):
        lines.append(f"  {path}")
    lines += [f"  printed: {line}" for line in printed]
    return DIVERGES if path or worst > 1 else CONFORMS, lines


def undeclared(case: Case, backend: type[Backend]) -> str:
    """What of a case a backend would not look at, and so seem to diverge; '' where there is nothing."""
    usual, groups = asdict(Hyperparameters()), [asdict(g.hyperparameters) for g in case.groups]
    changed = {name for h in groups for name in h if h[name] != usual[name]}
    apart = {name for h in groups for name in h if h[name] != groups[0][name]}
    lacking = [
        *sorted(changed - EVERY_BACKEND_HAS - backend.hyperparameters),
        *(f"{name} of a group" for name in sorted(apart - backend.grouped)),
        *sorted(manner.value for manner in case.manner - FRESH - backend.manners),
    ]
    return ", ".join(lacking)
