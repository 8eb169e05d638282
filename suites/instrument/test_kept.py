"""An optimizer of torch keeps its step count and moments where it likes, and is judged without being told."""

from pathlib import Path

import pytest

from lazyadam.reference.dialect import Dialect, Epsilon, Maximum
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS, menu_of
from lazyadam.suites.judge.trial import Trial, judge

OPTIMIZER = """
import math

import torch

from lazyadam.suites.backends.own import TorchOptimizer


class RowAdam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))
        {made}

    @torch.no_grad()
    def step(self, closure=None):
        {begun}
        for group in self.param_groups:
            {of_group}
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = p.grad.coalesce()
                rows, g = g._indices()[0], g._values()
                if not len(rows):
                    continue
                state = self.state[p]
                if not state:
                    state["{first}"], state["{second}"] = torch.zeros_like(p){flat}, torch.zeros_like(p){flat}
                    {first_step}
                m, v = state["{first}"].view_as(p), state["{second}"].view_as(p)
                {of_parameter}
                t = int({count})
                beta1, beta2 = group["betas"]
                m[rows] = beta1 * m[rows] + (1 - beta1) * g
                v[rows] = beta2 * v[rows] + (1 - beta2) * g * g
                alpha = group["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t)
                p[rows] -= alpha * m[rows] / (v[rows].sqrt() + group["eps"])


class Declared(TorchOptimizer):
    name = "mine.RowAdam"
    optimizer_class = RowAdam
"""
USUAL = {
    "made": "pass",
    "begun": "pass",
    "of_group": "pass",
    "first": "exp_avg",
    "second": "exp_avg_sq",
    "flat": "",
    "first_step": "state['step'] = 0",
    "of_parameter": "state['step'] += 1",
    "count": "state['step']",
}
IN_GROUP = {"first_step": "pass", "of_parameter": "pass", "count": "group['step']"}
WAYS = {
    "as torch does": {},
    "a count in a tensor": {"first_step": "state['step'] = torch.tensor(0.0)"},
    "other names": {
        "first": "mean",
        "second": "square",
        "first_step": "state['t'] = torch.tensor(0.0)",
        "of_parameter": "state['t'] += 1",
        "count": "state['t']",
    },
    "a count in the group": IN_GROUP | {"of_group": "group['step'] = group.get('step', 0) + 1"},
    "a count that is the optimizer's": IN_GROUP
    | {"made": "self.taken = 0", "begun": "self.taken += 1", "count": "self.taken"},
    "flat moments": {"flat": ".flatten()"},
}


def declared(way: str, folder: Path) -> type[Backend]:
    file = folder / "mine.py"
    file.write_text(OPTIMIZER.format_map(USUAL | WAYS[way]))
    (backend,) = select([], [file])
    return backend


@pytest.mark.parametrize(
    "way",
    [pytest.param(way, marks=[] if way == "a count in the group" else [pytest.mark.slow]) for way in WAYS],
)
def test_a_right_optimizer_is_right_wherever_it_keeps_its_state(way: str, tmp_path: Path) -> None:
    """From a state that it is given, too, in each of its types."""
    backend = declared(way, tmp_path)
    with Process(backend) as process:
        assert process.not_run is None
        for clause, dtype in (("late-steps", "float32"), ("update-rule", "float64")):
            menu = menu_of(CLAUSES[clause], backend, dtype)
            cases = collect(menu, dtype, BUDGETS["ci"].cases, 0)
            seen = process.run(cases)
            assert [t.failure for t in seen] == [None] * len(cases)
            assert any(case.t for case in cases) or clause != "late-steps"
            judged = judge(Trial(CLAUSES[clause], backend, cases, seen), Dialect())
            assert judged.worst.max() <= 1, judged.divergences[0].message()
            counts = [t.t[0].tolist() for t in seen]
            assert counts == [[case.t + 1] * len(case.parameters) for case in cases]


AMSGRAD = """
import torch

from lazyadam.suites.backends.own import TorchOptimizer


class Declared(TorchOptimizer):
    name = "mine.Amsgrad"
    optimizer_class = torch.optim.Adam
    options = {"foreach": False, "amsgrad": True}
    layouts = frozenset({"dense"})
    keeps_largest = True
"""


@pytest.mark.parametrize(
    ("faulty", "kind"),
    [
        ('"amsgrad": True', ""),
        ('"amsgrad": False', "refuses"),
    ],
    ids=["a largest second moment", "none"],
)
def test_a_largest_second_moment_is_found_by_its_name(faulty: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(AMSGRAD.replace('"amsgrad": True', faulty))
    (backend,) = select([], [tmp_path / "mine.py"])
    clause = CLAUSES["late-steps"]
    cases = collect(menu_of(clause, backend, "float32"), "float32", BUDGETS["ci"].cases, 0)
    with Process(backend) as process:
        seen = process.run(cases)
    if kind:
        assert {t.failure and t.failure.kind for t in seen} == {kind}
        assert seen[0].failure is not None
        assert "keeps no max_exp_avg_sq: its state has step, exp_avg, exp_avg_sq" in seen[0].failure.message
        return
    of_stored = Dialect(maximum=Maximum.OF_STORED, epsilon=Epsilon.BESIDE_HAT)
    assert judge(Trial(clause, backend, cases, seen), of_stored).worst.max() <= 1
    assert judge(Trial(clause, backend, cases, seen), Dialect(epsilon=Epsilon.BESIDE_HAT)).worst.max() > 1


@pytest.mark.slow
def test_what_is_nowhere_is_told_with_what_there_is(tmp_path: Path) -> None:
    text = OPTIMIZER.format_map(USUAL).replace("m[rows] = beta1 * m[rows] + (1 - beta1) * g", "m[rows] += g")
    (tmp_path / "mine.py").write_text(text.replace("exp_avg", "sum"))
    (backend,) = select([], [tmp_path / "mine.py"])
    clause = CLAUSES["update-rule"]
    with Process(backend) as process:
        (seen,) = process.run(collect(menu_of(clause, backend, "float32"), "float32", 1, 0))
    assert seen.failure is not None
    assert "keeps no exp_avg: its state has " in seen.failure.message


@pytest.mark.slow
@pytest.mark.parametrize(("way", "by"), [("as torch does", "class"), ("a count in the group", "backend")])
def test_a_script_drives_a_state_that_is_not_usual_by_the_suite(way: str, by: str, tmp_path: Path) -> None:
    origin = declared(way, tmp_path).origin
    assert origin is not None
    assert (origin.by, origin.declared) == (by, ("", "Declared"))
