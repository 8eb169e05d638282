"""Scripts of what a run has found: the case made short, and seen to diverge by the bounds of the script."""

from dataclasses import replace
from pathlib import Path

from reference.dialect import Arithmetic
from suites.backends.base import NOT_KEPT
from suites.backends.process import Runs
from suites.case import Case, Failure, Manner
from suites.clauses.clause import Clause
from suites.divergences.expected import Shown, shown
from suites.divergences.pin import Pin
from suites.divergences.reproducer import SUITE_ALONE, no_script, script
from suites.divergences.witness import simpler, tails, upto

FOLDER = Path("reproducers")


def name_of(clause: str, backend: str, dtype: str) -> str:
    """The script of a divergence from the documentation, in the folder of scripts."""
    return f"{clause}.{backend}.{dtype}.py"


def of_divergence(
    clause: Clause,
    case: Case,
    step: int,
    parameter: int,
    process: Runs,
    out: Path,
    fitting: Arithmetic | None,
) -> str:
    """Write the script of a case that diverges in a step, and say where it is; or why there is none.

    parameter: one that diverges. fitting: how the backend computes, as far as that could be told.
    Raises as `write_text` does.
    """
    backend, how = process.backend, None
    why = no_script(case, backend)
    if not why and Manner.ASSIGNED not in case.manner:
        case, how = _short(clause, case, step, parameter, process, fitting)
        why = "" if how else "by the bounds of the steps together it is not beyond what a correct one may be"
    return _write(
        clause, case, "diverges", process, out, why, how, name_of(clause.id, backend.name, case.dtype)
    )


def of_failure(clause: Clause, case: Case, failure: Failure, process: Runs, out: Path, name: str) -> str:
    """Write the script of a case that fails. As `of_divergence`."""
    why = no_script(case, process.backend)
    if NOT_KEPT in failure.message and process.backend.origin is None:
        why = f"{SUITE_ALONE}watches the gradient"
    return _write(clause, upto(case, max(1, failure.step)), failure.kind, process, out, why, None, name)


def _write(
    clause: Clause, case: Case, verdict: str, process: Runs, out: Path, why: str, how: Shown | None, name: str
) -> str:
    if why:
        return f"no script: {why}"
    pin = Pin(
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
    script(pin, process.backend, process.device, how).write(out / FOLDER / name)
    return f"script {FOLDER / name}"


def _short(
    clause: Clause, case: Case, step: int, parameter: int, process: Runs, fitting: Arithmetic | None
) -> tuple[Case, Shown | None]:
    """The shortest case found that is seen to diverge, and by which bounds."""
    backend = process.backend

    def look(tried: Case) -> Shown | None:
        (seen,) = process.run([tried])
        if seen.failure or not len(seen.t):
            return None
        return shown(tried, backend, clause.strict_epsilon, seen, fitting)

    whole = replace(upto(case, step), observed=tuple(range(1, step + 1)))
    (before,) = process.run([whole])
    found = next(((tail, how) for tail in tails(whole, before, step) if (how := look(tail))), None)
    if found is None:
        return whole, None
    small, how = found
    for change in simpler(small, parameter, backend.compiles):
        tried = change(small)
        if tried.digest != small.digest and (less := look(tried)):
            small, how = tried, less
    return small, how
