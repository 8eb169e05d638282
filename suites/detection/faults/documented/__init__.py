"""Faults written from public reports and from how such optimizers are used, without a look at the cases.

Many need two circumstances at once: then each of them alone is right. When they were first tried, before
anything was mended for them, 66 of the 94 were found on the NumPy host and 28 of the 38 on torch.
"""

from lazyadam.suites.detection.faults.documented import (
    hyperparameters,
    layout,
    parameters,
    repeats,
    sizes,
    states,
)

FAULTS = tuple(
    fault
    for family in (sizes, repeats, parameters, hyperparameters, states, layout)
    for fault in family.FAULTS
)
