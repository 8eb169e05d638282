"""A seeded host goes the way of any backend: clause by clause, until a run of the suite would fail."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

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


def applicable(host: Here, dtype: str) -> list[Clause]:
    """The clauses that a host is held to: FIRST, and those whose cases take long last."""
    found = [c for c in CLAUSES.values() if not c.missing(host.backend) and dtype in c.dtypes(host.backend)]
    return sorted(found, key=lambda c: (c.id not in FIRST, c.free, -c.menu(host.backend).most))


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


def first_kill(host: Here, dtype: str, seed: int) -> Kill | None:
    """The first failure of the clauses in the profile ci; None where none fails."""
    start = time.perf_counter()
    before = 0
    for clause in applicable(host, dtype):
        seen = examine(Sample(clause, host.backend, dtype, seed, BUDGET), host)
        if seen.new:
            errors = [f.message for f in seen.unknown if not not_kept(f)]
            raised = errors[0] if errors else ""
            return Kill(clause.id, before + 1 + _first(seen), time.perf_counter() - start, raised)
        before += len(seen.trial.cases)
    # A change for the better fails a run too: the witness of a known divergence no longer shows it.
    for pin, message in broken_pins(host, dtype):
        before += 1
        if message:
            return Kill(f"pin {pin.name}", before, time.perf_counter() - start)
    return None


def _first(seen: Examination) -> int:
    """The position of the first case that fails the run."""
    if seen.path:
        return 0
    unaccounted = [j.judgement.worst > 1 for j in seen.judged if j.account.missing]
    diverging = [int(np.argmax(over)) for over in unaccounted if over.any()]
    failing = [i for i, t in enumerate(seen.trial.trajectories) if t.failure in seen.unknown]
    # Against its documentation a host may diverge in other ways, known ones, before it fails.
    return min(failing + diverging[-1:])
