"""A seeded host goes the way of any backend: clause by clause, until a run of the suite would fail."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

import numpy as np

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.errors import not_kept
from lazyadam.suites.backends.workers.runs import about
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.budget import BUDGETS
from lazyadam.suites.conformance.examine import Examination, examine
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.hosts.edit import Edits
from lazyadam.suites.detection.hosts.numpy_host import NumpyLazyAdam
from lazyadam.suites.detection.hosts.torch_host import SeededSparseAdam
from lazyadam.suites.divergences.pin import Pin, broken, pins_of

HOSTS: dict[str, type[NumpyLazyAdam] | type[SeededSparseAdam]] = {
    "numpy": NumpyLazyAdam,
    "torch": SeededSparseAdam,
}
BUDGET = replace(BUDGETS["ci"], shrink_tries=0)
# What finds most of what the clauses before it leave (detection_matrix.csv): tried first, faults end sooner.
FIRST = {
    *("update-rule", "save-and-load", "gradient-kept", "several-parameters", "learning-rate"),
    *("empty-gradient", "special-values", "wide-rows"),
}


class Here:
    """A backend in this process: a fault needs no other, and two hundred would cost minutes to start.

    Raises:
        NotRun: the framework isn't there.
    """

    not_run: str | None = None
    device = "cpu"

    def __init__(self, instance: Backend) -> None:
        self.instance, self.backend = instance, type(instance)
        self.version = instance.prepare()
        self.about = about(self.backend, self.version, self.device)

    def run(self, cases: list[Case]) -> list[Trajectory]:
        return [self.instance.run(case) for case in cases]


def seeded(host: str, edits: Edits = ()) -> Here:
    """A host with edits, ready to run.

    Raises:
        NotRun: its framework isn't there.
        NotSeeded: an edit does not fit its source.
    """
    return Here(HOSTS[host]("cpu", edits))


def applicable(host: Here, dtype: str, likely: str = "") -> list[Clause]:
    """The clauses that a host is held to: a likely one, FIRST, and those whose cases take long last."""
    found = [c for c in CLAUSES.values() if not c.missing(host.backend) and dtype in c.dtypes(host.backend)]
    return sorted(
        found, key=lambda c: (c.id != likely, c.id not in FIRST, c.free, -c.menu(host.backend).most)
    )


def flagged_by(host: Here, dtype: str, seed: int) -> dict[str, bool]:
    """Whether each clause and each pin fails a run of the profile ci."""
    samples = (Sample(clause, host.backend, dtype, seed, BUDGET) for clause in applicable(host, dtype))
    clauses = {sample.clause.id: examine(sample, host).new for sample in samples}
    return clauses | {f"pin {pin.name}": bool(message) for pin, message in broken_pins(host, dtype)}


def broken_pins(host: Here, dtype: str) -> Iterator[tuple[Pin, str]]:
    """The known divergences of a host, each with what its witness no longer shows."""
    for pin in pins_of(host):
        if pin.case.dtype == dtype:
            yield pin, broken(pin, host.backend, host.run([pin.case])[0])


@dataclass(frozen=True)
class Kill:
    """The clause that failed, the cases judged up to the one that failed, and the seconds it took.

    raised: the error by which it failed, where it was one.
    """

    clause: str
    cases: int
    seconds: float
    raised: str = ""


def first_kill(host: Here, dtype: str, seed: int, likely: str = "") -> Kill | None:
    """The first failure in the profile ci; None where none fails. likely: the clause or pin tried first."""
    start = time.perf_counter()
    before = 0
    # A change for the better fails a run too: the witness of a known divergence no longer shows it.
    ways = [_by_clauses(host, dtype, seed, likely), _by_pins(host, dtype)]
    for tried in chain(*(ways[::-1] if likely.startswith("pin ") else ways)):
        if tried.failing is not None:
            cases = before + 1 + tried.failing
            return Kill(tried.by, cases, time.perf_counter() - start, tried.raised)
        before += tried.cases
    return None


class _Tried(NamedTuple):
    """failing: the position of the first case that fails the run; None where none does."""

    by: str
    cases: int
    failing: int | None
    raised: str = ""


def _by_clauses(host: Here, dtype: str, seed: int, likely: str) -> Iterator[_Tried]:
    for clause in applicable(host, dtype, likely):
        seen = examine(Sample(clause, host.backend, dtype, seed, BUDGET), host)
        errors = [f.message for f in seen.unknown if not not_kept(f)]
        failing = first_failing(seen) if seen.new else None
        yield _Tried(clause.id, len(seen.trial.cases), failing, errors[0] if errors else "")


def _by_pins(host: Here, dtype: str) -> Iterator[_Tried]:
    for pin, message in broken_pins(host, dtype):
        yield _Tried(f"pin {pin.name}", 1, 0 if message else None)


def first_failing(seen: Examination) -> int:
    """The position of the first case that fails the run."""
    if seen.path:
        return 0
    unaccounted = [j.judgement.worst > 1 for j in seen.judged if j.account.missing]
    diverging = [int(np.argmax(over)) for over in unaccounted if over.any()]
    failing = [i for i, t in enumerate(seen.trial.trajectories) if t.failure in seen.unknown]
    # Against its documentation a host may diverge in other ways, known ones, before it fails.
    return min(failing + diverging[-1:])
