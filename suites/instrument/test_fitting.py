"""An arithmetic that is not known: the first that explains everything is taken, or else the best."""

import numpy as np
import pytest

from reference.dialect import Arithmetic, Power
from suites.backends.own import TorchOptimizer as Own
from suites.backends.torch_optim import SparseAdam
from suites.judge.fitting import ARITHMETICS, arithmetics, fitting
from suites.judge.judgement import Judgement


@pytest.mark.parametrize(
    ("worst", "taken", "tried"),
    [
        ([0.5, 0.1], 0, 1),
        ([7.0, 1.0, 0.1], 1, 2),
        ([7.0, 3.0, 5.0], 1, 3),
        ([7.0, 3.0, np.inf], 1, 3),
    ],
)
def test_the_first_that_fits_or_else_the_best(worst: list[float], taken: int, tried: int) -> None:
    ratios = worst + [9.0] * (len(ARITHMETICS) + 1 - len(worst))
    asked: list[Judgement] = []

    def judge(arithmetic: Arithmetic) -> Judgement:
        asked.append(Judgement(np.array([ratios[len(asked)]]), 1, [], {}))
        return asked[-1]

    assert fitting(Own, judge) is asked[taken]
    assert len(asked) == (tried if worst[taken] <= 1 else len(ratios))


def test_one_that_was_read_is_the_only_one() -> None:
    assert arithmetics(SparseAdam) == (SparseAdam.arithmetic,)
    assert {a.power for a in arithmetics(Own)} == set(Power)
    assert len(set(arithmetics(Own))) == len(ARITHMETICS) + 1
