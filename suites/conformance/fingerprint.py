"""The fingerprint: which dialect an implementation speaks, found from its results alone.

Probes follow one another. Each brings cases in which the values of a few axes make a difference; every
dialect that is still possible is turned through those values, and survives where the judge finds
nothing beyond the bound. Of the arithmetics that fit so far each dialect keeps one, and the others are asked
before an axis is said to have no value that fits. The declaration of a backend is not looked at, but for what
it takes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import product
from typing import Any

import numpy as np

from lazyadam.reference.arithmetic import folds
from lazyadam.reference.dialect import (
    Arithmetic,
    BiasCorrection,
    Dialect,
    Duplicates,
    EmptyGradient,
    Epsilon,
    Hat,
    Maximum,
    StepCount,
    Subnormals,
    Untouched,
    WeightDecay,
    ZeroRows,
)
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import Menu, seed_of, size
from lazyadam.suites.clauses.clause import SETTINGS, H, layouts, missing
from lazyadam.suites.judge.fitting import chains
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.verdict import NONE_FITS

CASES, STEPS = 8, 4
ONE = 1  # step: rows that count have then been in as many

Speech = tuple[Dialect, Arithmetic]
Run = Callable[[list[Case]], list[Trajectory]]


@dataclass(frozen=True)
class Probe:
    """Axes of a dialect with the values to tell apart, and the cases that tell them apart.

    needs: what a backend has to take to be asked. ordered: the values stand from narrow to
    wide, a later one allowing whatever an earlier one does: the first that fits is meant. where: it is asked
    where its axis was seen to have this value alone.
    """

    axes: dict[str, type[Enum]]
    menu: Callable[[type[Backend]], Menu]
    needs: tuple[str, ...] = ()
    ordered: bool = False
    where: Enum | None = None


def _always(menu: Menu) -> Callable[[type[Backend]], Menu]:
    return lambda backend: menu


def _core(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        hyperparameters=SETTINGS[:2],
        rows=("all",),
        regimes=("ordinary", "tiny"),
        kinds=("nothing", "ordinary"),
        starts=(0, 1, 7, 1000),
        steps=STEPS,
    )


def _of_both(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=("sparse", "dense"),
        hyperparameters=SETTINGS[:2],
        rows=("all",),
        regimes=("ordinary",),
        starts=(1, 7),
        steps=STEPS,
    )


def _step_count(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=(*layouts(backend), "none"),
        shapes=(((6, 4), (5, 3)),),
        rows=("all", "distinct"),
        regimes=("ordinary",),
        steps=STEPS,
    )


def _decay(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        hyperparameters=((H(weight_decay=0.1),),),
        rows=("repeated", "all"),
        regimes=("ordinary",),
        kinds=("ordinary",),
        steps=STEPS,
    )


def _subnormals(backend: type[Backend]) -> Menu:
    return Menu(
        layouts=layouts(backend),
        rows=("all",),
        regimes=("subnormal",),
        kinds=("nothing",),
        starts=(0,),
        steps=2 * STEPS,  # MindSpore's first launches keep what later ones flush
    )


SPARSE = ("sparse",)
# With an ε that shows beside √v too.
_UNTOUCHED = Menu(hyperparameters=SETTINGS[:2], regimes=("ordinary",), starts=(1, 7), steps=ONE)
WIDEST = Dialect(epsilon=Epsilon.BESIDE_HAT)  # the one that most arithmetics know
PROBES = (
    Probe({"epsilon": Epsilon, "bias_correction": BiasCorrection, "maximum": Maximum}, _core),
    Probe({"bias_correction": BiasCorrection}, _of_both, ("sparse", "dense"), where=BiasCorrection.NEXT),
    Probe({"untouched": Untouched}, _always(_UNTOUCHED), SPARSE),
    Probe(
        {"zero_rows": ZeroRows},
        _always(Menu(hyperparameters=SETTINGS[1:], regimes=("nothing", "zeros"), starts=(1, 7), steps=ONE)),
        SPARSE,
    ),
    Probe(
        {"duplicates": Duplicates},
        _always(Menu(rows=("repeated",), regimes=("ordinary",), steps=ONE)),
        SPARSE,
    ),
    Probe({"step_count": StepCount}, _step_count, ("none",)),
    Probe(
        {"empty_gradient": EmptyGradient},
        _always(Menu(rows=("empty", "all"), regimes=("ordinary",), steps=STEPS)),
        SPARSE,
    ),
    Probe({"weight_decay": WeightDecay}, _decay, ("weight_decay",)),
    Probe({"subnormals": Subnormals}, _subnormals, ordered=True),
)

WELL = 1000.0  # times the bound: a script that is to show it may allow more
CHAIN = ("storage", "power", "first_average", "second_average")


@dataclass
class Fingerprint:
    """What was observed on every axis: a value, several that can't be told apart, or why there is none.

    witness: a small case that no dialect explains, if there is one. evidence: by axis, what was asked
    and the speeches that fit.
    """

    axes: dict[str, str]
    witness: Case | None = None
    evidence: dict[str, "Evidence"] = field(default_factory=dict)

    def witness_against(self, axis: str, value: Enum | None) -> Case | None:
        """The smallest case that shows well that the axis does not have this value; where none fits, that."""
        seen = self.evidence.get(axis)
        if seen is None or value is None:
            return self.witness
        wrong = [(replace(d, **{axis: value}), a) for d, a in seen.fits]  # type: ignore[arg-type]
        ratios = np.min([step_by_step(seen.cases, seen.trajectories, *w).worst for w in wrong], axis=0)
        well = min(WELL, ratios.max())
        shown = (c for c, r in zip(seen.cases, ratios, strict=True) if r > 1 and r >= well)
        return min(shown, key=size, default=None)


@dataclass
class Evidence:
    """The cases of a probe, what was seen, and the speeches that explain it."""

    cases: list[Case]
    trajectories: list[Trajectory]
    fits: list[Speech]


def fingerprint(backend: type[Backend], run: Run, seed: int = 0, dtype: str = "float32") -> Fingerprint:
    """Find the dialect of an implementation. run: gives the trajectories of cases."""
    common, rare = chains(backend, WIDEST)
    speeches: list[Speech] = [(Dialect(), arithmetic) for arithmetic in common]
    others: list[Speech] = [(Dialect(), arithmetic) for arithmetic in rare]
    result = Fingerprint({})
    for probe in PROBES:
        if probe.where and {result.axes[axis] for axis in probe.axes} != {probe.where.name.lower()}:
            continue
        if reason := missing(probe.needs, backend):
            if probe.where:
                continue  # what was seen is all that can be
            result.axes |= dict.fromkeys(probe.axes, f"not asked: {reason}")
            continue
        cases = collect(probe.menu(backend), dtype, CASES, seed_of(seed, *probe.axes))
        trajectories = []
        for case in cases:  # one by one: a refusal can cost seconds, and the first says it all
            trajectories += run([case])
            if trajectories[-1].failure:
                break
        if failure := trajectories[-1].failure:
            result.axes |= dict.fromkeys(probe.axes, failure.kind)
            continue
        fits, witness = _survivors(probe, speeches, cases, trajectories)
        if not fits:
            likely = [s for s in others if _explains(s, result.evidence.values())]
            fits, none = _survivors(probe, likely, cases, trajectories) if likely else ([], None)
            witness = witness if none is None else none
            if fits:
                result.axes |= _chain(fits)
        if probe.ordered and result.axes["epsilon"] == NONE_FITS:
            fits = []  # what the wider values allow would explain that too
        if not fits:
            result.axes |= dict.fromkeys(probe.axes, NONE_FITS)
            result.witness = result.witness or witness
            continue
        if probe is PROBES[0]:
            result.axes |= _chain(fits)
        speeches = list({(dialect, a.hat): (dialect, a) for dialect, a in reversed(fits)}.values())
        others = [(d, a) for d, _ in speeches for a in (*common, *rare) if (d, a) not in speeches]
        others = [(d, a) for d, a in dict.fromkeys(others) if a.hat is Hat.DIVIDES or folds(d, a)]
        result.evidence |= dict.fromkeys(probe.axes, Evidence(cases, trajectories, fits))
        result.axes |= {axis: _seen(getattr(d, axis) for d, _ in speeches) for axis in probe.axes}
    for chain in CHAIN:
        result.axes.setdefault(chain, NONE_FITS)
    return result


def _explains(speech: Speech, seen: Iterable["Evidence"]) -> bool:
    return all((step_by_step(e.cases, e.trajectories, *speech).worst <= 1).all() for e in seen)


def _chain(fits: list[Speech]) -> dict[str, str]:
    return {chain: _seen(getattr(a, chain) for _, a in fits) for chain in CHAIN}


def _turned(probe: Probe, speeches: list[Speech], keeps_largest: bool) -> list[Speech]:
    """Every speech with the axes of the probe turned through all their values, but for what is another."""
    turned = []
    for values in product(*probe.axes.values()):
        if not keeps_largest and {Maximum.OF_STORED, Maximum.OF_CORRECTED} & {*values}:
            continue
        if BiasCorrection.NEXT_OF_SPARSE in values and not probe.where:
            continue  # gradients of one layout alone don't tell it from others
        changes: dict[str, Any] = dict(zip(probe.axes, values, strict=True))
        for dialect, arithmetic in speeches:
            if Untouched.DENSE_BESIDE_ROOT in values and dialect.epsilon is not Epsilon.BESIDE_HAT:
                continue
            turned.append((replace(dialect, **changes), arithmetic))
    return [(d, a) for d, a in turned if a.hat is Hat.DIVIDES or folds(d, a)]


def _survivors(
    probe: Probe, speeches: list[Speech], cases: list[Case], trajectories: list[Trajectory]
) -> tuple[list[Speech], Case | None]:
    """The speeches that explain all the cases; where there is none, a small case that few explain."""
    turned = _turned(probe, speeches, bool(trajectories[0].v_max))

    def worst(speech: Speech, only: slice = slice(None)) -> np.ndarray:
        return step_by_step(cases[only], trajectories[only], *speech).worst

    fits = [s for s in turned if (worst(s, slice(2)) <= 1).all() and (worst(s) <= 1).all()]
    if fits and probe.ordered:
        narrow = [getattr(fits[0][0], axis) for axis in probe.axes]
        fits = [s for s in fits if [getattr(s[0], axis) for axis in probe.axes] == narrow]
    if fits:
        return fits, None
    explained = np.sum([worst(speech) <= 1 for speech in turned], axis=0)
    return [], cases[min(range(len(cases)), key=lambda i: (explained[i], size(cases[i])))]


def _seen(values: Iterator[Enum]) -> str:
    return "|".join(sorted({value.name.lower() for value in values}))
