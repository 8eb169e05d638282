"""An arithmetic that is not known: the first that explains everything is taken, or else the most."""

import numpy as np
import pytest

from reference.dialect import Arithmetic, Dialect, Epsilon, Hat, Power
from suites.backends.own import TorchOptimizer as Own
from suites.backends.torch_optim import SparseAdam
from suites.judge.fitting import ARITHMETICS, arithmetics, fitting
from suites.judge.judgement import Finding, Judgement, Size


def finding(quantity: str, ratio: float) -> Finding:
    return Finding(quantity, 0, 1, 0, (0, 0), 1.0, 0.0, 1.0, ratio)


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

    assert fitting(Own, Dialect(), judge) is asked[taken]
    assert len(asked) == (tried if worst[taken] <= 1 else len(ratios))


def test_one_that_was_read_is_the_only_one() -> None:
    assert arithmetics(SparseAdam, Dialect()) == (SparseAdam.arithmetic,)
    assert {a.power for a in arithmetics(Own, Dialect())} == set(Power)
    assert len(set(arithmetics(Own, Dialect()))) == len(ARITHMETICS) + 1


def test_the_correction_is_folded_only_where_epsilon_stands_beside_the_hat() -> None:
    forms = {epsilon: arithmetics(Own, Dialect(epsilon=epsilon)) for epsilon in Epsilon}
    assert {e for e, some in forms.items() if Hat.FOLDED in {a.hat for a in some}} == {Epsilon.BESIDE_HAT}
    assert len(set(forms[Epsilon.BESIDE_HAT])) == 2 * (len(ARITHMETICS) + 1)


def test_where_none_explains_everything_the_fewest_quantities_count_before_the_size() -> None:
    """A wrong w is no reason to call m and v wrong, though some other arithmetic be nearer to w."""
    near = Judgement(np.array([40.0]), 1, [finding("w", 40.0), finding("v", 30.0)], {})
    plain = Judgement(np.array([50.0]), 1, [finding("w", 50.0)], {})
    judged = iter([near, plain, *[near] * len(ARITHMETICS)])
    assert fitting(Own, Dialect(), lambda arithmetic: next(judged)) is plain
    beyond, within = ({("v", k): Size(ratio=r) for k in (1, 10)} for r in (2.0, 0.5))
    free = [Judgement(np.array([9.0]), 1, [], beyond), Judgement(np.array([9.5]), 1, [], within)]
    running = iter([*free, *free[:1] * len(ARITHMETICS)])
    assert fitting(Own, Dialect(), lambda arithmetic: next(running)) is free[1]
