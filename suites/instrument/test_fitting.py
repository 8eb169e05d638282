"""An arithmetic that is not known: the first that explains everything is taken, or else the most."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lazyadam.reference.dialect import Arithmetic, Average, Dialect, Epsilon, Hat, Power, Storage
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.suites.backends.own import TorchOptimizer as Own
from lazyadam.suites.backends.torch.backends import SparseAdam
from lazyadam.suites.judge.fitting import ARITHMETICS as BY_TYPE
from lazyadam.suites.judge.fitting import (
    FEW,
    FLOAT32_SCALARS,
    FLOAT64_POWERS,
    FLOAT64_PRODUCTS,
    MIXED,
    UNDECLARED,
    _usual,
    arithmetics,
    chains,
    fitting,
    other_scalars,
    written,
)
from lazyadam.suites.judge.judgement import Divergence, Judgement, Size

ARITHMETICS = BY_TYPE["float32"]


def finding(quantity: str, ratio: float, case: int = 0) -> Divergence:
    return Divergence(quantity, case, 1, 0, (0, 0), 1.0, 0.0, 1.0, ratio)


@pytest.mark.parametrize(
    ("worst", "beyond", "taken"),
    [
        ([0.5, 0.1], [0, 0], 0),
        ([7.0, 1.0, 0.1], [1, 0, 0], 1),
        ([7.0, 3.0, 5.0], [2, 1, 1], 1),
        ([7.0, 3.0, 0.1], [2, 1, 0], 2),
        ([7.0, 3.0, np.inf], [1, 1, 1], 0),
    ],
)
def test_the_first_that_fits_or_else_the_first_that_leaves_the_fewest_elements(
    worst: list[float], beyond: list[int], taken: int
) -> None:
    """Not the smallest ratio: the widest bound would always be taken, and say that right numbers are off."""
    more = len(ARITHMETICS) - len(worst)
    ratios, counts = worst + [1.5] * more, beyond + [9] * more
    asked: list[Judgement] = []

    def judge(arithmetic: Arithmetic) -> Judgement:
        k = len(asked)
        asked.append(Judgement(np.array([ratios[k]]), 1, [], {}, counts[k]))
        return asked[-1]

    assert fitting(Own, Dialect(), "float32", judge) is asked[taken]
    assert len(asked) == (taken + 1 if worst[taken] <= 1 else len(ratios))


def test_one_that_was_read_is_the_only_one() -> None:
    assert arithmetics(SparseAdam, Dialect(), "float32") == (SparseAdam.arithmetic,)
    powers = {dtype: {a.power for a in arithmetics(Own, Dialect(), dtype)} for dtype in PRECISIONS}
    usual = {Power.EXACT, Power.FLOAT64, Power.FLOAT32_PRODUCT, Power.FLOAT32_POWER}
    assert powers["float32"] == powers["float16"] == usual
    assert len(set(arithmetics(Own, Dialect(), "float32"))) == len(ARITHMETICS)


def test_float64_tensors_have_float64_scalars_unless_others_are_declared() -> None:
    usual = arithmetics(Own, Dialect(), "float64")
    assert {a.power for a in usual} == {Power.EXACT, Power.FLOAT64, Power.FLOAT64_PRODUCT}
    assert {a.storage for a in usual} == {Storage.FLOAT64}

    class Declared(Own):
        arithmetic = Arithmetic(Storage.FLOAT32, Power.FLOAT32_PRODUCT)

    for dtype in ("float32", "float64"):
        assert arithmetics(Declared, Dialect(), dtype) == (Declared.arithmetic,)


def test_a_usual_arithmetic_is_tried_with_every_form_of_both_averages() -> None:
    plain = _usual(Storage.FLOAT32, Power.FLOAT64)
    assert [vars(a) for a in plain] == [
        vars(Arithmetic(Storage.FLOAT32, Power.FLOAT64, first, second))
        for first in (Average.BOTH, Average.OMEGA)
        for second in (Average.BOTH, Average.OMEGA)
    ]
    assert {a.second_average for a in _usual(Storage.FLOAT64, Power.FLOAT64, Average)} == set(Average)
    assert {a.step_size_error for a in _usual(Storage.FLOAT64, Power.FLOAT64, order=3.0)} == {3.0}


def test_every_arithmetic_is_a_common_chain_or_another() -> None:
    every = {*FLOAT64_POWERS, *FLOAT64_PRODUCTS, *FLOAT32_SCALARS, *MIXED}
    common, rare = chains(SparseAdam, Dialect())
    assert {*common, *rare} == every
    assert len(common) + len(rare) == len(every)
    for a in every:
        unusual = a.second_average is Average.ROOT or a.power in (Power.FLOAT64_PRODUCT, Power.FLOAT32_POWER)
        assert a in (rare if unusual or a in MIXED else common)
    assert chains(Own, Dialect()) == ((*common, UNDECLARED), rare)
    for some, folded in zip(
        ((*common, UNDECLARED), rare), chains(Own, Dialect(epsilon=Epsilon.BESIDE_HAT)), strict=True
    ):
        assert folded == (*some, *(replace(a, hat=Hat.FOLDED) for a in some))


def test_float32_scalars_of_a_float64_backend_are_named_as_they_would_be_declared() -> None:
    fits = Arithmetic(Storage.FLOAT32, Power.FLOAT32_POWER, step_size_error=3.0)

    def judge(arithmetic: Arithmetic) -> Judgement:
        return Judgement(np.array([0.5 if arithmetic == fits else 9.0]), 1, [], {})

    told = other_scalars(Own, Dialect(), "float64", judge, judge)
    assert "float32" in told
    assert written(fits) in told
    names = {"Arithmetic": Arithmetic, "Storage": Storage, "Power": Power}
    assert eval(written(fits), names) == fits
    assert other_scalars(Own, Dialect(), "float32", judge, judge) == ""
    none = Judgement(np.array([9.0]), 1, [], {})
    assert other_scalars(Own, Dialect(), "float64", lambda arithmetic: none, judge) == ""
    assert other_scalars(Own, Dialect(), "float64", judge, lambda arithmetic: none) == ""
    assert other_scalars(SparseAdam, Dialect(), "float64", judge, judge) == ""


def test_the_correction_is_folded_only_where_epsilon_stands_beside_the_hat() -> None:
    forms = {epsilon: arithmetics(Own, Dialect(epsilon=epsilon), "float32") for epsilon in Epsilon}
    assert {e for e, some in forms.items() if Hat.FOLDED in {a.hat for a in some}} == {Epsilon.BESIDE_HAT}
    assert len(set(forms[Epsilon.BESIDE_HAT])) == 2 * (len(ARITHMETICS))


def test_where_none_explains_everything_the_fewest_quantities_count_before_the_size() -> None:
    """A wrong w is no reason to call m and v wrong, though some other arithmetic be nearer to w."""
    near = Judgement(np.array([40.0]), 1, [finding("w", 40.0), finding("v", 30.0)], {})
    plain = Judgement(np.array([50.0]), 1, [finding("w", 50.0)], {})
    judged = iter([near, plain, *[near] * len(ARITHMETICS)])
    assert fitting(Own, Dialect(), "float32", lambda arithmetic: next(judged)) is plain
    beyond, within = ({("v", k): Size(ratio=r) for k in (1, 10)} for r in (2.0, 1.0))
    free = [Judgement(np.array([9.0]), 1, [], beyond), Judgement(np.array([9.5]), 1, [], within)]
    running = iter([*free, *free[:1] * len(ARITHMETICS)])
    assert fitting(Own, Dialect(), "float32", lambda arithmetic: next(running)) is free[1]


def test_what_is_beyond_in_size_counts_beside_cases() -> None:
    found = [finding("w", 9.0)]
    of_sizes = Judgement(np.array([9.0]), 1, found, {("w", k): Size(ratio=2.0) for k in (1, 10)})
    plain = Judgement(np.array([9.0]), 1, found, {})
    judged = iter([of_sizes, plain, *[of_sizes] * len(ARITHMETICS)])
    assert fitting(Own, Dialect(), "float32", lambda arithmetic: next(judged)) is plain


def test_moments_that_are_right_count_before_more_cases_of_a_wrong_w() -> None:
    """Of two faults in w, one may be explained here and there by an arithmetic in which v is wrong."""
    moments = Judgement(np.array([40.0, 40.0]), 2, [finding("v", 40.0)], {})
    plain = Judgement(np.array([50.0, 50.0]), 2, [finding("w", 50.0), finding("w", 50.0, 1)], {})
    judged = iter([moments, plain, *[moments] * len(ARITHMETICS)])
    assert fitting(Own, Dialect(), "float32", lambda arithmetic: next(judged)) is plain


def test_where_a_moment_is_wrong_no_other_power_is_tried_with_the_same_averages() -> None:
    """Moments follow from how scalars are stored, both averages, and whether scalars are rounded."""
    asked: list[Arithmetic] = []

    def judge(arithmetic: Arithmetic) -> Judgement:
        asked.append(arithmetic)
        right = arithmetic.first_average is Average.OMEGA and arithmetic.power is Power.FLOAT32_POWER
        quantity = "w" if arithmetic.first_average is Average.OMEGA else "m"
        return Judgement(np.array([1.0 if right else 9.0]), 1, [] if right else [finding(quantity, 9.0)], {})

    taken = fitting(Own, Dialect(), "float32", judge)
    assert taken.arithmetic == asked[-1]
    usual = [a for a in ARITHMETICS if a.power is not Power.EXACT]
    first_right = next(i for i, a in enumerate(usual) if a == asked[-1])
    due, hopeless = [], set()
    for a in usual[: first_right + 1]:
        averages = a.storage, a.first_average, a.second_average
        if a.first_average is Average.BOTH and averages in hopeless:
            continue
        hopeless.add(averages)
        due.append(a)
    assert asked == due
    assert len(due) < first_right + 1


def test_unrounded_scalars_are_tried_though_rounded_ones_had_wrong_moments() -> None:
    asked: list[Arithmetic] = []

    def judge(arithmetic: Arithmetic) -> Judgement:
        asked.append(arithmetic)
        return Judgement(np.array([9.0]), 1, [finding("m", 9.0)], {})

    fitting(Own, Dialect(), "float32", judge)
    assert asked[-1] == UNDECLARED


@pytest.mark.parametrize("right", [0, 1, 7, len(ARITHMETICS) - 1])
def test_few_cases_rule_out_what_does_not_explain_them_and_the_same_arithmetic_is_found(right: int) -> None:
    """Case i is explained by every arithmetic from i on, the last by the right one and those behind it."""
    whole: list[Arithmetic] = []

    def judge_of(cases: list[int], seen: list[Arithmetic]) -> Callable[[Arithmetic], Judgement]:
        def judge(arithmetic: Arithmetic) -> Judgement:
            seen.append(arithmetic)
            wrong = [ARITHMETICS.index(arithmetic) < i for i in cases]
            found = [finding("w", 1.5, case) for case, is_wrong in enumerate(wrong) if is_wrong]
            return Judgement(np.where(wrong, 1.5, 1.0), 1, found, {})

        return judge

    def judge_few(few: list[int]) -> Callable[[Arithmetic], Judgement]:
        assert few
        assert 0 not in few  # the first explains that
        return judge_of([cases[i] for i in few], [])

    cases = [*range(right + 1)]
    plain = fitting(Own, Dialect(), "float32", judge_of(cases, []))
    judge = judge_of(cases, whole)
    taken = fitting(Own, Dialect(), "float32", judge, judge_few)
    assert taken.arithmetic == plain.arithmetic == ARITHMETICS[right]
    assert len(whole) <= 1 + (right + FEW - 1) // FEW


def test_what_the_first_few_cases_rule_out_stays_ruled_out() -> None:
    """The second explains the first ten, the third the others, and the sixth all."""

    def judge_of(cases: list[int]) -> Callable[[Arithmetic], Judgement]:
        def judge(arithmetic: Arithmetic) -> Judgement:
            explained = {1: range(10), 2: range(10, 20), 5: range(20)}.get(ARITHMETICS.index(arithmetic), ())
            found = [finding("w", 9.0, n) for n, case in enumerate(cases) if case not in explained]
            return Judgement(np.array([0.5 if case in explained else 9.0 for case in cases]), 1, found, {})

        return judge

    taken = fitting(Own, Dialect(), "float32", judge_of([*range(20)]), judge_of)
    assert taken.arithmetic == ARITHMETICS[5]


def test_of_one_that_was_read_no_few_cases_are_judged() -> None:
    wrong = Judgement(np.array([9.0, 9.0]), 1, [finding("m", 9.0), finding("w", 9.0, 1)], {})

    def few(cases: list[int]) -> Callable[[Arithmetic], Judgement]:
        raise AssertionError

    assert fitting(SparseAdam, Dialect(), "float32", lambda arithmetic: wrong, few) is wrong


def test_where_none_explains_all_what_explains_the_most_of_a_few_is_judged_by_all() -> None:
    def judge_of(cases: list[int]) -> Callable[[Arithmetic], Judgement]:
        def judge(arithmetic: Arithmetic) -> Judgement:
            right = 3 if arithmetic == ARITHMETICS[5] else 0  # of so many cases
            found = [finding("w", 9.0, n) for n, case in enumerate(cases) if case >= right]
            return Judgement(np.array([9.0 if case >= right else 0.5 for case in cases]), 1, found, {})

        return judge

    taken = fitting(Own, Dialect(), "float32", judge_of([*range(20)]), judge_of)
    assert taken.arithmetic == ARITHMETICS[5]
    assert len(taken.worst) == 20


@pytest.mark.parametrize(("right", "taken"), [(5, 5), (len(ARITHMETICS), 0)])
def test_moments_that_are_wrong_in_other_cases_rule_an_arithmetic_out_that_is_best_of_a_few(
    right: int, taken: int
) -> None:
    """But where they are wrong in the few already, as repeated rows make them, no more are looked at."""

    asked: list[list[int]] = []

    def judge_of(cases: list[int]) -> Callable[[Arithmetic], Judgement]:
        def judge(arithmetic: Arithmetic) -> Judgement:
            k = ARITHMETICS.index(arithmetic)
            quantity = {case: "w" if case < 10 or k >= right else "v" for case in cases}
            # The first is nearest to w, and wrong in v of cases beyond the few.
            wrong = [case for case in cases if k or case]
            found = [finding(quantity[case], 9.0, n) for n, case in enumerate(cases) if case in wrong]
            return Judgement(np.array([9.0 if case in wrong else 0.5 for case in cases]), 1, found, {})

        asked.append(cases)
        return judge

    found = fitting(Own, Dialect(), "float32", judge_of([*range(30)]), judge_of)
    assert found.arithmetic == ARITHMETICS[taken]
    assert len(asked) <= 4
