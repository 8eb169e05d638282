"""Bad input: the catalogue, the words for what came of it, and that the run goes on."""

import os
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from lazyadam.reference.dialect import Dialect, Untouched
from lazyadam.reports.schema import TABLES
from lazyadam.reports.schema.bad_input import show_bad_input
from lazyadam.reports.tables import frame
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import BACKENDS, select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Failure, Step, Trajectory
from lazyadam.suites.conformance.bad_input import KINDS, ROWS, Kind, good
from lazyadam.suites.conformance.outcomes import attempt, result
from lazyadam.suites.conformance.test_bad_input import bad_input_rows, left_out
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run
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


class Failing(Lazy):
    """Raises where `before` says, having written a weight."""

    before = "step"

    def build(self, case: Case) -> None:
        super().build(case)
        self.w[0][0, 0] = 9
        if self.before == "build":
            raise ValueError("no")

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        def take() -> None:
            raise ValueError("no")

        return take

    def state(self) -> Any:
        if self.before == "state":
            raise ValueError("no")
        return super().state()


@pytest.mark.parametrize(("before", "read"), [("step", True), ("build", False), ("state", False)])
def test_the_state_as_an_error_left_it(before: str, read: bool) -> None:
    backend = Failing()
    backend.before = before
    seen = backend.run(CASE)
    assert seen.failure is not None
    assert (seen.left is not None) == read
    if seen.left is not None:
        assert seen.left[0][0][0, 0] == 9


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


@pytest.mark.parametrize(
    ("kind", "first", "second", "outcome", "restarts"),
    [
        (MALFORMED, WELL, WELL, "accepts", 1),
        (MALFORMED, trajectory(nothing), WELL, "ignores", 1),
        (MALFORMED, trajectory(nothing, RAISED), WELL, "refuses", 0),
        (MALFORMED, trajectory(nothing, RAISED), trajectory(nothing, RAISED), "refuses", 0),
        (MALFORMED, trajectory(write(0, 4, 9.0), RAISED), WELL, "refuses", 1),
        # A process that was lost is replaced already.
        (MALFORMED, WELL, trajectory(nothing, Failure("dies", 1, "free()")), "dies", 0),
        (MALFORMED, WELL, trajectory(nothing, Failure("hangs", 1, "silence")), "hangs", 0),
        (MALFORMED, trajectory(nothing, Failure("dies", 1, "free()")), None, "dies", 0),
        (NUMBERS, WELL, None, "accepts", 0),
    ],
)
def test_a_malformed_gradient_is_followed_by_a_good_case_and_a_fresh_process(
    kind: Kind, first: Trajectory, second: Trajectory | None, outcome: str, restarts: int
) -> None:
    process: Any = Scripted(first, *([second] if second else []))
    found = attempt(kind, process)
    assert (found[0], process.restarts, process.left) == (outcome, restarts, [])
    late = second is not None and second.failure is not None and second.failure.kind != "refuses"
    assert found[2].startswith("in the next good case: ") == late


@pytest.mark.slow
def test_every_kind_is_a_row_and_a_death_does_not_end_the_run() -> None:
    (backend,) = select(["torch.SparseAdam"])
    with Process(backend, case_seconds=20) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        rows = {row["input"]: row for row in bad_input_rows(process, "ci")}
    assert list(rows) == [kind.id for kind in KINDS if kind.applies(backend)]
    lost = {name for name, row in rows.items() if row["outcome"] in ("dies", "hangs")}
    # Whether a write just before the first row is deadly depends on what stands there.
    assert {"row-minus-1"} <= lost <= {"row-minus-1", "row-minus-all"}
    assert (rows["row-minus-1"]["state"], rows["row-minus-1"]["message"]) == ("", "the process ended")
    for name, word in (
        ("row-just-past-the-end", "index 6 is out of bounds"),
        ("values-float64", "'double'"),
        ("values-float16", "Half"),
        ("values-integer", "'int'"),
        ("values-too-wide", "[3, 5]"),
        ("beta1-1", "Invalid beta parameter at index 0"),  # only a constructor checks it
    ):
        assert (rows[name]["outcome"], rows[name]["state"]) == ("refuses", "untouched")
        assert word in rows[name]["message"]
    for name in ("lr-nan-later", "values-nan"):
        assert (rows[name]["outcome"], rows[name]["state"]) == ("accepts", "non-finite")


def test_mindspore_is_handed_the_types_and_arguments_of_a_kind() -> None:
    (backend,) = select(["mindspore.LazyAdam.default.graph"])
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        for kind, word in (
            ("beta1-1", "beta1"),  # refused before there was any optimizer
            ("lr-just-above-0", ""),
            ("lr-just-below-0", "learning rate"),  # by a new optimizer, not by the one of the kind before
            ("rows-as-floats", "Float32"),
            ("values-float64", "conversion"),
            (
                "values-too-wide",
                "'Add'",
            ),  # by an operator of the optimizer, not by what is declared of inputs
        ):
            expected = ("refuses", "untouched") if word else ("accepts", "updated")
            outcome, state, message = attempt(BY_ID[kind], process)
            assert (outcome, state) == expected, kind
            assert word in message


@pytest.mark.slow
def test_a_hang_is_a_row_and_the_run_goes_on() -> None:
    (backend,) = select(["torch.SparseAdam"])
    with Process(backend, case_seconds=20) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        process.run([CASE])  # what is imported late is there now
        process.case_seconds = 2
        os.kill(process.pid, signal.SIGSTOP)
        assert attempt(NUMBERS, process) == ("hangs", "", "no answer, and stood still for 2 s")
        process.case_seconds = 20
        assert attempt(NUMBERS, process)[0] == "refuses"


@pytest.mark.slow
def test_a_restart_gives_a_working_process_without_a_past() -> None:
    (backend,) = select(["torch.SparseAdam"])
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        first = process.pid
        assert process.log
        with process.log.path.open("w") as log:
            log.write("the last words of the first\n")
        process.restart()
        assert process.pid != first
        with pytest.raises(ProcessLookupError):
            os.kill(first, 0)
        assert process.run([sample()])[0].failure is None
        assert "first" not in process._end()


def test_where_a_device_is_not_there_every_kind_is_a_row() -> None:
    (backend,) = select(["torch.SparseAdam"])
    with Process(backend, "ascend") as process:
        rows = bad_input_rows(process, "ci")
    assert {(row["outcome"], row["message"]) for row in rows} == {
        ("not run", "torch has no device ascend here")
    }
    assert len(rows) == sum(kind.applies(backend) for kind in KINDS)


def test_what_ci_leaves_out() -> None:
    torch, lazy, adam = select(
        ["torch.SparseAdam", "mindspore.LazyAdam.default.graph", "mindspore.Adam.default.graph"]
    )
    kinds = (BY_ID["row-minus-1"], BY_ID["values-too-wide"], BY_ID["lr-nan"])
    tried = {b.name: [not left_out(b, kind, "ci") for kind in kinds] for b in (torch, lazy, adam)}
    assert list(tried.values()) == [[True] * 3, [True, False, True], [False] * 3]
    assert not any(left_out(b, kind, "nightly") for b in (torch, lazy, adam) for kind in kinds)


@pytest.mark.slow
def test_the_command_line_writes_the_table(tmp_path: Any) -> None:
    chosen = ("suites/conformance/test_bad_input.py", "--backend", "torch.Adam.fused")
    finished = pytest_run(*chosen, "--out", tmp_path)
    assert finished.returncode == 0, finished.stdout
    table = pd.read_csv(tmp_path / "bad_input.csv")
    assert tuple(table.columns) == TABLES["bad_input"].names
    if set(table["outcome"]) != {"not run"}:
        assert {"refuses", "accepts"} <= set(table["outcome"])
        assert "dense-flat" not in finished.stdout  # a plain refusal is not shown


def test_what_is_shown() -> None:
    about = {"backend": "b", "version": "1", "mode": "eager", "device": "cpu", "message": "m"}
    results = [
        ("refuses", "untouched"),
        ("not run", ""),
        ("refuses", "partly written"),
        ("refuses", "non-finite"),
        ("accepts", "updated"),
        ("ignores", "untouched"),
        ("dies", ""),
        ("hangs", ""),
    ]
    rows = [
        {**about, "input": f"kind-{i}", "outcome": outcome, "state": state}
        for i, (outcome, state) in enumerate(results)
    ]
    console = Console(width=120, record=True)
    show_bad_input(frame("bad_input", rows), console)
    text = console.export_text()
    assert [i for i in range(len(results)) if f"kind-{i}" in text] == [2, 3, 4, 5, 6, 7]
    many = [
        {**about, "backend": name, "input": "kind", **dict(zip(("outcome", "state"), found, strict=True))}
        for name, found in zip("abcdefg", [results[4]] * 4 + [results[0]] + [results[1]] * 2, strict=True)
    ]
    show_bad_input(frame("bad_input", [*rows, *many]), console)
    assert "4 of 5" in console.export_text()  # of the five that tried it
