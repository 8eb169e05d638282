"""Run again: one bit is a difference, whatever it is worth, and what is pinned is pinned both ways."""

from dataclasses import replace

import numpy as np
import pytest

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases.case import Case, Failure, Gradient, Group, Manner, Parameter, Step, Trajectory
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.examine import examine, what_shows
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.divergences.accounting import Account, account
from lazyadam.suites.divergences.pin import Pin, broken, pins
from lazyadam.suites.instrument.toy import Toy
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.run_again import run_again
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.trial import Trial, judge

DEFAULT = BACKENDS["mindspore.LazyAdam.default.graph"]
CLAUSE = CLAUSES["attributes-assigned"]
PINS = {p.verdict: p for p in pins() if CLAUSE.id in p.clauses}
PIN, REFUSED = PINS["diverges"], PINS["refuses"]
ZEROS = np.zeros((2, 2))
CASE = Case(
    "float32",
    (Parameter(ZEROS, ZEROS, ZEROS),),
    (Group((0,), Hyperparameters()),),
    (Step((Gradient(np.ones((1, 2)), np.array([1])),)),) * 3,
    (1, 2, 3),
    manner=frozenset({Manner.ASSIGNED}),
)


def ran(change: tuple[int, int, int] | None = None, by: float = 0.0) -> Trajectory:
    """A trajectory of numbers that no LazyAdam gives, in which one of w is another."""
    x = np.array([[[1.0, np.nan], [0.0, -2.0]]] * 3)
    w = x.copy()
    if change is not None:
        w[change] = by
    return Trajectory([w], [x], [x.copy()], np.array([[1], [2], [3]]))


def test_the_same_bits_conform_without_asking_any_dialect() -> None:
    seen = step_by_step([CASE], [replace(ran(), again=ran())], DEFAULT.documented, DEFAULT.arithmetic)
    assert (seen.worst.tolist(), seen.steps, seen.divergences) == ([0.0], 3, [])


@pytest.mark.parametrize(
    ("change", "by"),
    [((1, 1, 1), np.nextafter(-2.0, 0)), ((2, 1, 0), -0.0), ((0, 0, 1), 1.0)],
    ids=["the last bit", "the sign of zero", "a number for NaN"],
)
def test_one_bit_is_a_divergence_at_the_step_that_shows_it_first(
    change: tuple[int, int, int], by: float
) -> None:
    seen = run_again([CASE], [replace(ran(), again=ran(change, by))])
    (finding,) = seen.divergences
    assert seen.worst.tolist() == [np.inf]
    assert (finding.quantity, finding.step, finding.element) == ("w", change[0] + 1, change[1:])
    assert f"should be {finding.expected:.17g}" in finding.message()


def test_each_case_is_judged_by_itself_and_what_differs_first_is_told_first() -> None:
    failed, same = ran(), replace(ran(), again=ran())
    other = ran((1, 0, 0), 3.0)  # w in the second step, v in the first
    other.v[0][0, 1, 0] = 0.25
    short = ran((0, 1, 1), 0.0)
    short = replace(short, t=short.t[:1])
    trajectories = [same, failed, replace(ran(), again=other), replace(ran(), again=short)]
    seen = run_again([CASE] * 4, trajectories)
    assert seen.worst.tolist() == [0.0, 0.0, np.inf, np.inf]
    assert seen.steps == 3 + 3 + 1
    assert [(f.case, f.quantity, f.step) for f in seen.divergences] == [(2, "v", 1), (2, "w", 2), (3, "w", 1)]
    assert {(f.bound, f.ratio) for f in seen.divergences} == {(0.0, np.inf)}


def test_of_a_step_the_largest_difference_is_told() -> None:
    other = ran((0, 1, 1), -2.5)
    other.w[0][0, 0, 0] = -1.0  # 2 apart, where −2.5 is 0.5 apart and the sum is larger
    (finding,) = run_again([CASE], [replace(ran(), again=other)]).divergences
    assert (finding.element, finding.value, finding.expected) == ((0, 0), -1.0, 1.0)
    other.w[0][0, 0, 1] = 3.0  # in the place of NaN, which nothing is further from
    (finding,) = run_again([CASE], [replace(ran(), again=other)]).divergences
    assert (finding.element, finding.value) == ((0, 1), 3.0)


def test_no_axis_explains_it() -> None:
    trajectories = [replace(ran(), again=ran((1, 1, 1), 5.0))]
    args = Trial(CLAUSE, DEFAULT, [CASE], trajectories), DEFAULT.documented
    assert explanation(*args, judge(*args)) == "unexplained"


class Once:
    """Runs a backend's cases, and none of them again."""

    backend, device, version, not_run = BACKENDS["mindspore.LazyAdam.target_cpu.graph"], "cpu", "2.10.0", None
    about: dict[str, str] = {"backend": backend.name, "version": version, "mode": "graph", "device": device}

    def run(self, cases: list[Case]) -> list[Trajectory]:
        return [replace(Toy().run(case), path={}) for case in cases]


def test_where_it_was_not_run_again_nothing_is_judged_and_that_is_not_green() -> None:
    seen = run_again([CASE], [ran()])
    assert (seen.steps, seen.divergences) == (0, [])
    examined = examine(Sample(CLAUSE, Once.backend, "float32", 0, BUDGETS["ci"]), Once())  # type: ignore[arg-type]
    assert {j.row["verdict"] for j in examined.judged} == {"diverges"}
    assert examined.path == "asked to be run again, but it was not"
    assert examined.new


@pytest.mark.parametrize(
    ("pin", "seen", "said"),
    [
        (PIN, replace(ran(), again=ran((0, 1, 0), 5.0)), ""),
        (PIN, replace(ran(), again=ran()), "the witness no longer diverges"),
        (REFUSED, replace(ran(), failure=Failure("refuses", 1, "TypeError")), ""),
        (REFUSED, replace(ran(), again=ran()), "pinned as refuses, but the witness is now: accepted"),
    ],
    ids=["differs", "differs no longer", "refused", "refused no longer"],
)  # fmt: skip
def test_a_pin_breaks_where_its_witness_no_longer_shows_it(pin: Pin, seen: Trajectory, said: str) -> None:
    assert broken(pin, DEFAULT, seen) == said


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=list(BACKENDS))
def test_the_default_target_alone_is_pinned(backend: type[Backend]) -> None:
    args = Trial(CLAUSE, DEFAULT, [CASE], [replace(ran(), again=ran((1, 1, 1), 5.0))]), DEFAULT.documented
    row = {"clause": CLAUSE.id, "verdict": "diverges", "against": "explained", "dtype": "float32"}
    row |= {"explained_by": "unexplained"}
    shown = what_shows(*args, judge(*args), row)
    covering = [p for p in pins() if backend.name in p.backends]
    expected = Account((PIN.name,)) if ".default.graph" in backend.name else Account()
    assert account(row, backend, shown, covering) == expected
