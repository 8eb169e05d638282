"""Every clause on every backend in every type. A divergence is a row of the table; one not pinned fails."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.conformance.tell import run


def test_conformance(
    processes: Any,
    conformance_item: tuple[type[Backend], str, str, Clause],
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    backend, device, dtype, clause = conformance_item
    profile, out = pytestconfig.getoption("--profile"), pytestconfig.getoption("--out")
    examples = None if profile == "ci" else pytestconfig.getoption("--examples")
    process = processes.get(backend, device)
    outcome = run(Sample(clause, backend, dtype, seed, BUDGETS[profile]), process, out, examples)
    record_property("lazyadam-result", json.dumps(asdict(outcome)))
    assert outcome.verdicts
    if outcome.new:
        pytest.fail("not known: " + "\n".join(outcome.new), pytrace=False)
