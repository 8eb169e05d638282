"""Which axes of meaning explain a divergence: the fewest that, turned, leave nothing of it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from itertools import combinations, groupby, takewhile
from types import MappingProxyType

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
    trial: Trial,
    dialect: Dialect,
    judgement: Judgement,
    beyond: Beyond = frozenset(),
    known: Mapping[Dialect, Judgement] = MappingProxyType({}),
) -> Iterator[str]:
    """The axes that, turned to what the backend speaks, explain a divergence: the fewest first.

    Of as many axes first those that leave the least: one that only widens the bound may leave what is just
    within it. Where what it speaks is not known (`speaks`), a single axis turned to any of its values.
    beyond: cases and quantities that they need not explain. known: the trial as it was judged already.
    """
    spoken = speaks(trial.backend, known)
    diverging = np.flatnonzero(judgement.worst > 1)
    least = int(min(diverging, key=lambda i: size(trial.cases[i]), default=0))
    worst = int(np.argmax(judgement.worst))
    moments = not beyond and any(f.quantity in ("m", "v") for f in judgement.divergences)

    def left(turned: Dialect, which: list[int]) -> float:
        """The largest error / bound that is left; infinite where something is that they have to explain."""
        judged = judge(trial.of(which), turned)
        if beyond:
            return 0.0 if {(which[f.case], f.quantity) for f in judged.divergences} <= beyond else np.inf
        return float(judged.worst.max())

    def explained(turned: Dialect) -> float | None:
        """What is left of the whole, where that is within the bound."""
        if turned in known and not trial.clause.free:  # a free run was judged further than it decides
            ratio = float(known[turned].worst.max())
            return ratio if ratio <= 1 else None
        if moments and OF_W.issuperset(_apart(dialect, turned)):
            return None
        # Most explain neither of two, which are soon judged.
        tried = (left(turned, which) for which in ([least], [worst], [*range(len(trial.cases))]))
        ratios = [*takewhile(lambda ratio: ratio <= 1, tried)]
        return ratios[-1] if len(ratios) == 3 else None

    ways = turnings(dialect, trial.backend, spoken)
    for _, alike in groupby(ways, lambda turned: len(_apart(dialect, turned))):
        found = [(ratio, turned) for turned in alike if (ratio := explained(turned)) is not None]
        for _, turned in sorted(found, key=lambda x: x[0]) if spoken else found:
            axes = _apart(dialect, turned)
            yield "; ".join(f"{axis}: {getattr(turned, axis).name.lower()}" for axis in axes)


def speaks(backend: type[Backend], known: Mapping[Dialect, Judgement]) -> Dialect | None:
    """What a backend speaks by its source; where that was not read what it declares, if that holds."""
    if backend.source_read:
        return backend.spoken
    declared = known.get(backend.documented)
    return backend.documented if declared and not declared.divergences else None


def _apart(one: Dialect, other: Dialect) -> list[str]:
    return [axis for axis in AXES if getattr(one, axis) != getattr(other, axis)]


def turnings(dialect: Dialect, backend: type[Backend], spoken: Dialect | None) -> Iterator[Dialect]:
    """The dialect with axes turned to what is spoken, fewest first; or one alone, if that is not known."""
    if spoken is None:
        for axis in AXES if backend.keeps_largest else (x for x in AXES if x != "maximum"):
            now = getattr(dialect, axis)
            yield from (replace(dialect, **{axis: value}) for value in type(now) if value is not now)
        return
    apart = _apart(dialect, spoken)
    for count in range(1, len(apart) + 1):
        for chosen in combinations(apart, count):
            yield replace(dialect, **{axis: getattr(spoken, axis) for axis in chosen})


def turned(dialect: Dialect, axes: dict[str, str]) -> Dialect:
    """The dialect with axes turned to values, by their names."""
    return replace(dialect, **{a: type(getattr(dialect, a))[value.upper()] for a, value in axes.items()})
