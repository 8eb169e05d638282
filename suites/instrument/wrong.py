"""Wrong optimizers: a right file of somebody's own with one edit, and a case that shows it."""

from dataclasses import dataclass

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Manner
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.scripted import (
    GROUPS,
    NUMPY,
    TAKES,
    TORCH,
    handed_over,
    of_ones,
    reloaded,
    several,
    with_changes,
    with_none,
    with_rates,
)


@dataclass(frozen=True)
class Wrong:
    """A right file, the edit that makes it wrong, a clause, and a case that shows it.

    told: what the script says. parts: those of PARTS (test_scripts.py) that its script needs.
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


FORGETS = """    def reload(self, case):
        self.change(case, case.groups)

"""
RELOAD = """    def reload(self, case):
        super().reload(case)
        self.v = [0 * x for x in self.v]

"""
KEEPS = "_, m = self.__dict__.setdefault('kept', {}).setdefault(id(w), (w, m))"
DECAYS = '                    state["exp_avg"] *= beta1\n                    continue'
AFTER_EMPTY = """\
                if lr != self.__dict__.setdefault("first", lr) and not group["params"][0].numel():
                    lr = self.first
"""
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
SKIPS = """    _step_supports_amp_scaling = True  # a scaler leaves to it what has to be done

    def unscaled(self):
        for p in (p for group in self.param_groups for p in group["params"] if p.grad is not None):
            if getattr(self, "grad_scale", None) is not None:
                p.grad = (p.grad / self.grad_scale).coalesce()
                p.grad._values().nan_to_num_(posinf=0)

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
        "torch, a gradient that is expanded",
        TORCH,
        ("g.values()\n", "g.values() * (1 + (0 in p.grad._values().stride()))\n"),
        "expanded-gradients",
        handed_over(of_ones(sample(steps=1)), Manner.EXPANDED),
        "m(",
        (),
    ),
    Wrong(
        "torch, a parameter beside that is frozen",
        TORCH,
        ('group["lr"]\n', 'group["lr"] * (1 + any(not x.requires_grad for x in group["params"]))\n'),
        "frozen-beside",
        handed_over(sample(steps=1), Manner.FROZEN),
        "w(",
        (),
    ),
    Wrong(
        "torch, parameters beside that are empty",
        TORCH,
        ('group["lr"]\n', 'group["lr"] * (1 + any(not x.numel() for x in group["params"]))\n'),
        "empty-beside",
        handed_over(several(*GROUPS, steps=1), Manner.EMPTY),
        "w(",
        (),
    ),
    Wrong(
        "torch, a parameter beside of another type",
        TORCH,
        ('group["lr"]\n', 'group["lr"] * (1 + (group["params"][0].dtype != p.dtype))\n'),
        "mixed-types",
        handed_over(several(*GROUPS, steps=1), Manner.MIXED),
        "w(",
        (),
    ),
    Wrong(
        "torch, two threads",
        TORCH,
        ('group["lr"]\n', 'group["lr"] * torch.get_num_threads()\n'),
        "threads",
        handed_over(sample(steps=1), Manner.THREADS),
        "w(",
        (),
    ),
    Wrong(
        "torch, deterministic algorithms alone",
        TORCH,
        ('group["lr"]\n', 'group["lr"] * (1 + torch.are_deterministic_algorithms_enabled())\n'),
        "deterministic",
        handed_over(sample(steps=1), Manner.DETERMINISTIC),
        "w(",
        (),
    ),
    Wrong(
        "torch, a step that a loss scaler skips",
        TORCH,
        (
            "    @torch.no_grad()\n    def step(self):\n",
            f"{SKIPS}    @torch.no_grad()\n    def step(self):\n        self.unscaled()\n",
        ),
        "grad-scaler",
        handed_over(several(*GROUPS, steps=2), Manner.SCALER),
        "t: expected 1, got 2",
        (),
    ),
    Wrong(
        "torch, lr changed after an empty group",
        TORCH,
        ('group["lr"]\n', f'group["lr"]\n{AFTER_EMPTY}'),
        "learning-rate",
        handed_over(with_rates(sample(steps=3)), Manner.EMPTY),
        " after step 2: expected ",
        ("steps", "rates"),
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
