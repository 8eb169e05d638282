"""Scripts of divergences: in a fresh process each ends with 1 on a wrong optimizer, with 0 on a right one."""

import json
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lazyadam.reference.dialect import Arithmetic, Power
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.declaration import declared
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.workers import patience
from lazyadam.suites.backends.workers.runs import Runs
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Parameter, Step
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.divergences import scripts
from lazyadam.suites.instrument.samples import sample
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


def handed_over(case: Case, manner: Manner) -> Case:
    return replace(case, manner=frozenset({manner}))


def reloaded(case: Case) -> Case:
    return replace(case, steps=tuple(replace(step, reload=k == 3) for k, step in enumerate(case.steps, 1)))


@dataclass(frozen=True)
class Wrong:
    """A right file, the edit that makes it wrong, a clause, and a case that shows it.

    told: what the script says. parts: those of PARTS that its script needs.
    """

    id: str
    right: str
    edit: tuple[str, str]
    clause: str
    case: Case
    told: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        return self.id


PARTS = {
    "steps": "for k, ",
    "parameters": "for i, ",
    "groups": "hyper = ",
    "rates": "changes = ",
    "state": "optimizer.state[p] = ",
    "reload": "saved and loaded",
    "suite": "ran = backend.run(case)",
}
GROUPS = (Hyperparameters(), Hyperparameters(lr=0.1, beta1=0.5))
TAKES = "        rows, index = np.unique(rows, return_inverse=True)\n"
FORGETS = """    def reload(self, case):
        self.change(case, case.groups)

"""
RELOAD = """    def reload(self, case):
        super().reload(case)
        self.v = [0 * x for x in self.v]

"""
KEEPS = "_, m = self.__dict__.setdefault('kept', {}).setdefault(id(w), (w, m))"
DECAYS = '                    state["exp_avg"] *= beta1\n                    continue'
KEEPS_LAST = """last, self.last = self.__dict__.get("last", p.grad), p.grad
                g, t, m, v = last"""
CALLS = TORCH.replace(
    "(self):\n",
    "(self, closure=None):\n        with torch.enable_grad():\n"
    "            loss = closure() if closure else None\n",
).replace('+ group["eps"])\n', '+ group["eps"])\n        return loss\n')
LOADS = """    def load_state_dict(self, saved):
        super().load_state_dict(saved)
        for state in self.state.values():
            state["step"] = 0

"""
COUNTS_BY_ID = """counts = self.__dict__.setdefault("counts", {})
                state["step"] = counts[id(p)] = counts.get(id(p), 0) + 1"""
WRONG = (
    Wrong(
        "torch, several steps",
        TORCH,
        ("                m[rows] =", "                m *= 1 + (t % 3 == 0)\n                m[rows] ="),
        "update-rule",
        with_none(several(Hyperparameters())),
        " after step 2: expected ",
        ("steps", "state"),
    ),
    Wrong(
        "torch, two groups with their own lr",
        TORCH,
        ('group["lr"]\n', 'self.param_groups[0]["lr"]\n'),
        "several-parameters",
        several(*GROUPS),
        " of parameter 1 after step 1: expected -0.0999999",
        ("steps", "parameters", "groups"),
    ),
    Wrong(
        "torch, a gradient of None",
        TORCH,
        (
            "                    continue",
            '                    state["exp_avg"] *= beta1\n                    continue',
        ),
        "missing-gradient",
        with_none(several(*GROUPS)),
        "m(",
        ("state",),
    ),
    Wrong(
        "torch, lr changed",
        TORCH,
        ('group["lr"]\n', 'self.__dict__.setdefault("first", group["lr"])\n'),
        "learning-rate",
        with_rates(sample(steps=3)),
        " after step 2: expected ",
        ("steps", "rates"),
    ),
    Wrong(
        "torch, ε read once",
        TORCH,
        ('group["eps"]', 'self.__dict__.setdefault("first", group["eps"])'),
        "changed-hyperparameters",
        with_changes(sample(steps=3), {2: {"epsilon": (0.5,)}, 3: {"lr": (0.1,), "beta1": (0.5,)}}),
        " after step 3: expected ",
        ("steps", "groups", "rates"),
    ),
    Wrong(
        "torch, parts of a buffer",
        TORCH,
        ("p[rows] -=", "p.as_strided(p.shape, p.stride(), 0)[rows] -="),
        "one-buffer",
        handed_over(several(Hyperparameters(), steps=1), Manner.ONE_BUFFER),
        "w(",
        (),
    ),
    Wrong(
        "torch, a gradient that is overwritten",
        TORCH,
        ("g, t, m, v = p.grad", KEEPS_LAST),
        "gradient-overwritten",
        handed_over(sample(steps=3), Manner.OVERWRITTEN),
        " after step 2: expected ",
        ("steps",),
    ),
    Wrong(
        "torch, a closure",
        CALLS,
        ("- beta1) * g\n", "- beta1) * g * (1 if closure is None else 2)\n"),
        "closure",
        handed_over(sample(steps=2), Manner.CLOSURE),
        "w(2, 0): expected ",
        (),
    ),
    Wrong(
        "torch, a state that becomes bytes",
        TORCH,
        ("    @torch.no_grad()\n", f"{LOADS}    @torch.no_grad()\n"),
        "saved-as-bytes",
        reloaded(handed_over(sample(steps=3), Manner.SAVED)),
        "w(0, 0): expected ",
        ("state", "reload"),
    ),
    Wrong(
        "torch, an optimizer that is copied",
        TORCH,
        ('state["step"] += 1', COUNTS_BY_ID),
        "copied-optimizer",
        reloaded(handed_over(sample(steps=3), Manner.COPIED)),
        "w(0, 0): expected ",
        ("state",),
    ),
    Wrong(
        "NumPy, ε forgotten where a state is loaded",
        NUMPY,
        ("    def update", f"{FORGETS}    def update"),
        "changed-hyperparameters",
        reloaded(with_changes(sample(steps=3), {2: {"epsilon": (0.5,)}})),
        " after step 2: expected ",
        ("steps", "groups", "rates", "suite"),
    ),
    Wrong(
        "NumPy, a state that is loaded wrong",
        NUMPY,
        ("    def update", f"{RELOAD}    def update"),
        "save-and-load",
        reloaded(several(*GROUPS)),
        "v(",
        ("suite",),
    ),
    Wrong(
        "NumPy, a function that keeps what it was given first",
        NUMPY,
        (TAKES, f"        {KEEPS}\n{TAKES}"),
        "save-and-load",
        reloaded(sample(steps=3)),
        " after step 2: expected ",
        ("steps", "reload"),
    ),
)


# Fresh but for the framework: torch takes seconds to be imported, so its scripts run one after another.
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
    findings = step_by_step([case], [seen], process.backend.documented, ARITHMETIC).findings
    divergence = scripts.Divergence(case, findings[0], lambda *_: True, ARITHMETIC)
    return scripts.of_divergence(CLAUSES[clause], divergence, process, out)


def script_of(told: str, out: Path) -> Path:
    assert told.startswith("script "), told
    return out / told.removeprefix("script ")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, Ended, Ended]]:
    """Of each wrong optimizer: its script, and how that ends on it and on the right one."""
    texts, files = {}, []
    for wrong in WRONG:
        if wrong.right is TORCH and find_spec("torch") is None:
            continue
        out = tmp_path_factory.mktemp("out")
        assert wrong.edit[0] in wrong.right
        backend = written(wrong.right.replace(*wrong.edit), out)
        file = script_of(told_of(wrong.clause, wrong.case, Here(backend("cpu")), out), out)
        mended = written(wrong.right, out / "right").file
        texts[wrong.id] = file.read_text()
        files += [file, file.with_name("right.py")]
        files[-1].write_text(texts[wrong.id].replace(backend.file, mended))
    results = iter(ended(*files))
    return {id: (text, next(results), next(results)) for id, text in texts.items()}


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_script_ends_with_1_on_a_wrong_optimizer_and_with_0_on_the_right_one(
    wrong: Wrong, ran: dict[str, tuple[str, Ended, Ended]]
) -> None:
    if wrong.id not in ran:
        pytest.skip("torch is not there")
    text, (code, output), (right, fine) = ran[wrong.id]
    assert len(text.splitlines()) <= 60
    assert (code, right) == (1, 0), text + output + fine
    assert wrong.told in output
    assert output.count("a correct one is at most") == fine.count("a correct one is at most") == len("wmv")


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_script_has_no_part_that_its_divergence_does_not_need(
    wrong: Wrong, ran: dict[str, tuple[str, Ended, Ended]]
) -> None:
    if wrong.id not in ran:
        pytest.skip("torch is not there")
    text, _, _ = ran[wrong.id]
    assert [name for name, part in PARTS.items() if part in text] == list(wrong.parts)
