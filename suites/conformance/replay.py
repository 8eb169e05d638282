"""A trace file judged again, for `git bisect run`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from traceback import extract_tb

import numpy as np

from lazyadam.reference.dialect import Dialect
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.reports.errors import TableError
from lazyadam.reports.vocabulary import Against
from lazyadam.suites.backends.base import DEVICES, Backend
from lazyadam.suites.backends.errors import in_a_line, not_kept
from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.own.environments import located
from lazyadam.suites.backends.own.interpreter import refusal
from lazyadam.suites.backends.selecting import UnknownBackend, select
from lazyadam.suites.backends.typed import UnknownName, one
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.cases.printable import printable
from lazyadam.suites.cases.trace import TraceError
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.bad_input import EVERY_BACKEND_HAS, FRESH
from lazyadam.suites.judge.fitting import fitting, other_scalars
from lazyadam.suites.judge.judgement import Judgement
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.verdict import dialects, wrong_path

CONFORMS, DIVERGES, NOTHING_COMPARED = 0, 1, 125


@dataclass(frozen=True)
class Judged:
    """A trajectory judged step by step against a dialect. scalars: what would explain it, in words."""

    dialect: Dialect
    strict_epsilon: bool
    judgement: Judgement
    scalars: str


def replayed(
    file: Path, given: Sequence[str], device: str, against: str, python: str = ""
) -> tuple[int, list[str]]:
    """The exit status, and what to say, whatever happens: 1 says that the optimizer diverges, nothing else.

    given: backends by name, or files that declare them; where none, the trace names its own.
    """
    try:
        where, dialect = one("device", device, DEVICES), one("dialect to judge against", against, Against)
        backend, told = backend_of(file, given, located(python) if python else "")
        code, lines = replay(file, backend, where, dialect)
        return code, [*lines, told] if told else lines
    except (TraceError, UnknownBackend, BrokenDeclaration, UnknownName, TableError) as error:
        return NOTHING_COMPARED, [str(error)]
    except Exception as error:
        at = extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {in_a_line(error)} ({at.filename}:{at.lineno})"
        return NOTHING_COMPARED, [f"{file}: cannot be judged: {told}"]


def backend_of(file: Path, given: Sequence[str] = (), python: str = "") -> tuple[type[Backend], str]:
    """The backend that a trace is judged on, and what there is to say of the choice.

    python: the interpreter that it runs in; where none is named, the one that the trace names.

    Raises:
        TraceError, UnknownBackend, BrokenDeclaration: it can't be told which, or there is no such backend.
    """
    about = trace.about(file)
    names, path = about.get("backends") or [], about.get("path") or ""
    python = python or about.get("python") or ""
    if not isinstance(names, list) or not all(isinstance(x, str) for x in [*names, path, python]):
        raise trace.TraceError(f"{file}: malformed (about: backends is no list of names, or path no text)")
    if python and (why := refusal(python)):
        raise UnknownBackend(f"{file}: --python: {why}")
    if given:
        files = [name for name in given if name.endswith(".py")]
        found = select([x for x in given if x not in files], [Path(x) for x in files], python)
        found = [b for b in found if b.name in names] if found[1:] and names else found
        if len(found) != 1:
            raise UnknownBackend(f"--backend {' '.join(given)} is not the name of one backend; name one")
        return found[0], ""
    if not names:
        raise UnknownBackend(f"{file}: names no backend; --backend NAME or --backend FILE.py")
    if (path or about.get("file")) and not _is_file(path):
        where = printable(str(path or about["file"])[:200])
        raise UnknownBackend(
            f"{file}: speaks of {names[0]} in {where}, which is no file there; --backend FILE.py"
        )
    try:
        found = [b for b in select(names[:1], [Path(path)] if path else [], python) if b.name == names[0]]
    except UnknownBackend:
        found = []
    if not found:
        named = printable(names[0][:200])
        there = f"{printable(path)} no longer declares" if path else "is not there"
        raise UnknownBackend(f"{file}: speaks of {named}, which {there}; --backend NAME or FILE.py")
    told = f"  it names {len(names)} backends, of which this is the first; another: --backend NAME"
    return found[0], told if names[1:] else ""


def _is_file(path: str) -> bool:
    """Whether a path that somebody wrote down is one of a file."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError, RuntimeError):  # too long, with a zero in it, a loop of links
        return False


def replay(file: Path, backend: type[Backend], device: str, against: str) -> tuple[int, list[str]]:
    """The exit status, and what to say.

    Raises:
        TraceError: there is no trace in the file.
    """
    case = trace.load(file)
    if lacking := undeclared(case, backend):
        return NOTHING_COMPARED, [f"{backend.name}: not run (it does not declare {lacking})"]
    with Process(backend, device) as process:
        if process.not_run:
            return NOTHING_COMPARED, [f"{backend.name}: not run ({process.not_run})"]
        trajectories = process.run([case])
        printed = process.printed()
    if failure := trajectories[0].failure:
        if not_kept(failure):
            return DIVERGES, [f"{backend.name} diverges at step {failure.step}: {failure.message}"]
        told = f"{backend.name} {failure.kind} at step {failure.step}: {failure.message}"
        return NOTHING_COMPARED, [told]
    judged = judge(file, case, trajectories[0], backend, against)
    judgement = judged.judgement
    if not judgement.steps:
        told = "nothing was compared: of no observed step is the state before it observed too"
        return NOTHING_COMPARED, [f"{file}: {told}"]
    numbers = np.concatenate([x.ravel() for q in "wmv" for x in getattr(trajectories[0], q)])
    finite = int(np.isfinite(numbers).sum())
    if not finite:
        return NOTHING_COMPARED, [f"{file}: nothing was compared: no number of w, m and v is finite"]
    worst = float(judgement.worst.max())
    lines = [f"{backend.name} against {against}: worst ratio {worst:.3g}"]
    if finite < numbers.size:
        lines.append(f"  {numbers.size - finite} of {numbers.size} numbers of w, m and v are not finite")
    lines += [f"  {judged.scalars}"] if judged.scalars else []
    lines += [f"  {divergence.message()}" for divergence in judgement.divergences]
    if path := wrong_path(backend, process.device, case.dtype, trajectories):
        lines.append(f"  {path}")
    lines += [f"  printed: {line}" for line in printed]
    return DIVERGES if path or worst > 1 else CONFORMS, lines


def judge(file: Path, case: Case, trajectory: Trajectory, backend: type[Backend], against: str) -> Judged:
    """Judge what a backend did with the case of a trace, as the clauses do that the trace speaks of."""
    clauses = trace.about(file).get("clauses")
    dialect = {str(name): x for name, x in dialects(backend)}.get(against, backend.spoken)
    strict = isinstance(clauses, list) and any(c.strict_epsilon and c.id in clauses for c in CLAUSES.values())
    by = partial(step_by_step, [case], [trajectory], dialect, strict_epsilon=strict)
    with np.errstate(all="ignore"):  # a warning would be a second line
        judgement = fitting(backend, dialect, case.dtype, by)
        scalars = other_scalars(backend, dialect, case.dtype, by, by) if judgement.worst.max() > 1 else ""
    return Judged(dialect, strict, judgement, scalars)


def undeclared(case: Case, backend: type[Backend]) -> str:
    """What of a case a backend would not look at, and so seem to diverge; '' where there is nothing."""
    usual, groups = asdict(Hyperparameters()), [asdict(g.hyperparameters) for g in case.groups]
    anew = {name for step in case.steps for name in step.changes}
    changed = {name for h in groups for name in h if h[name] != usual[name]} | anew
    apart = {name for h in groups for name in h if h[name] != groups[0][name]}
    lacking = [
        *sorted(changed - EVERY_BACKEND_HAS - backend.hyperparameters),
        *(f"{name} of a group" for name in sorted(apart - backend.grouped)),
        *(f"{name} set anew" for name in sorted(anew - backend.changing)),
        *sorted(manner.value for manner in case.manner - FRESH - backend.manners),
    ]
    return ", ".join(lacking)
