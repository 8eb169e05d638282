"""Whether a case can be run: its parts fit each other, and its numbers are of their types."""

import numpy as np

from lazyadam.reference.rounding import PRECISIONS, round_to
from lazyadam.suites.cases.case import QUANTITIES, Case, Manner

MOST_STEPS = 2**24  # torch counts steps in float32, and the reference multiplies powers of β one by one
# Backends keep them in float32: there β is below 1, and the loss scale and its reciprocal are normal.
LARGEST = PRECISIONS["float32"].largest
LARGEST_BETA = 1 - 2.0**-24
LARGEST_SCALE = 2.0**126
# What may be set anew between steps: the form of the update may not.
CHANGEABLE = ("lr", "beta1", "beta2", "epsilon", "weight_decay", "loss_scale", "maximize")
# Of these nobody says what should come of them; and rows are of one type.
BAD_INPUT = {Manner.FLOAT64_VALUES, Manner.FLOAT16_VALUES, Manner.INTEGER_VALUES, Manner.FLOAT_ROWS}
ROW_TYPES = {Manner.INT32_ROWS, Manner.INT64_ROWS}


def check(case: Case) -> None:
    """What a case has to be for the judge.

    Raises:
        ValueError: its parts do not fit together, or it starts where no optimizer can be.
    """
    count = len(case.parameters)
    _need(case.dtype in PRECISIONS, f"dtype {case.dtype!r} is not one of {', '.join(PRECISIONS)}")
    end = case.t + len(case.steps)
    _need(end <= MOST_STEPS, f"t is too large: the steps go on to {_short(end)}, beyond {MOST_STEPS}")
    _need(not case.manner & BAD_INPUT, "manner asks for bad input, of which nobody says what it does")
    _need(not case.manner >= ROW_TYPES, "manner asks for rows of two types")
    owners = sorted(p for group in case.groups for p in group.parameters)
    _need(owners == list(range(count)), "the groups do not hold every parameter once")
    _need(len({g.hyperparameters.nesterov for g in case.groups}) == 1, "nesterov differs between groups")
    numbers = list(case.observed)
    _need(len(case.steps) > 0, "there are no steps")
    _need(numbers == sorted(set(numbers)), "observed is not an increasing list")
    beyond = [k for k in numbers if not 1 <= k <= len(case.steps)]
    _need(not beyond, f"observed has step {beyond[:1]} of {len(case.steps)}")
    for i, p in enumerate(case.parameters):
        _need(p.w.ndim >= 1 and p.w.size > 0, f"parameter {i}: shape {p.w.shape} holds no row of numbers")
        _need(p.w.shape == p.m.shape == p.v.shape == p.v_max.shape, f"parameter {i}: shapes differ")
        for name in QUANTITIES:
            _need_type(getattr(p, name), case.dtype, f"parameter {i}: {name}")
        _need(not (p.v < 0).any(), f"parameter {i}: v, an average of squares, is negative")
        _need(not (p.v_max < p.v).any(), f"parameter {i}: v_max is below v")
    for k, step in enumerate(case.steps, 1):
        _need(
            len(step.gradients) == count, f"step {k}: {len(step.gradients)} gradients for {count} parameters"
        )
        for name, values in step.changes.items():
            _need(name in CHANGEABLE, f"step {k}: {name!r} is not one of {', '.join(CHANGEABLE)}")
            _need(len(values) == len(case.groups), f"step {k}: {name} does not fit the groups")
        for i, (g, p) in enumerate(zip(step.gradients, case.parameters, strict=True)):
            if g is None:
                continue
            where, shape = f"step {k}, parameter {i}", p.w.shape
            if g.rows is not None:
                outside = g.rows[(g.rows < 0) | (g.rows >= len(p.w))]
                _need(not outside.size, f"{where}: row {outside[:1]} of {len(p.w)} rows")
                shape = (len(g.rows), *shape[1:])
            _need(g.values.shape == shape, f"{where}: values of shape {g.values.shape}, expected {shape}")
            _need_type(g.values, case.dtype, f"{where}: values")


def _short(number: int) -> str:
    return str(number) if number < 10**20 else "more than 1e20"


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _need_type(x: np.ndarray, dtype: str, what: str) -> None:
    other = x[(round_to(x, dtype) != x) & (x == x)]
    _need(not other.size, f"{what} holds {float(other[0]).hex() if other.size else ''}, no number of {dtype}")
