"""Scripts of what a run has found: the case made short, and seen to diverge by the bounds of the script."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from lazyadam.reference.dialect import Arithmetic
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.errors import not_kept
from lazyadam.suites.backends.workers.runs import Runs
from lazyadam.suites.cases.case import Case, Failure, Manner, Trajectory
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.divergences.expected import Shown, shown
from lazyadam.suites.divergences.pin import Pin
from lazyadam.suites.divergences.reproducer import SUITE_ALONE, no_script, script
from lazyadam.suites.divergences.witness import simpler, tails, upto
from lazyadam.suites.judge.judgement import Divergence

Same = Callable[[Case, Trajectory], bool]  # whether a case diverges for the same reason as another
FOLDER = Path("reproducers")
NONE = "no script: "


@dataclass(frozen=True)
class Shrunk:
    """A case that diverges, and where it is seen.

    same: whether a shorter case diverges for the same reason. fitting: how the backend computes, as far as
    that could be told.
    """

    case: Case
    divergence: Divergence
    same: Same
    fitting: Arithmetic | None


def name_of(clause: str, backend: str, dtype: str) -> str:
    """The script of a divergence from the documentation, in the folder of scripts."""
    return f"{clause}.{backend}.{dtype}.py"


def of_divergence(clause: Clause, shrunk: Shrunk, process: Runs, out: Path) -> str:
    """Write the script of a case that diverges, and say where it is; or why there is none.

    Raises as `write_text` does.
    """
    case = shrunk.case
    name, how = name_of(clause.id, process.backend.name, case.dtype), None
    if why := no_script(case, process.backend):
        return f"{NONE}{why}"
    if Manner.ASSIGNED in case.manner:
        case = upto(case, shrunk.divergence.step)
    else:
        case, how = _short(clause, shrunk, process)
        if how is None:
            return f"{NONE}run again, it is not beyond what a correct one may be off by over so many steps"
    return _write(pin_of(clause, case, Verdict.DIVERGES, process), process, out, name, how)


def of_failure(clause: Clause, case: Case, failure: Failure, process: Runs, out: Path, name: str) -> str:
    """Write the script of a case that fails. As `of_divergence`."""
    if why := no_script(case, process.backend):
        return f"{NONE}{why}"
    if not_kept(failure) and process.backend.origin is None:
        return f"{NONE}{SUITE_ALONE}watches the gradient"
    small = upto(case, max(1, failure.step))
    return _write(pin_of(clause, small, failure.kind, process), process, out, name)


def pin_of(clause: Clause, case: Case, verdict: str, process: Runs) -> Pin:
    """A case as a witness that a backend breaks a clause."""
    return Pin(
        name=clause.id,
        case=case,
        sentence=f"this does not hold: {clause.sentence} (clause {clause.id}).",
        verdict=verdict,
        explained_by={},
        clauses=(clause.id,),
        quantities=(),
        layouts=(),
        dtypes=(case.dtype,),
        owner="backend",
        backends=(process.backend.name,),
        versions=f"=={process.version}",
    )


def _write(pin: Pin, process: Runs, out: Path, name: str, how: Shown | None = None) -> str:
    script(pin, process.backend, process.device, how).write(out / FOLDER / name)
    return f"script {FOLDER / name}"


def _short(clause: Clause, shrunk: Shrunk, process: Runs) -> tuple[Case, Shown | None]:
    """The shortest case found that is seen to diverge, and by which bounds."""
    backend, divergence = process.backend, shrunk.divergence
    step = divergence.step

    def look(tried: Case) -> Shown | None:
        (seen,) = process.run([tried])
        if seen.failure or not len(seen.t):
            return None
        how = shown(tried, backend, clause.strict_epsilon, seen, shrunk.fitting)
        return how if how and shrunk.same(tried, seen) else None

    whole = replace(upto(shrunk.case, step), observed=tuple(range(1, step + 1)))
    (before,) = process.run([whole])
    found = next(((tail, how) for tail in tails(whole, before, step) if (how := look(tail))), None)
    if found is None:
        return whole, None
    small, how = found
    row = divergence.element[0] if divergence.element else 0  # of a step count there is none
    for change in simpler(small, divergence.parameter, row, backend.compiles):
        tried = change(small)
        if tried.digest != small.digest and (less := look(tried)):
            small, how = tried, less
    return small, how
