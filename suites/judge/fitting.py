"""How a backend computes, where nobody has read its source: in any usual way that fits."""

from collections.abc import Callable
from itertools import product

from reference.dialect import Arithmetic, Average, Power, Storage
from suites.backends.base import Backend
from suites.judge.judgement import Judgement

ARITHMETICS = tuple(
    Arithmetic(storage, power, first, second)
    for storage, power, first, second in product(
        Storage, (Power.FLOAT64, Power.FLOAT32_PRODUCT), Average, Average
    )
)


def arithmetics(backend: type[Backend]) -> tuple[Arithmetic, ...]:
    """Those that a backend may have; the last: its scalars are float64 and not rounded to the type."""
    return (backend.arithmetic,) if backend.source_read else (*ARITHMETICS, Arithmetic())


def fitting(backend: type[Backend], judge: Callable[[Arithmetic], Judgement]) -> Judgement:
    """What the judge says by the first arithmetic that explains everything, or else by the best."""
    best: Judgement | None = None
    least = float("inf")
    for arithmetic in arithmetics(backend):
        judgement = judge(arithmetic)
        worst = float(judgement.worst.max(initial=0.0))
        if best is None or worst < least:
            best, least = judgement, worst
        if least <= 1:
            break
    assert best is not None
    return best
