"""Bad input in processes: it hangs, dies and is restarted, and every kind is a row."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from lazyadam.reports.schema import TABLES
from lazyadam.reports.schema.bad_input import show_bad_input
from lazyadam.reports.tables import frame
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Failure, Step, Trajectory
from lazyadam.suites.conformance.bad_input import KINDS, Kind
from lazyadam.suites.conformance.outcomes import attempt
from lazyadam.suites.conformance.test_bad_input import bad_input_rows, left_out
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_bad_input import (
    BY_ID,
    CASE,
    MALFORMED,
    NUMBERS,
    RAISED,
    WELL,
    Lazy,
    Scripted,
    nothing,
    trajectory,
    write,
)
from lazyadam.suites.instrument.test_command_line import pytest_run


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
