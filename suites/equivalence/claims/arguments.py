"""C5 to C8: the same function under another name; C9 to C12: what only LazyAdam has."""

import json
from dataclasses import replace
from typing import Any

from lazyadam.reference.dialect import Dialect, WeightDecay
from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.cases.case import Case, Group, Manner
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import seed_of, size
from lazyadam.suites.clauses.clause import H
from lazyadam.suites.equivalence.claims.claim import Decision, undecided
from lazyadam.suites.equivalence.claims.tried import (
    CASES,
    DENSE,
    LAZY_ADAM,
    LAZY_ADAM_FORMS,
    PLAIN,
    SPARSE_ADAM,
    Tried,
    cases_of,
    judged,
    listed,
    same_bits,
    tried,
)
from lazyadam.suites.equivalence.lab import Lab

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
    return all(t.within for t in results.values()), f"worst error / bound {listed(results)}"


def same_params(lab: Lab, seed: int) -> Decision:
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
        return Decision(Claimed.CONFIRMED, evidence, min(cases, key=size))
    return Decision(Claimed.REFUTED, evidence, SCRIPT if within else min(cases, key=size))


def same_argument(
    lab: Lab, seed: int, *, names: tuple[str, ...], settings: tuple[H, ...], zero: H, listed: str = ""
) -> Decision:
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
        return Decision(Claimed.CONFIRMED, evidence, min(cases, key=size))
    witness = at_zero[0] if parts_at_zero else SCRIPT if within else min(cases, key=size)
    return Decision(Claimed.REFUTED, evidence, witness)


def _only_theirs(lab: Lab, name: str) -> tuple[bool, str]:
    ours, theirs = (side["arguments"] for side in _arguments(lab))
    default = f"default {theirs[name]}" if name in theirs else "missing"
    return name in theirs and name not in ours, (
        f"{name}: {default} in LazyAdam, {'present' if name in ours else 'none'} in SparseAdam."
    )


def locking(lab: Lab, seed: int) -> Decision:
    only, said = _only_theirs(lab, "use_locking")
    cases = [case for menu in (PLAIN, DENSE) for case in cases_of(menu, seed)]
    locked = [replace(case, manner=frozenset({Manner.USE_LOCKING})) for case in cases]
    same = total = 0
    for name in LAZY_ADAM_FORMS.values():
        a, b = tried(lab, name, cases), tried(lab, name, locked)
        same += sum(same_bits(x, y) for x, y in zip(a.trajectories, b.trajectories, strict=False))
        total += len(cases)
    evidence = f"{said} With it {same} of {total} cases give the same bits as without."
    witness = min(locked, key=size)
    if not only or same < total:
        return Decision(Claimed.REFUTED, evidence, witness)
    why = "only concurrent updates of one variable would tell a lock, and a step of the optimizer is one call"
    return Decision(undecided(why), evidence, witness)


def extra_argument(
    lab: Lab, seed: int, *, name: str, settings: tuple[H, ...], without: dict[str, Any]
) -> Decision:
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
    return Decision(Claimed.CONFIRMED if only and within and acts else Claimed.REFUTED, evidence, witness)


def _with(case: Case, changes: dict[str, Any]) -> Case:
    """The case with other hyperparameters."""
    groups = tuple(Group(g.parameters, replace(g.hyperparameters, **changes)) for g in case.groups)
    return replace(case, groups=groups)


def weight_decay(lab: Lab, seed: int) -> Decision:
    settings = (H(weight_decay=0.1), H(weight_decay=1e-3, epsilon=1e-3))
    found = extra_argument(lab, seed, name="weight_decay", settings=settings, without={"weight_decay": 0.0})
    cases = cases_of(replace(PLAIN, rows=("repeated",)), seed, settings[:1])
    once, each = (
        tried(lab, LAZY_ADAM_FORMS['target = "CPU"'], cases, Dialect(weight_decay=way))
        for way in (WeightDecay.COALESCED, WeightDecay.PER_OCCURRENCE)
    )
    evidence = f"{found.evidence} On a repeated row: judged as added once {once}, once per occurrence {each}."
    return replace(found, evidence=evidence)
