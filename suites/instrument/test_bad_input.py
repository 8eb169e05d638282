"""Bad input: the catalogue, the words for what came of it, and that the run goes on."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lazyadam.reference.dialect import Dialect, Untouched
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Failure, Trajectory
from lazyadam.suites.conformance.bad_input import KINDS, ROWS, good
from lazyadam.suites.conformance.outcomes import attempt, result
from lazyadam.suites.instrument.toy import Toy

BY_ID = {kind.id: kind for kind in KINDS}
CASE = good("sparse")


class Dense(Toy):
    """Documents that every row is updated."""

    documented = Dialect(untouched=Untouched.DENSE)


class Lazy(Toy):
    documented = Dialect()


def test_there_are_at_least_forty_kinds_each_with_an_id_and_a_sentence() -> None:
    assert len(BY_ID) == len(KINDS) >= 40
    for kind in KINDS:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", kind.id)
        assert len(kind.sentence.split()) >= 3


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=list(BACKENDS))
def test_no_two_kinds_are_the_same_case(backend: type[Backend]) -> None:
    digests = [kind.case(backend).digest for kind in KINDS if kind.applies(backend)]
    assert len(set(digests)) == len(digests) >= 40


def test_a_kind_applies_where_the_backend_takes_what_it_spoils() -> None:
    sparse, dense = select(["torch.SparseAdam", "torch.Adam.fused"])
    for kind, applies in (
        ("row-minus-1", [True, False, True]),
        ("dense-flat", [False, True, False]),
        ("lr-nan", [True, True, True]),
        ("weight-decay-nan", [False, True, True]),
        ("loss-scale-nan", [False, False, False]),
        ("values-float64", [True, False, False]),  # the toy does not know how to hand them over
    ):
        assert [BY_ID[kind].applies(backend) for backend in (sparse, dense, Lazy)] == applies, kind


@pytest.mark.slow
def test_the_good_case_is_good() -> None:
    for name in ("torch.SparseAdam", "torch.Adam.loop"):
        (backend,) = select([name])
        case = good("sparse" if "sparse" in backend.layouts else "dense")
        with Process(backend) as process:
            if process.not_run:
                pytest.skip(process.not_run)
            assert result(backend, case, process.stream(case)) == ("accepts", "updated", "")


Quantities = list[np.ndarray]
State = Callable[[Quantities], None]


def write(quantity: int, row: int, value: float) -> State:
    def change(state: Quantities) -> None:
        state[quantity][row, 1] = value

    return change


def nothing(state: Quantities) -> None:
    pass


def trajectory(change: State, failure: Failure | None = None, readable: bool = True) -> Trajectory:
    """What a backend would give back that had left this state."""
    state = [x.copy() for x in (CASE.parameters[0].w, CASE.parameters[0].m, CASE.parameters[0].v)]
    change(state)
    w, m, v = ([x[None]] if failure is None else [np.empty((0, *x.shape))] for x in state)
    left = ([state[0]], [state[1]], [state[2]], [2]) if failure and failure.step and readable else None
    return Trajectory(w, m, v, np.array([[2]]), failure=failure, left=left)


RAISED = Failure("refuses", 1, "ValueError: no")
EARLY = Failure("refuses", 0, "ValueError: no")


@pytest.mark.parametrize(
    ("backend", "change", "failure", "outcome", "state"),
    [
        (Lazy, nothing, None, "ignores", "untouched"),
        (Lazy, write(0, 4, 9.0), None, "accepts", "updated"),
        (Lazy, write(1, 4, 9.0), None, "accepts", "updated"),
        (Lazy, write(2, 4, 9.0), None, "accepts", "updated"),
        (Lazy, write(2, 4, np.nan), None, "accepts", "non-finite"),
        (Lazy, write(0, 4, -np.inf), None, "accepts", "non-finite"),
        (Lazy, write(0, 3, 9.0), None, "accepts", "partly written"),
        (Dense, write(0, 3, 9.0), None, "accepts", "updated"),
        (Lazy, nothing, EARLY, "refuses", "untouched"),
        (Lazy, nothing, RAISED, "refuses", "untouched"),
        (Lazy, write(1, 4, 9.0), RAISED, "refuses", "partly written"),
        (Dense, write(1, 4, 9.0), RAISED, "refuses", "partly written"),
        (Lazy, write(1, 4, np.inf), RAISED, "refuses", "non-finite"),
        (Lazy, nothing, Failure("dies", 1, "ValueError: no"), "dies", ""),
        (Lazy, nothing, Failure("hangs", 1, "ValueError: no"), "hangs", ""),
    ],
)
def test_outcome_and_state(
    backend: type[Backend], change: State, failure: Failure | None, outcome: str, state: str
) -> None:
    readable = failure is None or failure.kind == "refuses"
    found = result(backend, CASE, trajectory(change, failure, readable))
    assert found == (outcome, state, "ValueError: no" if failure else "")


def test_a_sign_of_zero_is_a_change() -> None:
    zero = replace(CASE.parameters[0], w=np.zeros((ROWS, 4)))
    seen = trajectory(lambda state: state[0].fill(-0.0))
    assert result(Lazy, replace(CASE, parameters=(zero,)), seen)[:2] == ("accepts", "partly written")


def test_a_state_that_cannot_be_read_is_not_called_untouched() -> None:
    assert result(Lazy, CASE, trajectory(nothing, RAISED, readable=False))[:2] == ("refuses", "")


def test_a_message_is_short_and_without_a_call_stack() -> None:
    long = Failure("refuses", 0, "ValueError: " + "x" * 300)
    assert len(result(Lazy, CASE, trajectory(nothing, long))[2]) == 200
    stack = Failure("refuses", 0, "ValueError: 6 - 1 is out of range --------- - C++ Call Stack: x.cc:1")
    assert result(Lazy, CASE, trajectory(nothing, stack))[2] == "ValueError: 6 - 1 is out of range"


def test_a_message_does_not_have_the_last_words_of_a_process() -> None:
    """They are not the same in every run: free() or munmap_chunk() may find the heap spoilt."""
    words = Failure("dies", 1, "the process ended; its last words: free(): invalid size")
    dead = trajectory(nothing, words, readable=False)
    assert result(Lazy, CASE, dead) == ("dies", "", "the process ended")
    late: Any = Scripted(WELL, dead)
    assert attempt(MALFORMED, late) == ("dies", "", "in the next good case: the process ended")


class Scripted:
    """Stands for a process: gives back what it was told to, and counts."""

    backend = Lazy

    def __init__(self, *trajectories: Trajectory) -> None:
        self.left, self.restarts = list(trajectories), 0

    def stream(self, case: Case) -> Trajectory:
        return self.left.pop(0)

    def restart(self) -> None:
        self.restarts += 1


WELL = trajectory(write(0, 4, 9.0))
MALFORMED, NUMBERS = BY_ID["row-minus-1"], BY_ID["lr-negative"]
