"""What tests of scripts share: a right file, cases, how a script is made and how it ends."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Power
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.declaration import declared
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.workers import patience
from lazyadam.suites.backends.workers.runs import Runs
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Parameter, Step
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.divergences import scripts
from lazyadam.suites.judge.step_by_step import step_by_step

ARITHMETIC = Arithmetic(power=Power.FLOAT64)
SECONDS = 120  # of a script: what a framework takes to be imported, on a busy machine

TORCH = """\
import math

import torch

from lazyadam.suites.backends.own import TorchOptimizer


class Lazy(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state, (beta1, beta2), lr = self.state[p], group["betas"], group["lr"]
                if not state:
                    state |= {"step": 0, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}
                if p.grad is None:
                    continue
                state["step"] += 1
                g, t, m, v = p.grad.coalesce(), state["step"], state["exp_avg"], state["exp_avg_sq"]
                rows, g = g.indices()[0], g.values()
                m[rows] = beta1 * m[rows] + (1 - beta1) * g
                v[rows] = beta2 * v[rows] + (1 - beta2) * g * g
                alpha = lr * math.sqrt(1 - beta2**t) / (1 - beta1**t)
                p[rows] -= alpha * m[rows] / (v[rows].sqrt() + group["eps"])


class Mine(TorchOptimizer):
    name = "mine.Lazy"
    optimizer_class = Lazy
"""
NUMPY = TEMPLATES["numpy"]
GROUPS = (Hyperparameters(), Hyperparameters(lr=0.1, beta1=0.5))
TAKES = "        rows, index = np.unique(rows, return_inverse=True)\n"


def gradient(*rows: int, shape: tuple[int, ...] = (6, 4), seed: int = 0) -> Gradient:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((len(rows), *shape[1:])).astype(np.float32).astype(float)
    return Gradient(values, np.array(rows, np.int64))


def several(*groups: Hyperparameters, steps: int = 3) -> Case:
    """Three parameters, dealt to the groups in turn."""
    zeros = [np.zeros(shape) for shape in ((6, 4), (5, 3), (6, 4))]
    dealt = tuple(Group(tuple(range(i, 3, len(groups))), h) for i, h in enumerate(groups))
    given = [
        tuple(gradient(1, 1, 3, shape=x.shape, seed=3 * k + i) for i, x in enumerate(zeros))
        for k in range(steps)
    ]
    taken = tuple(Step(gradients) for gradients in given)
    return Case("float32", tuple(Parameter(x, x, x) for x in zeros), dealt, taken, tuple(range(1, steps + 1)))


def with_none(case: Case) -> Case:
    """The second step has a gradient for the last parameter alone."""
    (first, second, *others) = case.steps
    none: tuple[Gradient | None, ...] = (None,) * (len(second.gradients) - 1)
    return replace(case, steps=(first, replace(second, gradients=(*none, second.gradients[-1])), *others))


def with_rates(case: Case) -> Case:
    lr = {2: (0.5,) * len(case.groups), 3: (1e-5,) * len(case.groups)}
    return with_changes(case, {k: {"lr": values} for k, values in lr.items()})


def with_changes(case: Case, changes: dict[int, dict[str, tuple[float, ...]]]) -> Case:
    steps = enumerate(case.steps, 1)
    return replace(case, steps=tuple(replace(step, changes=changes.get(k, {})) for k, step in steps))


def of_ones(case: Case) -> Case:
    """Every number of a gradient is 1."""
    given = [[g and replace(g, values=np.ones_like(g.values)) for g in step.gradients] for step in case.steps]
    steps = zip(case.steps, given, strict=True)
    return replace(case, steps=tuple(replace(step, gradients=tuple(ones)) for step, ones in steps))


def handed_over(case: Case, manner: Manner) -> Case:
    return replace(case, manner=frozenset({manner}))


def reloaded(case: Case) -> Case:
    return replace(case, steps=tuple(replace(step, reload=k == 3) for k, step in enumerate(case.steps, 1)))


DRIVER = """
import contextlib, io, json, runpy, sys
ended = []
for file in sys.argv[1:]:
    printed, code = io.StringIO(), 0
    with contextlib.redirect_stdout(printed):
        try:
            runpy.run_path(file, run_name="__main__")
        except SystemExit as end:
            code = end.code
    ended.append([code, printed.getvalue()])
json.dump(ended, sys.stdout)
"""
Ended = tuple[int, str]


def ended(*files: Path) -> list[Ended]:
    """How scripts end, run in a process that has seen nothing else: status (or last words) and output."""
    ran = patience.run([sys.executable, "-c", DRIVER, *files], SECONDS, cwd=files[0].parent)
    assert ran.returncode == 0, ran.stderr
    return [
        (int(code) if isinstance(code, bool) else code, output) for code, output in json.loads(ran.stdout)
    ]


def written(text: str, folder: Path) -> type[Backend]:
    folder.mkdir(exist_ok=True, parents=True)
    path = folder / "my_optimizer.py"
    path.write_text(text)
    (backend,) = declared(path)
    return backend


def told_of(clause: str, case: Case, process: Runs, out: Path) -> str:
    """What a run would say of the script of a case that diverges."""
    (seen,) = process.run([case])
    findings = step_by_step([case], [seen], process.backend.documented, ARITHMETIC).divergences
    divergence = scripts.Shrunk(case, findings[0], lambda *_: True, ARITHMETIC)
    return scripts.of_divergence(CLAUSES[clause], divergence, process, out)


def script_of(told: str, out: Path) -> Path:
    assert told.startswith("script "), told
    return out / told.removeprefix("script ")
