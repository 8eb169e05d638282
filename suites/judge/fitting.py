"""How a backend computes, where nobody has read its source: in any usual way that fits."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

from reference.dialect import Arithmetic, Average, Dialect, Epsilon, Hat, Power, Storage
from suites.backends.base import Backend
from suites.judge.judgement import Judgement

ARITHMETICS = tuple(
    Arithmetic(storage, power, first, second)
    for storage, power, first, second in product(
        Storage, (Power.FLOAT64, Power.FLOAT32_PRODUCT), Average, Average
    )
)


def arithmetics(backend: type[Backend], dialect: Dialect) -> tuple[Arithmetic, ...]:
    """Those that a backend may have if it speaks a dialect. Arithmetic(): its scalars are not rounded."""
    if backend.source_read:
        return (backend.arithmetic,)
    usual = (*ARITHMETICS, Arithmetic())
    if dialect.epsilon is not Epsilon.BESIDE_HAT:
        return usual
    return (*usual, *(replace(arithmetic, hat=Hat.FOLDED) for arithmetic in usual))


def fitting(backend: type[Backend], dialect: Dialect, judge: Callable[[Arithmetic], Judgement]) -> Judgement:
    """What the judge says by the first arithmetic that explains everything, or else the most."""
    judgements = []
    for arithmetic in arithmetics(backend, dialect):
        judgements.append(judge(arithmetic))
        if judgements[-1].worst.max(initial=0.0) <= 1:
            return judgements[-1]
    return min(judgements, key=_unexplained)


def _unexplained(judgement: Judgement) -> tuple[int, float]:
    """How many quantities, of cases and of sizes, are beyond the bound; then by how much."""
    wrong = {(f.case, f.quantity) for f in judgement.findings}
    sizes = [size for size in judgement.sizes.values() if size.ratio > 1]
    return len(wrong) + len(sizes), float(judgement.worst.max(initial=0.0))
