"""How a backend computes, where nobody has read its source: in any usual way that fits."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import product

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Average, Dialect, Epsilon, Hat, Power, Storage
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.judge.judgement import Judgement

UNDECLARED = Arithmetic()  # also: its scalars are not rounded
FIRST = (Average.BOTH, Average.OMEGA)
SECOND = (*FIRST, Average.ROOT)
RARE = (Power.FLOAT64_PRODUCT, Power.FLOAT32_POWER)
ANY_ORDER = 3.0  # a root, a product and a quotient
FEW = 8  # cases that an arithmetic has to explain before it is tried on all

Judge = Callable[[Arithmetic], Judgement]


def _usual(
    storage: Storage, power: Power, second: Iterable[Average] = FIRST, order: float = 0.0
) -> tuple[Arithmetic, ...]:
    """With every form of the averages."""
    return tuple(
        Arithmetic(storage, power, *forms, step_size_error=order) for forms in product(FIRST, second)
    )


FLOAT64_POWERS = _usual(Storage.FLOAT64, Power.FLOAT64, SECOND)
FLOAT64_PRODUCTS = _usual(Storage.FLOAT64, Power.FLOAT64_PRODUCT, SECOND)
FLOAT32_SCALARS = (
    *_usual(Storage.FLOAT32, Power.FLOAT64),
    *(
        arithmetic
        for power in (Power.FLOAT32_PRODUCT, Power.FLOAT32_POWER)
        for storage in (Storage.FLOAT64, Storage.FLOAT32)
        for arithmetic in _usual(storage, power, order=ANY_ORDER)
    ),
)
# β mixed in two precisions: a real framework does that, and who declares it. No usual way is so.
MIXED = (
    *(
        Arithmetic(storage, Power.FLOAT64, Average.COMPLEMENT, Average.COMPLEMENT)
        for storage in (Storage.FLOAT64, Storage.TEXT)
    ),
    Arithmetic(Storage.WORKING, Power.OF_CORRECTED, power_ulps=1),
)
# By the type in which scalars meet a tensor: in float64 float32 scalars are not usual, and in float32 a
# float64 product is as good as a power.
ARITHMETICS = {
    "float64": (*FLOAT64_POWERS, *FLOAT64_PRODUCTS, UNDECLARED),
    "float32": (*FLOAT64_POWERS, *FLOAT32_SCALARS, UNDECLARED),
}


def declares(backend: type[Backend]) -> bool:
    """Whether a backend is held to one arithmetic."""
    return backend.source_read or backend.arithmetic != UNDECLARED


def arithmetics(backend: type[Backend], dialect: Dialect, dtype: str) -> tuple[Arithmetic, ...]:
    """Those that a backend may have in a type if it speaks a dialect."""
    if declares(backend):
        return (backend.arithmetic,)
    return _folded_too(ARITHMETICS[PRECISIONS[dtype].scalar], dialect)


def chains(backend: type[Backend], dialect: Dialect) -> tuple[tuple[Arithmetic, ...], tuple[Arithmetic, ...]]:
    """All in which a backend may be seen to compute, usual in its type or not: common ones, and others."""
    every = (*FLOAT64_POWERS, *FLOAT64_PRODUCTS, *FLOAT32_SCALARS, *MIXED)
    rare = [a for a in every if a.second_average is Average.ROOT or a.power in RARE or a in MIXED]
    common = [a for a in every if a not in rare]
    if backend.source_read:
        return tuple(common), tuple(rare)
    return _folded_too((*common, UNDECLARED), dialect), _folded_too(tuple(rare), dialect)


def _folded_too(usual: tuple[Arithmetic, ...], dialect: Dialect) -> tuple[Arithmetic, ...]:
    if dialect.epsilon is not Epsilon.BESIDE_HAT:
        return usual
    return (*usual, *(replace(arithmetic, hat=Hat.FOLDED) for arithmetic in usual))


def fitting(
    backend: type[Backend],
    dialect: Dialect,
    dtype: str,
    judge: Judge,
    of: Callable[[list[int]], Judge] | None = None,
) -> Judgement:
    """What the judge says by the first arithmetic that explains everything, or else the most of some cases.

    Not by the smallest ratio: a wider bound makes any error smaller, and explains none of it. of: how some of
    several cases are judged alone. An arithmetic that doesn't explain a few doesn't explain all, so that each
    is tried on those that diverge by others, and on all only where it explains these.
    """
    usual = arithmetics(backend, dialect, dtype)
    if of is None or len(usual) == 1:
        return _most_explained(usual, judge)
    best = _judged(judge, usual[0])
    few = np.flatnonzero(best.worst > 1)[:FEW].tolist()
    while not _explains(best):  # each round adds what rules one out
        found = _most_explained(usual, of(few))
        if found.arithmetic != best.arithmetic:
            assert found.arithmetic is not None
            best = _judged(judge, found.arithmetic)
        beyond = np.flatnonzero(best.worst > 1).tolist() if _explains(found) else _wrong_moments(best)
        more = [] if _wrong_moments(found) else [i for i in beyond if i not in few]
        if not more:
            break
        few += more[:FEW]
    return best


def _wrong_moments(judgement: Judgement) -> list[int]:
    """The cases in which more than w is wrong."""
    return sorted({f.case for f in judgement.divergences if f.quantity != "w"})


def _most_explained(usual: Iterable[Arithmetic], judge: Judge) -> Judgement:
    """By the first arithmetic that explains everything, or else the most."""
    judgements: list[Judgement] = []
    hopeless = set()
    for arithmetic in usual:
        if _averages(arithmetic) in hopeless:
            continue
        judgements.append(_judged(judge, arithmetic))
        if _explains(judgements[-1]):
            return judgements[-1]
        if any(f.quantity != "w" for f in judgements[-1].divergences):
            hopeless.add(_averages(arithmetic))  # moments owe nothing to powers
    return min(judgements, key=_unexplained)


def _judged(judge: Judge, arithmetic: Arithmetic) -> Judgement:
    judgement = judge(arithmetic)
    judgement.arithmetic = arithmetic
    return judgement


def other_scalars(backend: type[Backend], dialect: Dialect, dtype: str, judge: Judge, first: Judge) -> str:
    """In words, the float32 scalars that explain a float64 backend which declares none; '' where none do.

    first: of a few cases, which they have to explain before they are tried on all.
    """
    if declares(backend) or PRECISIONS[dtype].scalar != "float64":
        return ""
    for arithmetic in _folded_too(FLOAT32_SCALARS, dialect):
        if _explains(first(arithmetic)) and _explains(judge(arithmetic)):
            return f"its scalars are of float32; declare arithmetic={written(arithmetic)} if that is meant"
    return ""


def written(arithmetic: Arithmetic) -> str:
    """An arithmetic as it is declared: what differs from Arithmetic()."""
    parts = [
        f"{name}={value}" for name, value in vars(arithmetic).items() if value != getattr(UNDECLARED, name)
    ]
    return f"Arithmetic({', '.join(parts)})"


def _averages(arithmetic: Arithmetic) -> tuple[object, ...]:
    """What the moments follow from."""
    rounded = arithmetic.power is not Power.EXACT
    return arithmetic.storage, arithmetic.first_average, arithmetic.second_average, rounded


def _explains(judgement: Judgement) -> bool:
    return bool((judgement.worst <= 1).all())


def _unexplained(judgement: Judgement) -> tuple[int, int, int]:
    """How many quantities, of cases and of sizes, are beyond the bound, w aside; with w; how many elements.

    Moments first: they owe nothing to how w is computed, so that a w that is wrong in every arithmetic must
    not choose one in which they are wrong too.
    """
    wrong = {(f.case, f.quantity) for f in judgement.divergences}
    sizes = [name for (name, _), size in judgement.sizes.items() if size.ratio > 1]
    moments = sum(quantity != "w" for quantity in [*(quantity for _, quantity in wrong), *sizes])
    return moments, len(wrong) + len(sizes), judgement.beyond
