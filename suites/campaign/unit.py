"""A unit of a campaign: some cases of a clause on a backend in a type. Done again it has the same result."""

import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis.errors import HypothesisDeprecationWarning

from lazyadam.reports.vocabulary import Against, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.campaign.covered import circumstances
from lazyadam.suites.cases import corpus
from lazyadam.suites.cases.strategies import seed_of
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import BUDGETS, Budget
from lazyadam.suites.conformance.examine import Examination, examine, verdict_row
from lazyadam.suites.conformance.sample import Sample, cells
from lazyadam.suites.conformance.tell import tell

Result = dict[str, Any]
CASES = 500
COMPILED = 20  # times fewer, where a case may be compiled for seconds
TRIES = 60  # to shrink a divergence
FINEST = -12  # ratios are counted by powers of two, from here
LARGEST_FILE = 2**20


@dataclass(frozen=True, order=True)
class Unit:
    """block: which cases; a campaign has as many blocks as it comes to. cases: how many are drawn.

    profile: whose cases they are instead, those of a run; that is one block.
    """

    block: int
    backend: str
    dtype: str
    clause: str
    cases: int
    profile: str = ""

    @property
    def key(self) -> str:
        return f"{self.block:06} {self.backend} {self.dtype} {self.clause}"

    def sample(self, backend: type[Backend], seed: int) -> Sample:
        """seed: of the campaign, or of the run."""
        clause = CLAUSES[self.clause]
        if self.profile:
            return Sample(clause, backend, self.dtype, seed, BUDGETS[self.profile])
        budget = Budget(*(self.cases, self.cases, self.cases), shrink_tries=TRIES, shrink_explained=False)
        return Sample(clause, backend, self.dtype, seed_of(seed, "campaign", self.block), budget)


def units_of(backend: type[Backend], block: int, profile: str = "") -> Iterator[Unit]:
    """Those of one block of a backend: of every clause that applies, in every type."""
    most = CASES // COMPILED if backend.compiles else CASES
    for clause, dtype in cells(backend):
        unit = Unit(block, backend.name, dtype, clause.id, most, profile)
        sample = unit.sample(backend, 0)
        yield replace(unit, cases=sample.budget.cases_of(clause, sample.menu, backend))


def done(unit: Unit, process: Process, seed: int) -> Result:
    """Rows of tables, lines, files of traces and scripts, and what was covered, as JSON takes it.

    Nothing of it may hang on which units went before.
    """
    # A scheduler's own thread may ask `random` something while a case is drawn, which doesn't.
    warnings.filterwarnings("ignore", "Do not use the `random` module", HypothesisDeprecationWarning)
    process.shrunk.clear()
    process.replayed = 0
    corpus.forget()
    sample = unit.sample(process.backend, seed)
    if why := process.not_run_in(unit.dtype):
        return not_done(unit, process.backend, process.device, Verdict.NOT_RUN, why)
    seen = examine(sample, process)
    with tempfile.TemporaryDirectory() as folder:
        told = tell(seen, process, Path(folder))
        files = {
            str(path.relative_to(folder)): path.read_text()
            for path in sorted(Path(folder).rglob("*"))
            if path.suffix in (".json", ".py") and path.stat().st_size <= LARGEST_FILE
            if not path.with_suffix(".npz").exists()  # a script that is nothing without its numbers
        }
    covered = Counter(x for case in seen.trial.cases for x in circumstances(case))
    return {
        "verdicts": [{**row, "shown": _shown(seen, i)} for i, row in enumerate(told.verdicts)],
        "evidence": told.evidence,
        "divergences": told.divergences,
        "new": told.new,
        "files": files,
        "covered": dict(sorted(covered.items())),
        "ratios": ratios(seen),
    }


def lost(result: Result) -> bool:
    """Whether the backend's process ended in some case."""
    return any(row["verdict"] == Verdict.DIES for row in result["verdicts"])


def not_done(unit: Unit, backend: type[Backend], device: str, word: str, why: str) -> Result:
    """What a unit came to that could not be done."""
    about = {"backend": backend.name, "version": "", "mode": backend.mode, "device": device}
    clause = CLAUSES[unit.clause]
    row = verdict_row({**about, "dtype": unit.dtype}, clause, Against.DOCUMENTED, word, None, 0, 0, why)
    told = f"{unit.key}: {word} ({why})"
    lost = word != Verdict.NOT_RUN
    return {
        "verdicts": [{**row, "explained_by": "" if lost else why, "shown": unit.cases if lost else 0}],
        "divergences": [told],
        "new": [told] * lost,
    }


def _shown(seen: Examination, row: int) -> int:
    """How many cases show what a row says."""
    failed = sum(t.failure is not None for t in seen.trial.trajectories)
    return failed + int((seen.judged[row].judgement.worst > 1).sum())


def ratios(seen: Examination) -> dict[str, int]:
    """How many cases have their largest error / bound, by the dialect that is spoken, up to a power of two.

    '-inf' is no error at all, or less than the finest.
    """
    judged = next(j for j in seen.judged if j.dialect == seen.trial.backend.spoken)
    worst = judged.judgement.worst
    with np.errstate(divide="ignore"):
        powers = np.ceil(np.log2(worst))
    counted = Counter("-inf" if x < FINEST else str(int(x)) if np.isfinite(x) else "inf" for x in powers)
    return dict(sorted(counted.items()))
