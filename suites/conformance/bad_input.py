"""Bad input: what no optimizer should be given, or only just should be.

Every kind spoils the same small good case, of one step, whose state is neither new nor zero.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lazyadam.reference.rounding import round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Parameter, Step
from lazyadam.suites.clauses.clause import layouts

ROWS, WIDTH = 6, 4
EVERY_BACKEND_HAS = frozenset({"lr", "beta1", "beta2", "epsilon"})
# A new optimizer for each case, which checks its arguments: where a backend knows neither, it is so anyway.
FRESH = frozenset({Manner.ARGUMENTS, Manner.COLD})
Spoil = Callable[[Case], Case]


@dataclass(frozen=True)
class Kind:
    """A way of spoiling a case.

    layout: that of the gradient, where it is malformed; '' where it is well formed, and can't lead a backend
    astray in memory. hyperparameter: what a backend must have; '': nothing.
    """

    id: str
    sentence: str
    spoil: Spoil
    layout: str = ""
    hyperparameter: str = ""

    def applies(self, backend: type[Backend]) -> bool:
        has = EVERY_BACKEND_HAS | backend.hyperparameters
        return (
            self.layout in {"", *backend.layouts}
            and self.hyperparameter in {"", *has}
            and self.case(backend).manner - FRESH <= backend.manners
        )

    def case(self, backend: type[Backend]) -> Case:
        return self.spoil(good(self.layout or layouts(backend)[0], backend.usual_dtype()))


def good(layout: str, dtype: str = "float32") -> Case:
    """The case that is spoiled: the second step, with a gradient for rows 4, 1 and 2 of six, or for all."""
    rng = np.random.default_rng(0)

    def numbers(count: int) -> np.ndarray:
        return round_to(rng.standard_normal((count, WIDTH)), dtype)

    parameter = Parameter(numbers(ROWS), numbers(ROWS), np.abs(numbers(ROWS)))
    gradient = Gradient(numbers(ROWS)) if layout == "dense" else Gradient(numbers(3), np.array([4, 1, 2]))
    return Case(
        dtype,
        (parameter,),
        (Group((0,), Hyperparameters()),),
        (Step((gradient,)),),
        (1,),
        t=1,
        manner=FRESH,
    )


def _gradient(change: Callable[[Gradient], Gradient]) -> Spoil:
    def spoil(case: Case) -> Case:
        (step,) = case.steps
        (gradient,) = step.gradients
        assert gradient is not None
        return replace(case, steps=(replace(step, gradients=(change(gradient),)),))

    return spoil


def _row(row: int) -> Spoil:
    """The second of the rows is another."""
    return _gradient(lambda g: Gradient(g.values, np.array([4, row, 2])))


def _values(change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    return _gradient(lambda g: Gradient(change(g.values), g.rows))


def _rows(change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    def changed(g: Gradient) -> Gradient:
        assert g.rows is not None
        return Gradient(g.values, change(g.rows))

    return _gradient(changed)


def _manner(manner: Manner, spoil: Spoil = lambda case: case) -> Spoil:
    return lambda case: replace(spoil(case), manner=case.manner | {manner})


def _with(value: float) -> Callable[[np.ndarray], np.ndarray]:
    """One of the values is another."""

    def changed(values: np.ndarray) -> np.ndarray:
        values = values.copy()
        values[1, 2] = value
        return values

    return changed


Spoilt = tuple[tuple[str, str, Spoil], ...]

_ROWS_OF_A_GRADIENT: Spoilt = (
    ("row-just-past-the-end", "a row is the number of rows", _row(ROWS)),
    ("row-far-past-the-end", "a row is the largest int32", _row(2**31 - 1)),
    ("row-past-int32", "a row is 2^32 + 1, which is 1 in int32", _manner(Manner.INT64_ROWS, _row(2**32 + 1))),
    ("row-minus-1", "a row is -1", _row(-1)),
    ("row-minus-all", "a row is minus the number of rows", _row(-ROWS)),
    ("row-far-negative", "a row is the least int32", _row(-(2**31))),
    ("rows-as-floats", "the rows are float32 numbers", _manner(Manner.FLOAT_ROWS)),
)
_ROWS_AND_VALUES: Spoilt = (
    ("rows-of-another-rank", "the rows are a column", _rows(lambda r: r[:, None])),
    ("more-values-than-rows", "four values come with three rows", _values(lambda x: x[[0, 1, 2, 0]])),
    ("fewer-values-than-rows", "two values come with three rows", _values(lambda x: x[:2])),
    ("one-value-for-all-rows", "one value comes with three rows", _values(lambda x: x[:1])),
    ("no-values", "no values come with three rows", _values(lambda x: x[:0])),
    ("no-rows", "three values come with no rows", _rows(lambda r: r[:0])),
)
_SHAPES: Spoilt = (
    ("values-too-wide", "values are wider than the parameter", _values(lambda x: np.hstack((x, x[:, :1])))),
    ("values-too-narrow", "values are narrower than the parameter", _values(lambda x: x[:, :3])),
    ("values-one-wide", "values have width 1, which broadcasts", _values(lambda x: x[:, :1])),
    ("values-of-lower-rank", "values have lost their last axis", _values(lambda x: x[:, 0])),
    ("values-of-higher-rank", "values have an axis of 1 more", _values(lambda x: x[..., None])),
)
_TYPES: Spoilt = (
    ("values-float64", "values are float64", _manner(Manner.FLOAT64_VALUES)),
    ("values-float16", "values are float16", _manner(Manner.FLOAT16_VALUES)),
    ("values-integer", "values are int32", _manner(Manner.INTEGER_VALUES)),
)
_DENSE: Spoilt = (
    ("dense-more-rows", "the gradient has a row too many", _values(lambda x: np.vstack((x, x[:1])))),
    ("dense-fewer-rows", "the gradient has a row too few", _values(lambda x: x[:-1])),
    ("dense-one-row", "the gradient has one row, which broadcasts", _values(lambda x: x[:1])),
    ("dense-transposed", "the gradient is transposed", _values(lambda x: x.T.copy())),
    ("dense-flat", "the gradient is flat", _values(lambda x: x.ravel())),
    ("dense-empty", "the gradient has no rows", _values(lambda x: x[:0])),
)
_NUMBERS: Spoilt = (
    ("values-nan", "one of the values is NaN", _values(_with(np.nan))),
    ("values-infinite", "one of the values is infinite", _values(_with(np.inf))),
)


def _setting(name: str, value: float) -> Spoil:
    change: dict[str, Any] = {name: value}

    def spoil(case: Case) -> Case:
        (group,) = case.groups
        return replace(
            case, groups=(replace(group, hyperparameters=replace(group.hyperparameters, **change)),)
        )

    return spoil


def _later(lr: float) -> Spoil:
    return lambda case: replace(case, steps=(replace(case.steps[0], changes={"lr": (lr,)}),))


LEAST = 2.0**-126  # the least normal float32
_FROM_0 = (
    ("0", 0.0),
    ("just-above-0", LEAST),
    ("just-below-0", -LEAST),
    ("negative", -0.5),
    ("nan", float("nan")),
    ("infinite", float("inf")),
)
_UP_TO_1 = (
    ("rounding-to-1", 1 - 2.0**-53),
    ("just-below-1", 1 - 2.0**-24),
    ("1", 1.0),
    ("just-above-1", 1 + 2.0**-23),
    ("above-1", 1.5),
)
_HYPERPARAMETERS = tuple(
    Kind(f"{name.replace('_', '-')}-{word}", f"{name} is {value!r}", _setting(name, value), "", name)
    for name, values in (
        ("lr", _FROM_0),
        ("beta1", (*_FROM_0, *_UP_TO_1)),
        ("beta2", (*_FROM_0, *_UP_TO_1)),
        ("epsilon", _FROM_0),
        ("weight_decay", _FROM_0),
        ("loss_scale", _FROM_0),
    )
    for word, value in values
)
KINDS = (
    *(Kind(*kind, "sparse") for kind in (*_ROWS_OF_A_GRADIENT, *_ROWS_AND_VALUES, *_SHAPES, *_TYPES)),
    *(Kind(*kind, "dense") for kind in _DENSE),
    *(Kind(f"dense-{id}", sentence, spoil, "dense") for id, sentence, spoil in (*_SHAPES, *_TYPES)),
    *(Kind(*kind) for kind in _NUMBERS),
    *_HYPERPARAMETERS,
    *(
        Kind(f"lr-{word}-later", f"lr becomes {value!r} before the step", _later(value))
        for word, value in _FROM_0[3:]
    ),
)
