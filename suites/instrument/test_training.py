"""Training through autograd and carried state: the task, the capture, and what judges them."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Gradient, Parameter, Step
from lazyadam.suites.cases.training import Trained, gradient, loss, trained_alone, training_task
from lazyadam.suites.clauses import CLAUSES, carried
from lazyadam.suites.divergences.witness import cut
from lazyadam.suites.equivalence.carried import carry
from lazyadam.suites.equivalence.test_carried_state import Rows as CarriedRows
from lazyadam.suites.equivalence.test_carried_state import judge_legs
from lazyadam.suites.equivalence.test_training import CLAUSE, Rows, judge_training, with_rows
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.toy import Toy

TASK = training_task(3, steps=60)
NAMES = ["torch.SparseAdam", "mindspore.LazyAdam.target_cpu.graph"]


@pytest.fixture(scope="module", params=NAMES)
def process(request: pytest.FixtureRequest) -> Iterator[Process]:
    (backend,) = select([request.param])
    with Process(backend) as started:
        if started.not_run:
            pytest.skip(started.not_run)
        yield started


def train(process: Process) -> Trained:
    trained = process.train(TASK, process.backend.layers[0])
    assert trained.trajectory.failure is None
    return trained


def test_the_gradient_is_that_of_the_loss() -> None:
    ids, targets = TASK.batches[0]
    assert len(np.unique(ids)) < len(ids)
    g = gradient(TASK.table, ids, targets)
    summed = np.zeros_like(TASK.table)
    np.add.at(summed, ids, g.values)
    slope = np.empty_like(TASK.table)
    for at in np.ndindex(*slope.shape):
        nudge = np.zeros_like(TASK.table)
        nudge[at] = 1e-3
        slope[at] = (loss(TASK.table + nudge, ids, targets) - loss(TASK.table - nudge, ids, targets)) / 2e-3
    np.testing.assert_allclose(summed, slope, rtol=0, atol=1e-11)


def test_training_alone_is_lazy_adam() -> None:
    """Against the rule written out once more, element by element."""
    w, m, v = TASK.table.copy(), np.zeros_like(TASK.table), np.zeros_like(TASK.table)
    for t, (ids, targets) in enumerate(TASK.batches, 1):
        g = np.zeros_like(w)
        for row, target in zip(ids, targets, strict=True):
            g[row] += 2 * (w[row] - target) / targets.size
        for row in set(ids.tolist()):
            m[row] = 0.9 * m[row] + 0.1 * g[row]
            v[row] = 0.999 * v[row] + 0.001 * g[row] ** 2
            root = np.sqrt(1 - 0.999**t)
            w[row] -= TASK.lr * root / (1 - 0.9**t) * m[row] / (np.sqrt(v[row]) + 1e-8)
    table, losses = trained_alone(TASK)
    np.testing.assert_allclose(table, w, rtol=0, atol=1e-11)
    assert losses[0] == loss(TASK.table, *TASK.batches[0])
    assert losses[-1] < losses[0] / 1.5


def test_the_captured_gradient_is_that_of_the_loss(process: Process) -> None:
    """In float32: the difference, its double and the division are rounded."""
    trained = train(process)
    before = TASK.table
    for k, (step, (ids, targets)) in enumerate(zip(trained.case.steps, TASK.batches, strict=True)):
        (found,), expected = step.gradients, gradient(before, ids, targets)
        assert found is not None
        assert found.rows is not None
        np.testing.assert_array_equal(found.rows, ids)
        np.testing.assert_allclose(found.values, expected.values, rtol=4 * 2.0**-24, atol=0)
        assert trained.losses[k] == pytest.approx(loss(before, ids, targets), rel=1e-6)
        before = trained.trajectory.w[0][k]


def test_the_captured_case_replays_bit_for_bit(process: Process) -> None:
    """Without autograd the same gradients give the same states, so capturing changed nothing."""
    trained = train(process)
    (replayed,) = process.run([trained.case])
    assert len(replayed.t) == len(TASK.batches)
    for quantity in ("w", "m", "v"):
        found, expected = (getattr(t, quantity)[0] for t in (replayed, trained.trajectory))
        assert found.tobytes() == expected.tobytes(), quantity
    np.testing.assert_array_equal(replayed.t, trained.trajectory.t)


@pytest.mark.parametrize("quantity", ["", "w", "m", "v", "t", "path"])
def test_a_fault_in_a_training_is_seen(process: Process, quantity: str, tmp_path: Path) -> None:
    trained = train(process)
    trajectory, touched = trained.trajectory, int(TASK.batches[30][0][0])
    if quantity == "t":
        trajectory.t[30:] += 1
    elif quantity == "path":
        trajectory.path["device"] = "another"
    elif quantity:
        x = getattr(trajectory, quantity)[0]
        x[30, touched, 1] += 64 * np.spacing(np.float32(x[30, touched, 1]))
    rows, layer = Rows(), process.backend.layers[0]
    judge_training(rows, {**process.about, "ids": 16}, process, layer, TASK, trained, tmp_path)
    verdicts = {row["against"]: row["verdict"] for row in rows.training}
    if quantity:
        assert set(verdicts.values()) == {"diverges"}
        assert rows.divergences
    else:
        assert verdicts["reference"] == "conforms"
        assert verdicts["documented"] == "diverges"  # ε


def test_a_step_of_a_training_stands_alone(process: Process) -> None:
    trained = train(process)
    for k in (1, 40):
        (alone,) = process.run([cut(trained.case, trained.trajectory, k)])
        np.testing.assert_array_equal(alone.w[0][0], trained.trajectory.w[0][k - 1])
        assert alone.t[0, 0] == k


def test_rows_that_autograd_lost_are_those_of_the_ids() -> None:
    values = np.ones((16, 4))
    lost, kept = Gradient(values), Gradient(values, np.arange(16))
    case = replace(TASK.start, steps=(Step((lost,)), Step((kept,))), observed=(1, 2))
    first, second = (s.gradients[0] for s in with_rows(case, TASK).steps)
    assert first is not None
    assert first.rows is not None
    np.testing.assert_array_equal(first.rows, TASK.batches[0][0])
    assert second is kept


def test_a_backend_without_a_layer_refuses_to_be_trained() -> None:
    trained = Toy().train(TASK, select(NAMES[:1])[0].layers[0])
    assert trained.trajectory.failure is not None
    assert trained.trajectory.failure.kind == "refuses"
    assert "toy has no embedding layer" in trained.trajectory.failure.message
    assert trained.case.steps == ()


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "expected"), [(signal.SIGKILL, "dies"), (signal.SIGSTOP, "hangs")])
def test_a_worker_lost_in_a_training_is_a_verdict(
    sent: signal.Signals, expected: str, tmp_path: Path
) -> None:
    (backend,) = select(NAMES[:1])
    long, layer = training_task(3, steps=6000), backend.layers[0]
    with Process(backend, step_seconds=0) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        process.train(TASK, layer)  # what is imported late is there now
        process.case_seconds = 5 if expected == "hangs" else 60
        threading.Timer(0.3, os.kill, (process.pid, sent)).start()
        lost = process.train(long, layer)
        rows = Rows()
        judge_training(rows, {**process.about, "ids": 16}, process, layer, long, lost, tmp_path)
        assert {row["verdict"] for row in rows.training} == {expected}
        process.case_seconds = 60
        train(process)


@pytest.mark.slow
def test_state_carried_between_processes_of_one_optimizer_changes_nothing() -> None:
    (backend,) = select(NAMES[:1])
    cases = [sample(steps=12, number=n) for n in range(2)]
    with Process(backend) as one, Process(backend) as other:
        if one.not_run:
            pytest.skip(one.not_run)
        legs = list(carry(cases, (one, other, one)))
        alone = one.run(cases)
    for leg in legs:
        for t, a in zip(leg.trajectories, alone, strict=True):
            for quantity in ("w", "m", "v"):
                found, expected = getattr(t, quantity)[0], getattr(a, quantity)[0][leg.steps]
                assert found.tobytes() == expected.tobytes()
            np.testing.assert_array_equal(t.t, a.t[leg.steps])


@pytest.mark.parametrize("broken", [None, 0, 1, 2])
def test_one_bad_leg_is_the_verdict_on_carried_state(process: Process, broken: int | None) -> None:
    cases = [sample(steps=12)]
    legs = list(carry(cases, (process, process, process)))
    if broken is not None:
        start = legs[broken].cases[0].parameters[0]
        forgotten = Parameter(start.w, start.m + 0.1, start.v)
        legs[broken].cases = [replace(legs[broken].cases[0], parameters=(forgotten,))]
    rows = CarriedRows()
    judge_legs(rows, carried.CLAUSES[0], process, legs, process.run(cases))
    (whole,) = [row for row in rows.verdicts if row["against"] == "reference"]
    assert whole["verdict"] == ("conforms" if broken is None else "diverges")
    seen = [row["verdict"] == "diverges" for row in rows.carried if row["against"] == "reference"]
    assert seen == [i == broken for i in range(3)]
    assert all(row["distance"] == 0 for row in rows.carried)


@pytest.mark.parametrize("clause", [CLAUSE, *carried.CLAUSES], ids=lambda c: c.id)
def test_clause_is_a_sentence_with_a_source_of_its_own(clause: object) -> None:
    text = vars(clause)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text["id"])
    assert text["id"] not in CLAUSES
    assert not text["sentence"].endswith(".")
    assert len(text["source"]) > 20
