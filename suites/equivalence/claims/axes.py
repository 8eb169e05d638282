"""Claims that say what an optimizer means: decided by what the fingerprint observes of it."""

from collections.abc import Callable
from enum import Enum

import numpy as np

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.cases.strategies import size
from lazyadam.suites.equivalence.claims.claim import Decision, undecided
from lazyadam.suites.equivalence.claims.tried import PLAIN, cases_of, tried
from lazyadam.suites.equivalence.lab import Lab


def means(lab: Lab, seed: int, name: str, axis: str, value: Enum) -> Decision:
    """Whether a backend was seen to have this value on an axis, and no other."""
    found = lab.fingerprint(name, seed)
    observed, claimed = found.axes[axis], value.name.lower()
    evidence = f"Observed of {name}, {axis}: {observed.replace('|', ' or ')}."
    if observed.startswith("not asked"):
        return Decision(undecided(observed), "")
    if observed == claimed:
        cases = found.evidence[axis].cases
        return Decision(
            Claimed.CONFIRMED, f"{evidence} No other fits {len(cases)} cases.", min(cases, key=size)
        )
    if claimed in observed.split("|"):
        return Decision(
            undecided(f"what was tried does not tell {observed.replace('|', ' from ')}"), evidence
        )
    return Decision(Claimed.REFUTED, evidence, found.witness_against(axis, value))


def step_size(lab: Lab, seed: int, name: str, claimed: Callable[[Hyperparameters, int], float]) -> Decision:
    """Whether α of each step is as claimed, where the reference's α is within the bound."""
    cases = cases_of(PLAIN, seed)
    found = tried(lab, name, cases)
    if not found.within:
        return Decision(undecided(f"{name} does not speak the reference dialect"), str(found))
    times: list[float] = []
    for case in cases:
        h = case.groups[0].hyperparameters
        times += [
            float(claimed(h, t) / exact(h, t).alpha) for t in range(case.t + 1, case.t + len(case.steps) + 1)
        ]
    evidence = f"Worst error / bound of lr·√(1 − β2^t) / (1 − β1^t) {found}, of which α as claimed is"
    evidence += f" {min(times):.6g} to {max(times):.6g} times."
    agrees = max(abs(x - 1) for x in times) < 1e-12
    return Decision(Claimed.CONFIRMED if agrees else Claimed.REFUTED, evidence, min(cases, key=size))


def first_step(lab: Lab, seed: int, name: str, dtype: str) -> Decision:
    """Whether, by default, a first gradient enters v by 1 − β2, but for rounding to the type, and moves w."""
    zero, h = np.zeros((2, 1)), Hyperparameters()
    group, gradient = Group((0,), h), Gradient(np.ones((2, 1)))
    case = Case(dtype, (Parameter(zero, zero, zero),), (group,), (Step((gradient,)),), (1,))
    (ran,) = lab.run(name, [case])
    if ran.failure:
        return Decision(undecided(ran.failure.message), "")
    found = float(ran.v[0][-1].flat[0])
    moved = bool(ran.w[0][-1].any())
    evidence = (
        f"In {dtype} a first step by a gradient of 1 makes v {found:.6g}, where 1 − β2 is {1 - h.beta2:.6g}; "
        f"w {'moves' if moved else 'does not move'}."
    )
    near = abs(found / (1 - h.beta2) - 1) <= 4 * PRECISIONS[dtype].u
    return Decision(Claimed.CONFIRMED if near and moved else Claimed.REFUTED, evidence, case)
