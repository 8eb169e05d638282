"""Every seeded fault is found in the profile ci, on each host that can have it."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lazyadam.reports.tables import RECORDED, read, records
from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults import FAULTS
from lazyadam.suites.detection.kill import HOSTS, first_kill, seeded
from lazyadam.suites.instrument.samples import sample

SEEDED = [
    # What nothing finds is tried under every clause.
    pytest.param(fault, host, id=f"{fault.id}-{host}", marks=[pytest.mark.slow] * fault.is_beyond(host))
    for fault in FAULTS.values()
    for host in HOSTS
    if getattr(fault, host)
]


@pytest.fixture(scope="module")
def likely(request: pytest.FixtureRequest) -> dict[tuple[str, str], str]:
    """The clause by which each fault was found in the recorded run, where that is to be tried first."""
    if not request.config.getoption("--likely"):
        return {}
    return {(row["fault"], row["host"]): row["by_clause"] for row in records(read("detection", RECORDED))}


@pytest.mark.parametrize(("fault", "host"), SEEDED)
def test_fault_is_found(
    fault: Fault,
    host: str,
    seed: int,
    likely: dict[tuple[str, str], str],
    record_property: Callable[[str, object], None],
) -> None:
    about = {"fault": fault.id, "host": host, "stands_for": fault.stands_for}

    def record(row: dict[str, Any]) -> None:
        record_property("lazyadam-result", json.dumps({"detection": [about | row]}))

    try:
        faulty = seeded(host, getattr(fault, host))
    except NotRun:
        record({"killed": "not run"})
        raise
    kill = first_kill(faulty, fault.dtype, seed, likely.get((fault.id, host), ""))
    if kill:
        # What it takes to find one is told of clauses in their order alone.
        took = {} if likely else {"cases_to_kill": kill.cases, "seconds": round(kill.seconds, 3)}
        record({"killed": "yes", "by_clause": kill.clause, **took})
    else:
        record({"killed": "allowed" if fault.allowed else "no"})
    assert (kill is None) == (bool(fault.allowed) or fault.is_beyond(host)), fault.sentence
    assert bool(kill and kill.raised) == fault.raises, kill


def test_saved_state_of_torch_is_live() -> None:
    """What `Fault.allowed` says of torch."""
    host: Any = seeded("torch").instance
    host.build(replace(sample(steps=1), t=7))
    (saved,) = host.optimizer.state_dict()["state"].values()
    another = host.optimizer.__class__(host.parameters)
    another.load_state_dict(host.optimizer.state_dict())
    live = host.optimizer.state[host.parameters[0]]["exp_avg"].data_ptr()
    assert saved["exp_avg"].data_ptr() == live
    assert another.state[host.parameters[0]]["exp_avg"].data_ptr() == live


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clean_host_is_not_flagged(host: str, dtype: str, seed: int) -> None:
    assert first_kill(seeded(host), dtype, seed) is None
