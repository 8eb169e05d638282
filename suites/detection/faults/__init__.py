"""The seeded faults, by family."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults import (
    beside,
    decay,
    documented,
    duplicates,
    epsilon,
    execution,
    handing,
    late,
    parameters,
    precision,
    racing,
    rows,
    rule,
    sizes,
    special,
    steps,
    unforeseen,
)

FAMILIES = (
    rule,
    steps,
    epsilon,
    execution,
    duplicates,
    rows,
    decay,
    handing,
    beside,
    parameters,
    precision,
    special,
    late,
    sizes,
    unforeseen,
    documented,
)
FAULTS: dict[str, Fault] = {fault.id: fault for family in FAMILIES for fault in family.FAULTS}
RACES: dict[str, Fault] = {fault.id: fault for fault in racing.FAULTS}
