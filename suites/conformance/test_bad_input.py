"""Bad input to every backend. Whatever comes of it is a row, not a failure."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from lazyadam.reports.vocabulary import Outcome
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.conformance.bad_input import KINDS, Kind
from lazyadam.suites.conformance.outcomes import attempt

SECONDS = 20.0  # what a hang costs
# An error in a step costs MindSpore three seconds: in ci these two of its forms are tried, and of malformed
# gradients those with rows out of range.
CI = ("mindspore.LazyAdam.default.graph", "mindspore.LazyAdam.target_cpu.graph")


def test_bad_input(
    processes: Any,
    bad_input_item: tuple[type[Backend], str],
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    backend, device = bad_input_item
    profile = pytestconfig.getoption("--profile")
    if all(left_out(backend, kind, profile) for kind in KINDS):
        rows = bad_input_rows(processes.get(backend, device), profile)
    else:
        # Not the process that the other tests keep: what is done to this one is not done to them.
        with Process(backend, device, case_seconds=SECONDS) as process:
            rows = bad_input_rows(process, profile)
    record_property("lazyadam-result", json.dumps({"bad_input": rows}))
    assert rows


def bad_input_rows(process: Process, profile: str) -> list[dict[str, str]]:
    """One row for each kind that applies to the backend."""
    backend = process.backend
    rows = []
    for kind in KINDS:
        if not kind.applies(backend):
            continue
        reason = process.not_run or left_out(backend, kind, profile)
        outcome, state, message = (Outcome.NOT_RUN, "", reason) if reason else attempt(kind, process)
        rows.append(
            {
                **process.about,
                "input": kind.id,
                "outcome": outcome,
                "state": state,
                "message": message,
            }
        )
    return rows


def left_out(backend: type[Backend], kind: Kind, profile: str) -> str:
    """Why a kind is not tried on a backend; empty where it is."""
    if profile != "ci" or not backend.compiles:
        return ""
    if backend.name in CI and (not kind.layout or kind.id.startswith("row-")):
        return ""
    return "tried in the profiles nightly and deep"
