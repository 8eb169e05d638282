"""A claim, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.backends.base import NotRun
from lazyadam.suites.cases.case import Case
from lazyadam.suites.equivalence.lab import Lab


@dataclass(frozen=True)
class Decision:
    """What came of a claim, on what evidence; witness: a case that shows it, or a script."""

    word: str
    evidence: str
    witness: Case | str | None = None


@dataclass(frozen=True)
class Claim:
    """What is claimed, in a sentence, and how it is decided with a seed.

    page: where it is claimed. framework: it is asked where a backend of this runs; '' is always asked.
    """

    id: str
    text: str
    decide: Callable[[Lab, int], Decision]
    page: str = "mindspore.cn, Differences with torch.optim.SparseAdam, 2.x"
    framework: str = ""

    def decision(self, lab: Lab, seed: int) -> Decision:
        try:
            return self.decide(lab, seed)
        except NotRun as reason:
            return Decision(undecided(str(reason)), "")


def undecided(why: str) -> str:
    return f"{Claimed.CANT_BE_DECIDED} here ({why})"
