"""Known divergences: every witness still shows what is pinned, hides nothing else, and proves it alone."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import execnet
import pytest

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reports.tables import write_text
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers import patience
from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.examine import what_shows
from lazyadam.suites.divergences.accounting import account
from lazyadam.suites.divergences.layouts import of_divergences, of_failures
from lazyadam.suites.divergences.pin import Pin, broken, pins_of
from lazyadam.suites.divergences.reproducer import issue, script
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.trial import Trial, judge
from lazyadam.suites.judge.verdict import verdict
from lazyadam.suites.run.compared import other

PinItem = tuple[type[Backend], str, Pin]
Record = Callable[[str, object], None]


def sound(processes: Any, item: PinItem, record_property: Record) -> Any:
    """The process of a pin, where the pin speaks of what runs."""
    backend, device, pin = item
    process = processes.get(backend, device)
    not_run = process.not_run
    if not not_run and not pin.covers(backend, process.version, device):
        not_run = f"{pin.name} speaks of {backend.framework} {pin.versions}, not of {process.version}"
    record_property("lazyadam-result", json.dumps(other(backend.name, not_run)))
    if not_run:
        pytest.skip(not_run)
    return process


@pytest.mark.quick
def test_witness_shows_what_is_pinned_and_hides_nothing(
    processes: Any, pin_item: PinItem, record_property: Record
) -> None:
    """In each type that is stated; and gradients of each layout that is stated show it."""
    backend, _, pin = pin_item
    process = sound(processes, pin_item, record_property)
    (seen,), covering = process.run([pin.case]), pins_of(process)
    if pin.own_script.is_file():
        assert not seen.failure
        return  # it shows at times; its script, below, always
    said = broken(pin, backend, seen, covering)
    assert not said, said
    if seen.failure:
        assert of_failures([pin.case], [seen], pin.verdict) == set(pin.layouts)
        return  # there is no result that could hide a fault
    clause = clause_of(pin.clauses[0] if pin.clauses else "update-rule")
    divergences = judge(Trial(clause, backend, [pin.case], [seen]), backend.documented).divergences
    assert of_divergences([pin.case], divergences) == set(pin.layouts)
    names, why = accounted(pin, backend, seen, clause, covering)
    assert pin.name in names, f"the pin needs another witness: this one is also explained by {why}"
    spared = next((quantity for quantity in "mvw" if quantity not in pin.quantities), "m")
    if spared in pin.quantities:
        # Where nothing is as it should be, all is hidden under its own clauses.
        clause = next(c for c in CLAUSES.values() if c.id not in pin.clauses)
    share = max(2.0**-12, 64 * PRECISIONS[pin.case.dtype].u)
    wrong = [x * (1 + share) + 2.0**-20 for x in getattr(seen, spared)]
    hidden = accounted(pin, backend, replace(seen, **{spared: wrong}), clause, covering)[0]
    # What shows at times, whatever memory has, may be anything: it says itself where it hides faults.
    assert {*hidden} <= {p.name for p in covering if p.own_script.is_file()}


def clause_of(id: str) -> Clause:
    """A clause of conformance; one of the other suites is judged as the update rule is."""
    return CLAUSES.get(id) or replace(CLAUSES["update-rule"], id=id)


def accounted(
    pin: Pin, backend: type[Backend], trajectory: Trajectory, clause: Clause, covering: list[Pin]
) -> tuple[tuple[str, ...], str]:
    """The pins that account for a trajectory of the witness under a clause, and what explains it."""
    args = Trial(clause, backend, [pin.case], [trajectory]), backend.documented
    judgement = judge(*args)
    row = {
        "verdict": verdict(judgement, [trajectory], None),
        "against": "documented",
        "clause": clause.id,
        "dtype": pin.case.dtype,
        "explained_by": explanation(*args, judgement),
    }
    found = account(row, backend, what_shows(*args, judgement, row), covering)
    return found.pins, row["explained_by"]


@pytest.mark.slow
def test_script_shows_it_alone(
    processes: Any, script_item: PinItem, pytestconfig: pytest.Config, record_property: Record
) -> None:
    backend, device, pin = script_item
    process = sound(processes, script_item, record_property)
    out: Path = pytestconfig.getoption("--out")
    file = out / "reproducers" / f"{pin.name}.{backend.name}.py"
    made = script(pin, backend, device)
    if not backend.file:
        several, loaded = len(pin.case.steps) > 1, any(step.reload for step in pin.case.steps)
        most = (65 if loaded else 55 if pin.case.t else 45) if several else 40
        most += (device != "cpu") + 2 * backend.keeps_largest
        assert len(made.text.splitlines()) <= most, "it is to be pasted into an issue"
    made.write(file)
    python = execnet.XSpec(backend.spec).python or sys.executable
    ran = patience.run([python, file.name], 120, cwd=file.parent)
    shown = ran.returncode == 1 and "expected" in ran.stdout
    assert shown, f"its script does not show it: {ran.stdout}{ran.stderr}"
    output = ran.stdout
    if pin.verdict == Verdict.REFUSES:
        (seen,) = process.run([pin.case])
        assert seen.failure
        output = seen.failure.message
        assert output.split(":")[0] in ran.stderr
    else:
        assert "Traceback" not in ran.stderr
        largest = backend.keeps_largest and not pin.own_script.is_file()
        assert ran.stdout.count("got") - largest in (len("wmv"), len("wmvt"))
    if not backend.file:
        write_text(issue(pin, process, output.strip()), file.with_suffix(".md"))
