"""What the judge says: divergences in words, sizes of errors, and the worst ratio of every case."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect, Maximum
from lazyadam.reference.rounding import Precision
from lazyadam.suites.cases.case import QUANTITIES as QUANTITIES
from lazyadam.suites.cases.case import Step

SIGN = ": the sign of zero"


def quantities(dialect: Dialect) -> tuple[str, ...]:
    """What an optimizer keeps that speaks a dialect."""
    return QUANTITIES[:3] if dialect.maximum is Maximum.NONE else QUANTITIES


@dataclass
class Divergence:
    """One element that is not as it should be; message() says it in words.

    intermediates: what led to the expected w, by name, computed when it is asked for.
    """

    quantity: str
    case: int
    step: int
    parameter: int
    element: tuple[int, ...]
    value: float
    expected: float
    bound: float
    ratio: float
    intermediates: Callable[[], dict[str, float]] = field(default=dict, compare=False)

    def message(self) -> str:
        error = abs(self.value - self.expected)
        inner = ", ".join(f"{name} = {x:.9g}" for name, x in self.intermediates().items())
        return (
            f"{self.quantity}[{', '.join(map(str, self.element))}] of parameter {self.parameter} after "
            f"step {self.step} = {self.value:.17g}, but should be {self.expected:.17g}: "
            f"error {error:.3g}, bound {self.bound:.3g}, ratio {self.ratio:.3g}"
            + (f" ({inner})" if inner else "")
        )

    def short(self) -> str:
        """The same in as few digits as tell what came from what was due."""
        of = f" of parameter {self.parameter}" if self.parameter else ""
        came, due = told_apart(self.value, self.expected)
        at = ", ".join(map(str, self.element))
        times = f"{self.ratio:,.0f}" if 100 <= self.ratio < 1e9 else f"{self.ratio:.3g}"
        if self.quantity == "t":
            return f"step count{of} after step {self.step}: {came}, should be {due}"
        far = "no rounding does that" if self.ratio == np.inf else f"{times} × the bound"
        return f"{self.quantity}[{at}]{of} after step {self.step}: {came}, should be {due}; {far}"


def circumstances(step: Step, parameter: int) -> str:
    """What is not usual in the step of a divergence, to follow it; '' where nothing is."""
    seen = [
        *(["it has no gradient there"] if step.gradients[parameter] is None else []),
        *(f"{name.replace('_', ' ')} is set before it" for name in step.changes),
        *(["the state is saved and loaded before it"] if step.reload else []),
    ]
    return f" ({', '.join(seen)})" if seen else ""


def told_apart(x: float, y: float) -> tuple[str, str]:
    """Two numbers in as few digits as tell one from the other: six at least."""
    for digits in (6, 9, 12):
        if f"{x:.{digits}g}" != f"{y:.{digits}g}":
            return f"{x:.{digits}g}", f"{y:.{digits}g}"
    return f"{x:.17g}", f"{y:.17g}"


@dataclass
class Size:
    """How far off a quantity was at most: in ulps, absolutely, relatively, and against the bound."""

    ulp: float = 0.0
    absolute: float = 0.0
    relative: float = 0.0
    ratio: float = 0.0
    gap: float = 0.0

    def include(self, other: "Size") -> None:
        for name, x in vars(other).items():
            setattr(self, name, max(getattr(self, name), x))


@dataclass
class Judgement:
    """What the judge saw.

    worst: each case's largest ratio (a difference without a bound counts as infinite). divergences: for
    each case that diverges its worst element. sizes: by quantity and, free running, by step. beyond: how
    many elements have a ratio above 1. arithmetic: by which it was judged, where several were tried.
    """

    worst: np.ndarray
    steps: int
    divergences: list[Divergence]
    sizes: dict[tuple[str, int], Size]
    beyond: int = 0
    arithmetic: Arithmetic | None = None


def measure(seen: np.ndarray, value: np.ndarray, ratio: np.ndarray, gap: float, p: Precision) -> Size:
    """The largest differences between `seen` and `value`, in every unit."""
    finite = np.isfinite(seen) & np.isfinite(value)
    seen, value = seen[finite], value[finite]
    if not seen.size:
        return Size(gap=gap)
    difference = np.abs(seen - value)
    with np.errstate(all="ignore"):
        ulp = np.maximum(2.0 ** np.floor(np.log2(np.abs(value))) * 2 * p.u, 2 * p.eta)
        relative = difference / np.abs(value)
    return Size(
        float((difference / ulp).max()),
        float(difference.max()),
        float(relative[np.isfinite(relative)].max(initial=0.0)),
        float(ratio.max()),
        gap,
    )


def element(row: int, column: int, parameter: np.ndarray) -> tuple[int, ...]:
    """The index into a parameter of an element of its two-dimensional form."""
    return (row, *(int(i) for i in np.unravel_index(column, parameter.shape[1:])))
