"""The claims that MindSpore makes about LazyAdam beside SparseAdam, and how each is decided from runs.

Source of the claims: mindspore.cn, Differences with torch.optim.SparseAdam, 2.x; the sentences are ours.
Two backends agree where both are within the bound of one and the same dialect, each with its own
arithmetic. That is the reference dialect throughout: SparseAdam speaks it, which C1 shows on its cases.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Dialect, WeightDecay
from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.cases.case import Case, Group, Manner, Trajectory
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import Menu, seed_of, size
from lazyadam.suites.clauses.clause import SETTINGS, H
from lazyadam.suites.equivalence.lab import Lab
from lazyadam.suites.judge.step_by_step import step_by_step

CONFIRMED, REFUTED = "confirmed", "refuted"
CASES = 6
SPARSE_ADAM = "torch.SparseAdam"
LAZY_ADAM = "mindspore.LazyAdam.default.graph"
LAZY_ADAM_FORMS = {
    "default target": LAZY_ADAM,
    'target = "CPU"': "mindspore.LazyAdam.target_cpu.graph",
}
PYNATIVE = "mindspore.LazyAdam.default.pynative"
# Nothing subnormal: what MindSpore's launches make of that is a clause of its own.
PLAIN = Menu(
    rows=("distinct", "sorted", "all"),
    regimes=("ones", "ramp", "ordinary", "zeros"),
    kinds=("nothing", "ordinary"),
    steps=4,
)
DENSE = replace(PLAIN, layouts=("dense",))


@dataclass(frozen=True)
class Verdict:
    """confirmed, refuted or undecided, on what evidence; witness: a case that shows it, or a script."""

    word: str
    evidence: str
    witness: Case | str | None = None


@dataclass(frozen=True)
class Claim:
    """What is claimed, in a sentence, and how it is decided with a seed."""

    id: str
    text: str
    decide: Callable[[Lab, int], Verdict]

    def verdict(self, lab: Lab, seed: int) -> Verdict:
        try:
            return self.decide(lab, seed)
        except NotRun as reason:
            return Verdict(undecided(str(reason)), "")


def undecided(why: str) -> str:
    return f"can't be decided here ({why})"


@dataclass(frozen=True)
class Tried:
    """Cases on a backend, each with its largest error / bound; infinite where it failed."""

    cases: list[Case]
    trajectories: list[Trajectory]
    worst: np.ndarray

    @property
    def error(self) -> str:
        return next((_first_sentence(t.failure.message) for t in self.trajectories if t.failure), "")

    @property
    def within(self) -> bool:
        return bool((self.worst <= 1).all())

    def __str__(self) -> str:
        return f"refused ({self.error})" if self.error else f"{self.worst.max():.2g}"


def tried(
    lab: Lab, name: str, cases: Sequence[Case], dialect: Dialect | None = None, device: str = "cpu"
) -> Tried:
    """The cases up to the first that fails, judged against one dialect: that of the reference."""
    trajectories = lab.run(name, list(cases), device)
    done = list(cases[: len(trajectories)])
    worst = judged(lab, name, done, trajectories, dialect or Dialect())
    worst[[t.failure is not None for t in trajectories]] = np.inf
    return Tried(done, trajectories, worst)


def judged(
    lab: Lab, name: str, cases: list[Case], trajectories: list[Trajectory], dialect: Dialect
) -> np.ndarray:
    return step_by_step(cases, trajectories, dialect, lab.backend(name).arithmetic).worst


def cases_of(menu: Menu, seed: int, settings: Iterable[H] = (H(),), count: int = CASES) -> list[Case]:
    """Cases of the menu for each of the settings."""
    return [
        case
        for h in settings
        for case in collect(replace(menu, hyperparameters=((h,),)), "float32", count, seed_of(seed, menu, h))
    ]


def _first_sentence(message: str) -> str:
    """A message without MindSpore's call stack, and not for ever."""
    return message.partition(" ---")[0].split(". ")[0].rstrip(".")[:160]


# C1: the same sparse gradients.

GRADIENTS = {
    "distinct rows": PLAIN,
    "rows that skip steps": replace(PLAIN, rows=("gaps",), steps=8),
    "repeated rows": replace(PLAIN, rows=("repeated",)),
    "empty gradients": replace(PLAIN, rows=("empty",)),
}


@dataclass(frozen=True)
class Apart:
    """A case in which two backends part: by how much in w, or one of them refuses (None)."""

    case: Case
    difference: float | None
    where: str

    def order(self) -> tuple[bool, tuple[int, int]]:
        """The least to read comes first, refusals last."""
        return self.difference is None, size(self.case)


def sparse_gradients_agree(lab: Lab, seed: int) -> Verdict:
    by_kind = {kind: cases_of(menu, seed) for kind, menu in GRADIENTS.items()}
    ours = {kind: tried(lab, SPARSE_ADAM, cases) for kind, cases in by_kind.items()}
    if not all(t.within for t in ours.values()):
        return Verdict(undecided("SparseAdam does not speak the reference dialect"), _listed(ours))
    said = [f"Worst error / bound of the reference dialect. SparseAdam: {_listed(ours)}."]
    apart: list[Apart] = []
    gap = 0.0
    forms = [(form, name, by_kind) for form, name in LAZY_ADAM_FORMS.items()]
    # One case: every refusal costs seconds.
    forms.append(("PyNative, the default mode", PYNATIVE, {"distinct rows": by_kind["distinct rows"][:1]}))
    for form, name, kinds in forms:
        theirs = {kind: tried(lab, name, cases) for kind, cases in kinds.items()}
        said.append(f"LazyAdam, {form}: {_listed(theirs)}.")
        for kind, t in theirs.items():
            for case, our, their, worst in zip(
                t.cases, ours[kind].trajectories, t.trajectories, t.worst, strict=False
            ):
                if worst <= 1:
                    gap = max(gap, _relative(our.v, their.v))
                else:
                    difference = None if their.failure else _largest(our.w, their.w)
                    apart.append(Apart(case, difference, f"{kind}; {form}"))
    said.append(f"Where both are within the bound, v differs by up to {gap:.2g} of itself;")
    said.append(f"in float32 1 − β2 is off by {_float32_gap(H().beta2):.2g}.")
    if not apart:
        return Verdict(CONFIRMED, " ".join(said), min(by_kind["distinct rows"], key=size))
    first = min(apart, key=Apart.order)
    if first.difference is not None:
        said.append(f"In the witness ({first.where}) |w_torch − w_mindspore| reaches {first.difference:.3g}.")
    return Verdict(REFUTED, " ".join(said), first.case)


def _listed(results: dict[str, Tried]) -> str:
    return ", ".join(f"{name} {t}" for name, t in results.items())


def _largest(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(ours, theirs, strict=True))


def _float32_gap(beta: float) -> float:
    """How far 1 − β is off, relatively, where β is stored as float32."""
    return abs(float(np.float32(1) - np.float32(beta)) / (1 - beta) - 1)


def _relative(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    """The largest difference relative to ours, where ours is not 0."""
    return max(
        float((np.abs(a - b)[a != 0] / np.abs(a[a != 0])).max(initial=0.0))
        for a, b in zip(ours, theirs, strict=True)
    )


# C2, C4: devices.


def _by_device(lab: Lab, names: Sequence[str], cases: list[Case]) -> tuple[dict[str, bool], str, str]:
    """Whether the cases are taken, on every device that is there; which are not; and all in words."""
    taken: dict[str, bool] = {}
    absent, said = [], []
    for device in ("cpu", "gpu", "ascend"):
        try:
            results = [tried(lab, name, cases, device=device) for name in names]
        except NotRun as reason:
            if device == "cpu":
                raise
            absent.append(device)
            said.append(f"{device} was not run ({_first_sentence(str(reason))}).")
            continue
        taken[device] = all(t.within for t in results)
        said.append(f"On {device}, worst error / bound: {', '.join(map(str, results))}.")
    return taken, " and no ".join(absent), " ".join(said)


def sparse_on_cpu_only(lab: Lab, seed: int) -> Verdict:
    cases = cases_of(PLAIN, seed)
    taken, absent, said = _by_device(lab, list(LAZY_ADAM_FORMS.values()), cases)
    witness = min(cases, key=size)
    if taken != {device: device == "cpu" for device in taken}:
        return Verdict(REFUTED, said, witness)
    return Verdict(undecided(f"there is no {absent}") if absent else CONFIRMED, said, witness)


def dense_everywhere(lab: Lab, seed: int) -> Verdict:
    cases = cases_of(DENSE, seed)
    taken, absent, said = _by_device(lab, [LAZY_ADAM, PYNATIVE], cases)
    witness = min(cases, key=size)
    if not all(taken.values()):
        return Verdict(REFUTED, said, witness)
    return Verdict(undecided(f"there is no {absent}") if absent else CONFIRMED, said, witness)


# C3: the algorithm of Adam.


def dense_is_adam(lab: Lab, seed: int) -> Verdict:
    settings = (H(), replace(SETTINGS[1][0], weight_decay=0.1), H(nesterov=True, loss_scale=3.0))
    cases = cases_of(DENSE, seed, settings, 3)
    said, worst = [], 0.0
    for lazy in (*LAZY_ADAM_FORMS.values(), PYNATIVE):
        adam = lazy.replace("LazyAdam", "Adam")
        a, b = tried(lab, lazy, cases), tried(lab, adam, cases)
        worst = max(worst, a.worst.max(), b.worst.max())
        same = sum(_same(x, y) for x, y in zip(a.trajectories, b.trajectories, strict=False))
        said.append(f"{lazy}: {a}, {adam}: {b}, the same bits in {same} of {len(cases)} cases.")
    evidence = f"Worst error / bound of the reference dialect. {' '.join(said)}"
    return Verdict(CONFIRMED if worst <= 1 else REFUTED, evidence, min(cases, key=size))


def _same(a: Trajectory, b: Trajectory) -> bool:
    return all(
        x.tobytes() == y.tobytes()
        for ours, theirs in ((a.w, b.w), (a.m, b.m), (a.v, b.v))
        for x, y in zip(ours, theirs, strict=True)
    )


# C5 to C8: the same function under another name.

SCRIPT = "suites/equivalence/samples/arguments_mindspore.py"


def _arguments(lab: Lab) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the scripts of torch and of MindSpore say of the arguments of their optimizers."""
    found = []
    for framework in ("torch", "mindspore"):
        ran = lab.script(f"arguments_{framework}")
        assert not ran.error, ran.error
        found.append(json.loads(ran.output))
    return found[0], found[1]


def _outcome(t: Tried) -> str:
    """In the words of those scripts."""
    if t.error:
        return f"is refused ({t.error})"
    return "acts" if t.within else f"diverges (error / bound {t.worst.max():.2g})"


def _parts(what: str, ours: str, theirs: str) -> list[str]:
    """The sentence that says so, where the outcomes in the two frameworks are not of one kind."""
    if ours.partition(" (")[0] == theirs.partition(" (")[0]:
        return []
    return [f"{what}: in SparseAdam it {ours}; in LazyAdam it {theirs}."]


def _values(lab: Lab, cases: list[Case]) -> tuple[bool, str]:
    """Whether both follow the reference on the cases, and in words."""
    forms = {"SparseAdam": SPARSE_ADAM} | {f"LazyAdam, {f}": name for f, name in LAZY_ADAM_FORMS.items()}
    results = {form: tried(lab, name, cases) for form, name in forms.items()}
    return all(t.within for t in results.values()), f"worst error / bound {_listed(results)}"


def same_params(lab: Lab, seed: int) -> Verdict:
    ours, theirs = _arguments(lab)
    menu = replace(PLAIN, shapes=(((6, 4), (5, 3)),), hyperparameters=((H(), H(lr=0.1)),))
    cases = collect(menu, "float32", CASES, seed_of(seed, menu))
    within, said = _values(lab, cases)
    differences = [
        sentence
        for key in ("lr", "betas", "eps")
        for sentence in _parts(f"{key} of a group", ours["groups"][key], theirs["groups"][key])
    ]
    evidence = f"Two parameters in groups with their own lr: {said}. {' '.join(differences)}".strip()
    if within and not differences:
        return Verdict(CONFIRMED, evidence, min(cases, key=size))
    return Verdict(REFUTED, evidence, SCRIPT if within else min(cases, key=size))


def same_argument(
    lab: Lab, seed: int, *, names: tuple[str, ...], settings: tuple[H, ...], zero: H, listed: str = ""
) -> Verdict:
    """names: in torch, then in MindSpore. zero: where the argument is 0. listed: a list of values for it.

    Values of a group's own belong to the claim about params.
    """
    ours, theirs = _arguments(lab)
    default = ours["arguments"].get(names[0])
    defaults = [theirs["arguments"].get(name) for name in names[1:]]
    alike = default is not None and (default if isinstance(default, list) else [default]) == defaults
    cases = cases_of(PLAIN, seed, settings, 3)
    within, said = _values(lab, cases)
    at_zero = cases_of(replace(PLAIN, manner=frozenset({Manner.ARGUMENTS})), seed, (zero,), 1)
    results = (tried(lab, SPARSE_ADAM, at_zero), tried(lab, LAZY_ADAM, at_zero))
    parts_at_zero = _parts(f"{names[1]} = 0", *map(_outcome, results))
    differences = [
        *parts_at_zero,
        *(_parts(listed, ours[listed], theirs[listed]) if listed else []),
    ]
    evidence = (
        f"Defaults: {names[0]} {default}; {', '.join(names[1:])} {', '.join(map(str, defaults))}. "
        f"{len(settings)} values: {said}. {' '.join(differences)}"
    ).strip()
    if alike and within and not differences:
        return Verdict(CONFIRMED, evidence, min(cases, key=size))
    witness = at_zero[0] if parts_at_zero else SCRIPT if within else min(cases, key=size)
    return Verdict(REFUTED, evidence, witness)


# C9 to C12: what only LazyAdam has.


def _only_theirs(lab: Lab, name: str) -> tuple[bool, str]:
    ours, theirs = (side["arguments"] for side in _arguments(lab))
    default = f"default {theirs[name]}" if name in theirs else "missing"
    return name in theirs and name not in ours, (
        f"{name}: {default} in LazyAdam, {'present' if name in ours else 'none'} in SparseAdam."
    )


def locking(lab: Lab, seed: int) -> Verdict:
    only, said = _only_theirs(lab, "use_locking")
    cases = [case for menu in (PLAIN, DENSE) for case in cases_of(menu, seed)]
    locked = [replace(case, manner=frozenset({Manner.USE_LOCKING})) for case in cases]
    same = total = 0
    for name in LAZY_ADAM_FORMS.values():
        a, b = tried(lab, name, cases), tried(lab, name, locked)
        same += sum(_same(x, y) for x, y in zip(a.trajectories, b.trajectories, strict=False))
        total += len(cases)
    evidence = f"{said} With it {same} of {total} cases give the same bits as without."
    witness = min(locked, key=size)
    if not only or same < total:
        return Verdict(REFUTED, evidence, witness)
    why = "only concurrent updates of one variable would tell a lock, and a step of the optimizer is one call"
    return Verdict(undecided(why), evidence, witness)


def extra_argument(
    lab: Lab, seed: int, *, name: str, settings: tuple[H, ...], without: dict[str, Any]
) -> Verdict:
    """without: the hyperparameters that say that the argument does nothing."""
    only, said = _only_theirs(lab, name)
    within, acts = True, True
    ratios, controls = [], []
    witnesses: list[Case] = []
    for menu in (PLAIN, DENSE):
        cases = cases_of(menu, seed, settings, 4)
        for form in LAZY_ADAM_FORMS.values():
            t = tried(lab, form, cases)
            control = judged(lab, form, [_with(c, without) for c in t.cases], t.trajectories, Dialect())
            within, acts = within and t.within, acts and bool((control > 1).any())
            ratios.append(str(t))
            controls.append(f"{(control > 1).sum()} of {len(cases)}")
            witnesses += [c for c, ratio in zip(t.cases, control, strict=True) if ratio > 1]
    evidence = (
        f"{said} Sparse, then dense, each on the default target and the CPU: worst error / bound "
        f"{', '.join(ratios)}; cases beyond it if it did nothing: {', '.join(controls)}."
    )
    witness = min(witnesses, key=size, default=cases[0])
    return Verdict(CONFIRMED if only and within and acts else REFUTED, evidence, witness)


def _with(case: Case, changes: dict[str, Any]) -> Case:
    """The case with other hyperparameters."""
    groups = tuple(Group(g.parameters, replace(g.hyperparameters, **changes)) for g in case.groups)
    return replace(case, groups=groups)


def weight_decay(lab: Lab, seed: int) -> Verdict:
    settings = (H(weight_decay=0.1), H(weight_decay=1e-3, epsilon=1e-3))
    found = extra_argument(lab, seed, name="weight_decay", settings=settings, without={"weight_decay": 0.0})
    cases = cases_of(GRADIENTS["repeated rows"], seed, settings[:1])
    once, each = (
        tried(lab, LAZY_ADAM_FORMS['target = "CPU"'], cases, Dialect(weight_decay=way))
        for way in (WeightDecay.COALESCED, WeightDecay.PER_OCCURRENCE)
    )
    evidence = f"{found.evidence} On a repeated row: judged as added once {once}, once per occurrence {each}."
    return replace(found, evidence=evidence)


# S1, S2: the samples.


def sample(lab: Lab, seed: int, *, name: str) -> Verdict:
    """Whether the sample runs to its end, and what it trains gets better."""
    ran = lab.script(name)
    losses = [float(line.split()[1]) for line in ran.output.splitlines() if line.startswith("loss ")]
    witness = f"suites/equivalence/samples/{name}.py"
    if ran.error:
        return Verdict(REFUTED, f"After {len(losses)} steps: {ran.error}", witness)
    falls = len(losses) > 1 and losses[-1] < losses[0]
    evidence = f"It runs to its end; the loss by step: {', '.join(f'{x:.4g}' for x in losses)}."
    return Verdict(CONFIRMED if falls else REFUTED, evidence, witness)


CLAIMS = (
    Claim(
        "C1",
        "With sparse gradients and default arguments, LazyAdam and SparseAdam agree.",
        sparse_gradients_agree,
    ),
    Claim("C2", "LazyAdam takes sparse gradients on the CPU and on no other device.", sparse_on_cpu_only),
    Claim("C3", "With dense gradients LazyAdam runs the algorithm of mindspore.nn.Adam.", dense_is_adam),
    Claim("C4", "With dense gradients LazyAdam runs on CPU, GPU and Ascend.", dense_everywhere),
    Claim("C5", "params does the same in both.", same_params),
    Claim(
        "C6",
        "lr and learning_rate do the same.",
        partial(
            same_argument,
            names=("lr", "learning_rate"),
            settings=(H(), H(lr=0.3), H(lr=1e-5)),
            zero=H(lr=0.0),
            listed="a list of learning rates",
        ),
    ),
    Claim(
        "C7",
        "betas does the same as beta1 and beta2.",
        partial(
            same_argument,
            names=("betas", "beta1", "beta2"),
            settings=(H(), H(beta1=0.6, beta2=0.99), H(beta1=0.95, beta2=0.9999)),
            zero=H(beta1=0.0),
        ),
    ),
    Claim(
        "C8",
        "eps does the same in both.",
        partial(
            same_argument,
            names=("eps", "eps"),
            settings=(H(), H(epsilon=1e-3), H(epsilon=1e-2)),
            zero=H(epsilon=0.0),
        ),
    ),
    Claim("C9", "use_locking locks the update of the variables; SparseAdam has no such argument.", locking),
    Claim(
        "C10",
        "use_nesterov takes Nesterov's form of the update; SparseAdam has no such argument.",
        partial(
            extra_argument,
            name="use_nesterov",
            settings=(H(nesterov=True), H(nesterov=True, lr=0.3, epsilon=1e-3)),
            without={"nesterov": False},
        ),
    ),
    Claim("C11", "weight_decay adds λ·w to the gradient; SparseAdam has no such argument.", weight_decay),
    Claim(
        "C12",
        "loss_scale divides the gradients; SparseAdam has no such argument.",
        partial(
            extra_argument,
            name="loss_scale",
            settings=(H(loss_scale=3.0), H(loss_scale=1024.0)),
            without={"loss_scale": 1.0},
        ),
    ),
    Claim(
        "S1",
        "The sample in MindSpore trains a dense layer by LazyAdam in the default mode.",
        partial(sample, name="s1_mindspore"),
    ),
    Claim("S2", "The sample in torch trains a linear layer by SparseAdam.", partial(sample, name="s2_torch")),
)
