"""C2, C4: which gradients are taken on which device; C3: dense ones by the algorithm of Adam."""

from collections.abc import Sequence
from dataclasses import replace

from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.cases.case import Case
from lazyadam.suites.cases.strategies import size
from lazyadam.suites.clauses.clause import SETTINGS, H
from lazyadam.suites.equivalence.claims.claim import Decision, undecided
from lazyadam.suites.equivalence.claims.tried import (
    DENSE,
    LAZY_ADAM,
    LAZY_ADAM_FORMS,
    PLAIN,
    PYNATIVE,
    cases_of,
    first_sentence,
    same_bits,
    tried,
)
from lazyadam.suites.equivalence.lab import Lab


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
            said.append(f"{device} was not run ({first_sentence(str(reason))}).")
            continue
        taken[device] = all(t.within for t in results)
        said.append(f"On {device}, worst error / bound: {', '.join(map(str, results))}.")
    return taken, " and no ".join(absent), " ".join(said)


def sparse_on_cpu_only(lab: Lab, seed: int) -> Decision:
    cases = cases_of(PLAIN, seed)
    taken, absent, said = _by_device(lab, list(LAZY_ADAM_FORMS.values()), cases)
    witness = min(cases, key=size)
    if taken != {device: device == "cpu" for device in taken}:
        return Decision(Claimed.REFUTED, said, witness)
    return Decision(undecided(f"there is no {absent}") if absent else Claimed.CONFIRMED, said, witness)


def dense_everywhere(lab: Lab, seed: int) -> Decision:
    cases = cases_of(DENSE, seed)
    taken, absent, said = _by_device(lab, [LAZY_ADAM, PYNATIVE], cases)
    witness = min(cases, key=size)
    if not all(taken.values()):
        return Decision(Claimed.REFUTED, said, witness)
    return Decision(undecided(f"there is no {absent}") if absent else Claimed.CONFIRMED, said, witness)


def dense_is_adam(lab: Lab, seed: int) -> Decision:
    settings = (H(), replace(SETTINGS[1][0], weight_decay=0.1), H(nesterov=True, loss_scale=3.0))
    cases = cases_of(DENSE, seed, settings, 3)
    said, worst = [], 0.0
    for lazy in (*LAZY_ADAM_FORMS.values(), PYNATIVE):
        adam = lazy.replace("LazyAdam", "Adam")
        a, b = tried(lab, lazy, cases), tried(lab, adam, cases)
        worst = max(worst, a.worst.max(), b.worst.max())
        same = sum(same_bits(x, y) for x, y in zip(a.trajectories, b.trajectories, strict=False))
        said.append(f"{lazy}: {a}, {adam}: {b}, the same bits in {same} of {len(cases)} cases.")
    evidence = f"Worst error / bound of the reference dialect. {' '.join(said)}"
    return Decision(Claimed.CONFIRMED if worst <= 1 else Claimed.REFUTED, evidence, min(cases, key=size))
