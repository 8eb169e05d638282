"""Claims that say what an optimizer means: decided by what the fingerprint observes of it."""

from collections.abc import Callable
from enum import Enum

from lazyadam.reference.scalars import Hyperparameters, exact
from lazyadam.reports.vocabulary import Claimed
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
