"""Which axes of meaning explain a divergence: the fewest that, turned, leave nothing of it."""

from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import combinations

import numpy as np

from lazyadam.reference.dialect import Dialect
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.strategies import size
from lazyadam.suites.judge.judgement import Judgement
from lazyadam.suites.judge.trial import Trial, judge

AXES = tuple(f.name for f in fields(Dialect))
OF_W = frozenset({"epsilon", "bias_correction"})  # m and v are the same whatever they are
Beyond = frozenset[tuple[int, str]]


def explanation(trial: Trial, dialect: Dialect, judgement: Judgement, beyond: Beyond = frozenset()) -> str:
    """The first of `explanations`, or 'unexplained'."""
    return next(explanations(trial, dialect, judgement, beyond), "unexplained")


def explanations(
    trial: Trial, dialect: Dialect, judgement: Judgement, beyond: Beyond = frozenset()
) -> Iterator[str]:
    """The axes that, turned to what the backend speaks, explain a divergence: the fewest first.

    Where its source was not read, a single axis turned to any of its values. beyond: cases and quantities
    that they need not explain.
    """
    diverging = np.flatnonzero(judgement.worst > 1)
    least = int(min(diverging, key=lambda i: size(trial.cases[i]), default=0))
    worst = int(np.argmax(judgement.worst))
    moments = not beyond and any(f.quantity in ("m", "v") for f in judgement.divergences)

    def explains(turned: Dialect, which: list[int]) -> bool:
        judged = judge(trial.of(which), turned)
        if beyond:
            return {(which[f.case], f.quantity) for f in judged.divergences} <= beyond
        return float(judged.worst.max()) <= 1

    for turned in turnings(dialect, trial.backend):
        axes = [axis for axis in AXES if getattr(dialect, axis) != getattr(turned, axis)]
        if moments and OF_W.issuperset(axes):
            continue
        # Most explain neither of two, which are soon judged.
        if all(explains(turned, which) for which in ([least], [worst], [*range(len(trial.cases))])):
            yield "; ".join(f"{axis}: {getattr(turned, axis).name.lower()}" for axis in axes)


def turnings(dialect: Dialect, backend: type[Backend]) -> Iterator[Dialect]:
    """The dialect with axes turned to what may explain a backend, fewest first."""
    if not backend.source_read:
        for axis in AXES:
            now = getattr(dialect, axis)
            yield from (replace(dialect, **{axis: value}) for value in type(now) if value is not now)
        return
    spoken = backend.spoken
    apart = [axis for axis in AXES if getattr(dialect, axis) != getattr(spoken, axis)]
    for count in range(1, len(apart) + 1):
        for chosen in combinations(apart, count):
            yield replace(dialect, **{axis: getattr(spoken, axis) for axis in chosen})


def turned(dialect: Dialect, axes: dict[str, str]) -> Dialect:
    """The dialect with axes turned to values, by their names."""
    return replace(dialect, **{a: type(getattr(dialect, a))[value.upper()] for a, value in axes.items()})
