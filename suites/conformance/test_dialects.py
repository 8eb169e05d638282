"""The fingerprint of every backend. What differs from its documentation is a row, and fails if not pinned."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lazyadam.reference.dialect import Dialect
from lazyadam.reports.tables import NotWritten
from lazyadam.reports.vocabulary import Agreement, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import layouts
from lazyadam.suites.conformance.fingerprint import Fingerprint, fingerprint
from lazyadam.suites.divergences.accounting import known_observation
from lazyadam.suites.divergences.layouts import layout_of
from lazyadam.suites.divergences.pin import OBSERVED, pins_of
from lazyadam.suites.divergences.ready import ready_to_pin
from lazyadam.suites.judge.trial import Trial, judge
from lazyadam.suites.judge.verdict import NONE_FITS


@pytest.mark.quick
def test_dialects(
    processes: Any,
    dialect_item: tuple[type[Backend], str],
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    backend, device = dialect_item
    rows, new = dialect_rows(processes.get(backend, device), seed, pytestconfig.getoption("--out"))
    record_property("lazyadam-result", json.dumps({"dialects": rows, "new": new}))
    assert rows
    if new:
        pytest.fail("not known: " + "\n".join(new), pytrace=False)


def dialect_rows(process: Process, seed: int, out: Path) -> tuple[list[dict[str, str]], list[str]]:
    """One row for each axis; and what differs and is not pinned, in words, with a witness ready to pin."""
    backend = process.backend
    if process.not_run:
        return [
            {
                **process.about,
                "axis": axis,
                "documented": "",
                "observed": Verdict.NOT_RUN,
                "agrees": Agreement.UNDECIDED,
            }
            for axis in vars(Dialect())
        ], []
    dtype = backend.usual_dtype()
    found = fingerprint(backend, process.run, seed, dtype)
    covering, asked = pins_of(process), frozenset({*layouts(backend), "none"})
    rows, new = [], []
    for axis, observed in found.axes.items():
        promised = getattr(backend.documented, axis, None)
        documented = promised.name.lower() if promised else ""
        agrees = agreement(documented, observed)
        rows.append(
            {**process.about, "axis": axis, "documented": documented, "observed": observed, "agrees": agrees}
        )
        if agrees == Agreement.NO and not known_observation(axis, observed, dtype, asked, covering):
            text = f"{axis} of {backend.name}: documented {documented}, observed {observed}"
            fails = observed in OBSERVED and observed != NONE_FITS  # the trace of its clause shows that
            witness = None if fails else found.witness_against(axis, promised)
            if witness is not None:
                file = Path("witnesses") / f"{backend.name}.{axis}.json"
                try:
                    write_witness(witness, out / file, process, found, axis, text)
                    text += f"; trace {file}"
                except NotWritten as error:
                    new.append(str(error))
            if backend.file and promised and observed.upper() in type(promised).__members__:
                named = type(promised).__name__
                text += f". If it is meant: documented = Dialect({axis}={named}.{observed.upper()})"
            new.append(text)
    return rows, new


def write_witness(
    witness: Case, path: Path, process: Process, found: Fingerprint, axis: str, text: str
) -> None:
    """A trace ready to pin: what explains an axis, or all of those on which none fits."""
    (seen,) = process.run([witness])
    backend, observed = process.backend, found.axes[axis]
    rule = CLAUSES["update-rule"]
    divergences = judge(Trial(rule, backend, [witness], [seen]), backend.documented).divergences
    layout = next(
        (layout_of(witness.steps[f.step - 1].gradients[f.parameter]) for f in divergences),
        layouts(backend)[0],
    )
    if observed != NONE_FITS:
        row = {"verdict": Verdict.DIVERGES, "explained_by": f"{axis}: {observed.partition('|')[0]}"}
        ready_to_pin(witness, path, process, row, text, [layout])
        return
    none = [a for a, said in found.axes.items() if said == NONE_FITS and hasattr(backend.documented, a)]
    row = {"verdict": Verdict.DIVERGES, "explained_by": "; ".join(f"{a}: {NONE_FITS}" for a in none)}
    quantities = sorted({f.quantity for f in divergences})
    ready_to_pin(witness, path, process, row, text, [layout], [rule.id], quantities)


def agreement(documented: str, observed: str) -> Agreement:
    """Whether a backend was seen to speak what is documented."""
    if not documented or observed.startswith("not asked"):
        return Agreement.UNDECIDED
    if documented in observed.split("|"):
        return Agreement.YES if observed == documented else Agreement.UNDECIDED
    return Agreement.NO
