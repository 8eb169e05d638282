"""The whole kill matrix: every fault under every clause."""

import json
from collections.abc import Callable

import pytest

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.kill import flagged_by, seeded
from lazyadam.suites.detection.test_faults import SEEDED


@pytest.mark.parametrize(("fault", "host"), SEEDED)
def test_fault_under_every_clause(
    fault: Fault, host: str, seed: int, record_property: Callable[[str, object], None]
) -> None:
    flagged = flagged_by(seeded(host, getattr(fault, host)), fault.dtype, seed)
    rows = [
        {"fault": fault.id, "host": host, "clause": clause, "killed": "yes" if new else "no"}
        for clause, new in flagged.items()
    ]
    record_property("lazyadam-result", json.dumps({"detection_matrix": rows}))
    assert any(flagged.values()) != bool(fault.allowed)
