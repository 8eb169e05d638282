"""A divergence is shrunk by a number of tries, not by the clock: the least case is one on every machine."""

from lazyadam.suites.cases.case import Case
from lazyadam.suites.cases.strategies import Menu, cases, shrink, size, tries_of
from lazyadam.suites.instrument.samples import sample

START = sample(steps=8)


def shrunk(tries: float) -> tuple[Case, int]:
    """The least case of more than two steps, and how many were tried."""
    looked = 0

    def diverges(case: Case) -> bool:
        nonlocal looked
        looked += 1
        return len(case.steps) > 2

    return shrink(cases(Menu(), "float32"), 7, diverges, START, tries), looked


def test_no_more_is_tried_than_was_allowed_and_the_least_case_is_always_the_same() -> None:
    least, looked = shrunk(20)
    again, looked_again = shrunk(20)
    assert looked == looked_again <= 20
    assert size(least) == size(again)
    assert 2 < len(least.steps) < len(START.steps)


def test_without_a_try_the_case_is_left_as_it_was() -> None:
    assert shrunk(0) == (START, 0)


def test_a_try_of_a_large_case_counts_for_more() -> None:
    assert 1 < tries_of(START) < 1.1
    assert tries_of(sample(shape=(70_001, 4), steps=2)) > 50
