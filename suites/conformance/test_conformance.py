"""Every check on every backend in every type. A divergence is a row of the table, not a failure."""

import json
from dataclasses import asdict

import pytest

from suites.backends.process import Process
from suites.checks import Check
from suites.verdicts import BUDGETS, run


def test_conformance(
    process: Process,
    conformance_item: tuple[str, Check],
    seed: int,
    pytestconfig: pytest.Config,
    record_property: pytest.FixtureRequest,
) -> None:
    dtype, check = conformance_item
    budget = BUDGETS[pytestconfig.getoption("--profile")]
    outcome = run(check, process, dtype, seed, budget, pytestconfig.getoption("--out"))
    record_property("lazyadam-result", json.dumps(asdict(outcome)))  # type: ignore[operator]
    assert outcome.verdicts
