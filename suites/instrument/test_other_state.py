"""A torch optimizer that keeps more in its state than an Adam needs, or what it should not."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lazyadam.reference.dialect import Dialect, Epsilon
from lazyadam.suites.backends.errors import refusal
from lazyadam.suites.backends.own.declaration import declared
from lazyadam.suites.cases import trace
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance import tell
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.conformance.tell import REPLAYED
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.instrument.test_own_file import written
from lazyadam.suites.judge.trial import Trial, judge

ROW_ADAM = """
import torch

from lazyadam.suites.backends.own import TorchOptimizer


class RowAdam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in (p for p in group["params"] if p.grad is not None):
                state = self.state[p]
                if not state:
                    state.update(step=0, first=torch.zeros_like(p), second=torch.zeros_like(p), kept=KEPT)
                state["step"] += 1
                t, grad = state["step"], p.grad.coalesce()
                rows, g = grad.indices()[0], grad.values()
                m = state["first"][rows].mul_(beta1).add_(g, alpha=1 - beta1)
                v = state["second"][rows].mul_(beta2).addcmul_(g, g, value=1 - beta2)
                state["first"][rows], state["second"][rows] = m, v
                c1, c2 = 1 - beta1**t, 1 - beta2**t
                p[rows] -= MOVED


class Mine(TorchOptimizer):
    name = "mine.RowAdam"
    optimizer_class = RowAdam
"""
BESIDE_ROOT = "(group['lr'] * state['kept'] * c2**0.5 / c1) * m / (v.sqrt() + group['eps'])"
BESIDE_HAT = "state['kept'] * (m / c1) / ((v / c2).sqrt() + group['eps'])"


def here(kept: str, moved: str, folder: Path) -> Any:
    """The optimizer, in this process."""
    text = ROW_ADAM.replace("KEPT", kept).replace("MOVED", moved)
    (backend,) = declared(written(text, folder))
    running: Any = Here(backend("cpu"))
    running.replayed, running.shrunk = REPLAYED, Counter()
    running.not_run_in = lambda dtype: None
    return running


@pytest.mark.parametrize("clause", ["late-steps", "save-and-load"])
def test_what_else_a_state_has_is_there_when_a_case_starts_from_one(clause: str, tmp_path: Path) -> None:
    process = here("1.0", BESIDE_ROOT, tmp_path)
    sample = Sample(CLAUSES[clause], process.backend, "float32", 0, BUDGETS["ci"])
    cases = sample.drawn()
    assert any(case.t for case in cases)
    trajectories = process.run(cases)
    assert {trajectory.failure for trajectory in trajectories} == {None}
    judged = judge(Trial(sample.clause, process.backend, cases, trajectories), Dialect())
    assert judged.worst.max() <= 1


@pytest.mark.slow
def test_of_two_faults_the_one_that_no_axis_explains_is_shown(tmp_path: Path) -> None:
    """A learning rate that is kept from the first step on, beside an ε that stands elsewhere, everywhere."""
    process = here("group['lr']", BESIDE_HAT, tmp_path)
    sample = Sample(CLAUSES["learning-rate"], process.backend, "float32", 0, BUDGETS["ci"])
    outcome = tell.run(sample, process, tmp_path)
    (row,) = (row for row in outcome.evidence if row["against"] == "documented")
    assert row["explained_by"] == "unexplained"
    case = trace.load(tmp_path / row["trace"])
    trial = Trial(sample.clause, process.backend, [case], process.run([case]))
    assert judge(trial, Dialect()).worst[0] > 1
    assert judge(trial, Dialect(epsilon=Epsilon.BESIDE_HAT)).worst[0] > 1


def test_an_error_of_a_file_names_its_line(tmp_path: Path) -> None:
    file = tmp_path / "theirs.py"
    file.write_text("def step():\n    return {}['lr']\n")
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), names)
    with pytest.raises(KeyError) as caught:
        names["step"]()
    assert refusal(caught.value, 1, "/x/declared/mine.py").message == "KeyError: 'lr' (theirs.py:2)"
    assert refusal(caught.value, 1, str(file)).message == f"KeyError: 'lr' ({file}:2)"
