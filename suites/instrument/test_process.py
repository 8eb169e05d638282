"""Backends in processes of their own: a death and a hang are verdicts, and the run goes on."""

import os
import signal
import threading

import numpy as np
import pytest

from lazyadam.reference.dialect import Dialect
from lazyadam.suites.backends.errors import refusal
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.judge.judgement import Judgement
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.verdict import verdict, wrong_path

# Every framework's processes are tested, each with the backend that stands for LazyAdam.
NAMES = ["torch.SparseAdam", "mindspore.LazyAdam.target_cpu.graph"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sent", "expected"),
    [
        (NAMES[0], signal.SIGKILL, "dies"),
        pytest.param(NAMES[0], signal.SIGSTOP, "hangs", marks=pytest.mark.slow),
        pytest.param(NAMES[1], signal.SIGKILL, "dies", marks=pytest.mark.slow),
        pytest.param(NAMES[1], signal.SIGSTOP, "hangs", marks=pytest.mark.slow),
    ],
)
def test_lost_worker_is_a_verdict_and_the_run_goes_on(name: str, sent: signal.Signals, expected: str) -> None:
    (backend,) = select([name])
    long = sample(steps=3000)
    with Process(backend, case_seconds=120, step_seconds=0) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        process.run([sample()])  # what is imported or compiled late is there now
        process.case_seconds = 8 if expected == "hangs" else 120
        first = process.pid
        threading.Timer(0.3, os.kill, (first, sent)).start()
        trajectories = process.run([long, sample(number=1)])
        process.case_seconds = 120
        after = process.run([sample(number=2)])
        assert process.pid != first
    judgement = step_by_step([long], trajectories[:1], Dialect(), backend.arithmetic)
    assert verdict(judgement, trajectories[:1], None) == expected
    assert after[0].failure is None
    assert len(after[0].t) == 8
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_worker_that_takes_no_message_is_a_verdict(name: str) -> None:
    """A message larger than a pipe, to a stopped process."""
    (backend,) = select([name])
    with Process(backend, case_seconds=5, step_seconds=0) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        os.kill(process.pid, signal.SIGSTOP)
        (lost,) = process.run([sample(steps=3000)])
        assert lost.failure is not None
        assert lost.failure.kind == "hangs"
        process.case_seconds = 120
        assert process.run([sample()])[0].failure is None


def test_a_refusal_keeps_the_steps_before_it() -> None:
    (backend,) = select(["torch.SparseAdam"])
    case = sample()
    dense = sample(number=3).steps[0].gradients[0]
    assert dense is not None
    wrong = type(case.steps[0])((type(dense)(np.ones((6, 4))),))
    broken = type(case)(
        case.dtype,
        case.parameters,
        case.groups,
        (*case.steps[:3], wrong, *case.steps[3:]),
        tuple(range(1, 10)),
    )
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        (trajectory,) = process.run([broken])
        streamed = process.stream(broken)
    for t in (trajectory, streamed):
        assert t.failure is not None
        assert (t.failure.kind, t.failure.step, len(t.t)) == ("refuses", 4, 3)
        assert "SparseAdam does not support dense gradients" in t.failure.message


@pytest.mark.parametrize("name", NAMES)
def test_a_case_is_a_pure_function(name: str) -> None:
    """Alone, in a batch, after other cases, streamed: the same bits."""
    (backend,) = select([name])
    case = sample()
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        (alone,) = process.run([case])
        others = [sample(number=n, lr=0.1 * n + 0.1) for n in range(1, 5)]
        batched = process.run([*others, case])[-1]
        streamed = process.stream(case)
    for other in (batched, streamed):
        for quantity in ("w", "m", "v"):
            np.testing.assert_array_equal(getattr(alone, quantity)[0], getattr(other, quantity)[0])


@pytest.mark.parametrize("name", NAMES)
def test_an_absent_device_is_not_run_with_a_reason(name: str) -> None:
    (backend,) = select([name])
    with Process(backend, "cuda" if backend.framework == "torch" else "ascend") as process:
        assert process.not_run
        assert "\n" not in process.not_run


def test_a_plugin_that_is_not_loaded_is_not_run_and_what_it_wants_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From mindspore's own loader, which looks for no GPU where CUDA_HOME is not set (2.10)."""
    monkeypatch.delenv("CUDA_HOME", raising=False)
    (backend,) = select(["mindspore.LazyAdam.default.graph"])
    with Process(backend, "gpu") as process:
        assert process.not_run
        assert "CUDA_HOME is not set" in process.not_run or backend.no_build()


def test_a_device_of_another_framework_is_not_run() -> None:
    (backend,) = select(["torch.SparseAdam"])
    with Process(backend, "ascend") as process:
        assert process.not_run == "torch has no device ascend here"


@pytest.mark.parametrize("asked", ["mode", "device", "dtype"])
def test_a_path_that_was_not_asked_for_is_a_divergence(asked: str) -> None:
    (backend,) = select(["torch.SparseAdam"])
    right = {"mode": "eager", "device": "cpu", "dtype": "float32"}
    nothing = np.empty((0, 1))
    for path, expected in ((right, "conforms"), ({**right, asked: "another"}, "diverges")):
        trajectory = Trajectory([], [], [], nothing, path=path)
        found = wrong_path(backend, "cpu", "float32", [trajectory])
        assert verdict(Judgement(np.zeros(1), 0, [], {}), [trajectory], found) == expected


def test_names_are_unique_and_say_their_framework() -> None:
    for name, backend in BACKENDS.items():
        assert name.split(".")[0] == backend.framework
        assert backend.promises


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("see '/home/me/run/graph.ir' for it", "see 'graph.ir' for it"),
        ("mindspore/ops/kernel.h:176 failed", "mindspore/ops/kernel.h:176 failed"),
        ("read https://example.org/docs/page", "read https://example.org/docs/page"),
        ("shape (2/3) or 1 / 2", "shape (2/3) or 1 / 2"),
    ],
)
def test_messages_do_not_name_folders_of_the_machine(text: str, told: str) -> None:
    assert refusal(ValueError(text), 1).message == f"ValueError: {told}"
