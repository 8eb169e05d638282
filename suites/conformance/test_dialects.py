"""The fingerprint of every backend. What differs from its documentation is a row, and fails if not pinned."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reference.dialect import Dialect
from reports.tables import NotWritten
from suites.backends.base import Backend
from suites.backends.process import Process
from suites.divergences.pin import pins_of, ready_to_pin
from suites.fingerprint import NONE_FITS, fingerprint


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
    record_property("lazyadam-result", json.dumps({"dialects": rows}))
    assert rows
    if new:
        pytest.fail("not known: " + "\n".join(new), pytrace=False)


def dialect_rows(process: Process, seed: int, out: Path) -> tuple[list[dict[str, str]], list[str]]:
    """One row for each axis; and what differs and is not pinned, in words, with a witness ready to pin."""
    backend = process.backend
    if process.not_run:
        return [
            {**process.about, "axis": axis, "documented": "", "observed": "not run", "agrees": "undecided"}
            for axis in vars(Dialect())
        ], []
    found = fingerprint(backend, process.run, seed)
    pinned = {item for pin in pins_of(process) for item in pin.explained_by.items()}
    rows, new = [], []
    for axis, observed in found.axes.items():
        promised = getattr(backend.documented, axis, None)
        documented = promised.name.lower() if promised else ""
        agrees = agreement(documented, observed)
        rows.append(
            {**process.about, "axis": axis, "documented": documented, "observed": observed, "agrees": agrees}
        )
        if agrees == "no" and (axis, observed) not in pinned:
            text = f"{axis} of {backend.name}: documented {documented}, observed {observed}"
            witness = found.witness_against(axis, promised)
            if witness is not None:
                file = Path("witnesses") / f"{backend.name}.{axis}.json"
                explained = "" if observed == NONE_FITS else f"{axis}: {observed}"
                row = {"verdict": "diverges", "explained_by": explained}
                try:
                    ready_to_pin(witness, out / file, process, row, text, [], [])
                    text += f"; trace {file}"
                except NotWritten as error:
                    new.append(str(error))
            if backend.file and promised and observed.upper() in type(promised).__members__:
                named = type(promised).__name__
                text += f". If it is meant: documented = Dialect({axis}={named}.{observed.upper()})"
            new.append(text)
    return rows, new


def agreement(documented: str, observed: str) -> str:
    """yes, no or undecided."""
    if not documented or observed.startswith("not asked"):
        return "undecided"
    if documented in observed.split("|"):
        return "yes" if observed == documented else "undecided"
    return "no"
