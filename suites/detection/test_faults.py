"""Every seeded fault is found in the profile ci, on each host that can have it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from suites.backends.base import NotRun
from suites.detection.fault import Fault
from suites.detection.faults import FAULTS
from suites.detection.kill import HOSTS, Here, first_kill, seeded

SEEDED = [(fault, host) for fault in FAULTS.values() for host in HOSTS if getattr(fault, host)]


def host_of(name: str, edits: Any = ()) -> Here:
    try:
        return seeded(name, edits)
    except NotRun as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize(("fault", "host"), SEEDED, ids=[f"{fault.id}-{host}" for fault, host in SEEDED])
def test_fault_is_found(
    fault: Fault, host: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    kill = first_kill(host_of(host, getattr(fault, host)), fault.dtype, seed)
    row = {
        "fault": fault.id,
        "host": host,
        "stands_for": fault.stands_for,
        "killed": "no" if kill is None else "yes",
        "by_clause": kill.clause if kill else "",
        "cases_to_kill": kill.cases if kill else None,
        "seconds": round(kill.seconds, 3) if kill else None,
    }
    record_property("lazyadam-result", json.dumps({"detection": [row]}))
    assert kill is not None, fault.sentence


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clean_host_is_not_flagged(host: str, dtype: str, seed: int) -> None:
    assert first_kill(host_of(host), dtype, seed) is None
