"""C1: the same sparse gradients."""

from dataclasses import dataclass, replace

import numpy as np

from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.cases.case import Case
from lazyadam.suites.cases.strategies import size
from lazyadam.suites.clauses.clause import H
from lazyadam.suites.equivalence.claims.claim import Decision, undecided
from lazyadam.suites.equivalence.claims.tried import (
    LAZY_ADAM_FORMS,
    PLAIN,
    PYNATIVE,
    SPARSE_ADAM,
    cases_of,
    listed,
    tried,
)
from lazyadam.suites.equivalence.lab import Lab

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


def sparse_gradients_agree(lab: Lab, seed: int) -> Decision:
    by_kind = {kind: cases_of(menu, seed) for kind, menu in GRADIENTS.items()}
    ours = {kind: tried(lab, SPARSE_ADAM, cases) for kind, cases in by_kind.items()}
    if not all(t.within for t in ours.values()):
        return Decision(undecided("SparseAdam does not speak the reference dialect"), listed(ours))
    said = [f"Worst error / bound of the reference dialect. SparseAdam: {listed(ours)}."]
    apart: list[Apart] = []
    gap = 0.0
    forms = [(form, name, by_kind) for form, name in LAZY_ADAM_FORMS.items()]
    # One case: every refusal costs seconds.
    forms.append(("PyNative, the default mode", PYNATIVE, {"distinct rows": by_kind["distinct rows"][:1]}))
    for form, name, kinds in forms:
        theirs = {kind: tried(lab, name, cases) for kind, cases in kinds.items()}
        said.append(f"LazyAdam, {form}: {listed(theirs)}.")
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
        return Decision(Claimed.CONFIRMED, " ".join(said), min(by_kind["distinct rows"], key=size))
    first = min(apart, key=Apart.order)
    if first.difference is not None:
        said.append(f"In the witness ({first.where}) |w_torch − w_mindspore| reaches {first.difference:.3g}.")
    return Decision(Claimed.REFUTED, " ".join(said), first.case)


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
