"""The fingerprint of every backend. What differs from the documentation is a row, not a failure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reference.dialect import Dialect
from suites.backends.base import Backend
from suites.backends.process import Process
from suites.case import Case
from suites.cases import trace
from suites.fingerprint import fingerprint


def test_dialects(
    processes: Any,
    dialect_item: tuple[type[Backend], str],
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    backend, device = dialect_item
    rows = dialect_rows(processes.get(backend, device), seed, pytestconfig.getoption("--out"))
    record_property("lazyadam-result", json.dumps({"dialects": rows}))
    assert rows


def dialect_rows(process: Process, seed: int, out: Path) -> list[dict[str, str]]:
    """One row for each axis; and a witness, as a trace file, for each that disagrees."""
    backend = process.backend
    if process.not_run:
        return [
            {**process.about, "axis": axis, "documented": "", "observed": "not run", "agrees": "undecided"}
            for axis in vars(Dialect())
        ]
    found = fingerprint(backend, process.run, seed)
    if found.witness is not None:
        save(found.witness, out, backend, "none-fits")
    rows = []
    for axis, observed in found.axes.items():
        promised = getattr(backend.documented, axis, None)
        documented = promised.name.lower() if promised else ""
        if not documented or observed.startswith("not asked"):
            agrees = "undecided"
        elif documented in observed.split("|"):
            agrees = "yes" if observed == documented else "undecided"
        else:
            agrees = "no"
            witness = found.witness_against(axis, promised) if promised and axis in found.evidence else None
            if witness is not None:
                save(witness, out, backend, axis)
        rows.append(
            {**process.about, "axis": axis, "documented": documented, "observed": observed, "agrees": agrees}
        )
    return rows


def save(case: Case, out: Path, backend: type[Backend], axis: str) -> None:
    trace.save(
        case, out / "witnesses" / f"{backend.name}.{axis}.json", {"backend": backend.name, "axis": axis}
    )
