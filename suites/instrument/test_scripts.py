"""Scripts of divergences: in a fresh process each ends with 1 on a wrong optimizer, with 0 on a right one."""

from dataclasses import dataclass
from importlib.util import find_spec

import pytest

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Manner
from lazyadam.suites.detection.kill import Here
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.scripted import (
    GROUPS,
    NUMPY,
    TAKES,
    TORCH,
    Ended,
    ended,
    handed_over,
    of_ones,
    reloaded,
    script_of,
    several,
    told_of,
    with_changes,
    with_none,
    with_rates,
    written,
)


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


# Fresh but for the framework: torch takes seconds to be imported, so its scripts run one after another.


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
