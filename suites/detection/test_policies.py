"""What the usual tolerances find of the same faults, on the same trajectories."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import seed_of
from lazyadam.suites.conformance.budget import menu_of
from lazyadam.suites.detection.faults import FAULTS
from lazyadam.suites.detection.kill import BUDGET, HOSTS, Here, applicable, first_kill, seeded
from lazyadam.suites.detection.policies import COMPARED, POLICIES, close
from lazyadam.suites.judge.alone import alone

WAYS = [(policy, compared) for policy in POLICIES for compared in COMPARED]


def cases_of(host: Here, dtype: str, seed: int) -> list[Case]:
    """The cases of the profile ci, without long runs and large tables."""
    cases = []
    for clause in applicable(host, dtype):
        menu = menu_of(clause, host.backend, dtype)
        if not menu.observed and menu.most >= 10 and not clause.layout:
            count = BUDGET.cases_of(clause, menu, host.backend)
            cases += collect(menu, dtype, count, seed_of(seed, clause.id, dtype))
    return cases


def passed(host: Here, cases: list[Case], expected: list[Trajectory]) -> np.ndarray:
    """Whether each case passes in each way: (ways, cases)."""
    seen = host.run(cases)
    return np.array(
        [
            [close(policy, COMPARED[name], *pair) for pair in zip(seen, expected, strict=True)]
            for policy, name in WAYS
        ]
    )


@pytest.mark.parametrize("host", HOSTS)
def test_policies_side_by_side(host: str, seed: int, record_property: Callable[[str, object], None]) -> None:
    """A policy finds a fault by a case that the clean host passes and the faulty one fails."""
    dtypes = ("float32", "float64")
    cases = {dtype: cases_of(seeded(host), dtype, seed) for dtype in dtypes}
    expected = {dtype: [alone(case).trajectory for case in cases[dtype]] for dtype in dtypes}
    clean = {dtype: passed(seeded(host), cases[dtype], expected[dtype]) for dtype in dtypes}
    faults = [fault for fault in FAULTS.values() if getattr(fault, host) and not fault.allowed]
    found, ours = np.zeros(len(WAYS), int), 0
    for fault in faults:
        faulty = seeded(host, getattr(fault, host))
        found += (clean[fault.dtype] & ~passed(faulty, cases[fault.dtype], expected[fault.dtype])).any(axis=1)
        ours += first_kill(faulty, fault.dtype, seed) is not None
    alarms = sum((~x).sum(axis=1) for x in clean.values())
    about = {"host": host, "faults": len(faults), "clean_cases": sum(map(len, cases.values()))}
    rows = [
        about | {"policy": policy.name, "compared": name, "found": int(count), "false_alarms": int(alarm)}
        for (policy, name), count, alarm in zip(WAYS, found, alarms, strict=True)
    ]
    false = sum(first_kill(seeded(host), dtype, seed) is not None for dtype in dtypes)
    rows.append(about | {"policy": "this suite", "compared": "w, m, v", "found": ours, "false_alarms": false})
    record_property("lazyadam-result", json.dumps({"policies": rows}))
    assert ours == len(faults)
    assert ours > found.max()
