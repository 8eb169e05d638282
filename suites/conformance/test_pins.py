"""Known divergences: every witness still shows what is pinned, hides nothing else, and proves it alone."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.tables import write_text
from suites.backends.base import Backend
from suites.case import Trajectory
from suites.clauses import CLAUSES
from suites.clauses.clause import Clause
from suites.compared import other
from suites.divergences.pin import Pin, broken, known
from suites.divergences.reproducer import issue, script
from suites.judge.judgement import QUANTITIES
from suites.verdicts import explanation, judge, verdict

PinItem = tuple[type[Backend], str, Pin]
Record = Callable[[str, object], None]


def sound(processes: Any, item: PinItem, record_property: Record) -> Any:
    """The process of a pin, where the pin speaks of what runs."""
    backend, device, pin = item
    process = processes.get(backend, device)
    not_run = process.not_run
    if not not_run and not pin.covers(backend, process.version):
        not_run = f"{pin.name} speaks of {backend.framework} {pin.versions}, not of {process.version}"
    record_property("lazyadam-result", json.dumps(other(backend.name, not_run)))
    if not_run:
        pytest.skip(not_run)
    return process


@pytest.mark.quick
def test_witness_shows_what_is_pinned_and_hides_nothing(
    processes: Any, pin_item: PinItem, record_property: Record
) -> None:
    backend, _, pin = pin_item
    (seen,) = sound(processes, pin_item, record_property).run([pin.case])
    assert broken(pin, backend, seen) == ""
    if seen.failure:
        return  # there is no result that could hide a fault
    clause = CLAUSES[pin.clauses[0] if pin.clauses else "update-rule"]
    assert accounted(pin, backend, seen, clause) == pin.name
    if set(pin.quantities) == set(QUANTITIES):
        clause = CLAUSES[
            "update-rule"
        ]  # where nothing is as it should be, all is hidden under that one clause
    faulty = replace(seen, m=[m * (1 + 2.0**-12) + 2.0**-20 for m in seen.m])
    assert accounted(pin, backend, faulty, clause) is None


def accounted(pin: Pin, backend: type[Backend], trajectory: Trajectory, clause: Clause) -> str | None:
    """What the gate of the conformance tests says of a trajectory of the witness."""
    args = clause, [pin.case], [trajectory], backend, backend.documented
    judgement = judge(*args)
    row = {
        "verdict": verdict(judgement, [trajectory], None),
        "against": "documented",
        "clause": clause.id,
        "dtype": pin.case.dtype,
        "explained_by": explanation(*args, judgement),
    }
    return known(row, backend, judgement, [pin])


def test_script_shows_it_alone(
    processes: Any, script_item: PinItem, pytestconfig: pytest.Config, record_property: Record
) -> None:
    backend, _, pin = script_item
    process = sound(processes, script_item, record_property)
    out: Path = pytestconfig.getoption("--out")
    file = out / "reproducers" / f"{pin.name}.{backend.name}.py"
    text = script(pin, backend)
    assert len(text.splitlines()) <= 40, "it is to be pasted into an issue"
    write_text(text, file)
    ran = subprocess.run(
        [sys.executable, file.name], cwd=file.parent, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ran.returncode, ran.stdout.count("expected") > 0) == (1, True), ran.stderr
    output = ran.stdout
    if pin.verdict == "refuses":
        (seen,) = process.run([pin.case])
        assert seen.failure
        output = seen.failure.message
        assert output.split(":")[0] in ran.stderr
    else:
        assert "Traceback" not in ran.stderr
        assert ran.stdout.count("got") == len("wmv")
    write_text(issue(pin, backend, process.version, output.strip()), file.with_suffix(".md"))
