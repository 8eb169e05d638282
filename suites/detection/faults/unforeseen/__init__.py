"""Faults written from the optimizers' documentation alone, by somebody who had not seen the checks.

When they were first tried, before anything was mended for them, 48 of the 67 were found on the NumPy host
and 38 of the 50 on torch.
"""

from lazyadam.suites.detection.faults.unforeseen import (
    arithmetic,
    decay,
    hyperparameters,
    memory,
    rows,
    step_counts,
)

FAULTS = tuple(
    fault
    for family in (step_counts, rows, hyperparameters, memory, arithmetic, decay)
    for fault in family.FAULTS
)
