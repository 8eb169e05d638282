"""State carried between torch's SparseAdam and each lazy optimizer: every leg is as its source says."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from lazyadam.reports.vocabulary import LOST, Against, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.torch.backends import SparseAdam
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Trajectory
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import seed_of
from lazyadam.suites.clauses.carried import CLAUSES
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.conformance.examine import Row, verdict_row, what_shows
from lazyadam.suites.divergences.accounting import account
from lazyadam.suites.divergences.pin import pins_of
from lazyadam.suites.equivalence.carried import Leg, carry
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.trial import Trial, judge
from lazyadam.suites.judge.verdict import dialects, verdict, wrong_path

CASES = 3


@dataclass
class Rows:
    """Rows for verdicts.csv and carried.csv, what to tell about divergences, and what is not explained."""

    verdicts: list[Row] = field(default_factory=list)
    carried: list[Row] = field(default_factory=list)
    divergences: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def test_carried_state(
    processes: Any,
    carried_item: tuple[type[Backend], str],
    seed: int,
    record_property: Callable[[str, object], None],
) -> None:
    backend, device = carried_item
    process, rows = processes.get(backend, device), Rows()
    with Process(SparseAdam) as torch:
        for clause in CLAUSES:
            missing = process.not_run or torch.not_run
            if missing:
                about = {**process.about, "dtype": "float32"}
                rows.verdicts.append(
                    verdict_row(about, clause, Against.DOCUMENTED, Verdict.NOT_RUN, None, 0, 0, missing)
                )
                rows.divergences.append(f"{clause.id}, {backend.name}: not run ({missing})")
                continue
            cases = collect(clause.menu(backend), "float32", CASES, seed_of(seed, clause.id))
            judge_legs(rows, clause, process, list(carry(cases, (torch, process, torch))), torch.run(cases))
    record_property("lazyadam-result", json.dumps(asdict(rows)))
    assert rows.verdicts
    assert not rows.new, "not known: " + "\n".join(rows.new)


def judge_legs(
    rows: Rows, clause: Clause, process: Process, legs: list[Leg], alone: list[Trajectory]
) -> None:
    """A row for each leg and dialect; and one for all legs, the worst of them.

    Each leg is judged as its own backend's documentation or source has it. alone: SparseAdam all the way.
    """
    for against, _ in dialects(process.backend):
        words, ratios = [], []
        explained: list[str] = []
        witnesses: list[str] = []
        for leg in legs:
            backend = leg.process.backend
            dialect = dict(dialects(backend)).get(against, backend.spoken)
            trial = Trial(clause, backend, leg.cases, leg.trajectories)
            judgement = judge(trial, dialect)
            path = wrong_path(backend, leg.process.device, "float32", leg.trajectories)
            words.append(verdict(judgement, leg.trajectories, path))
            ratios.append(float(judgement.worst.max()))
            diverges = words[-1] == Verdict.DIVERGES and path is None
            why = explanation(trial, dialect, judgement) if diverges else ""
            explained += [f"{backend.name}: {why}"] if why else []
            row = {
                "verdict": words[-1],
                "against": Against.EXPLAINED if dialect == backend.spoken else against,
                "clause": clause.id,
                "dtype": "float32",
                "explained_by": why,
            }
            found = account(row, backend, what_shows(trial, dialect, judgement, row), pins_of(leg.process))
            witnesses += [str(found)] if found.pins else []
            if found.missing:
                what = f"{clause.id}, {backend.name}, steps {leg.steps.start + 1} on, against {against}"
                rows.new.append(f"{what}: {words[-1]}" + (f" ({why})" if why else ""))
            if words[-1] == Verdict.DIVERGES:
                text = path or max(judgement.divergences, key=lambda f: f.ratio).message()
                rows.divergences.append(f"{clause.id}, {process.backend.name}, against {against}: {text}")
            rows.carried.append(
                {
                    **process.about,
                    "clause": clause.id,
                    "steps": f"{leg.steps.start + 1}–{leg.steps.stop}",
                    "optimizer": backend.name,
                    "against": against,
                    "verdict": words[-1],
                    "worst_ratio": ratios[-1],
                    "distance": distance(leg, alone),
                }
            )
        about = {**process.about, "dtype": "float32"}
        steps = sum(len(t.t) for leg in legs for t in leg.trajectories)
        worst = min(words, key=(*LOST, Verdict.DIVERGES, Verdict.REFUSES, Verdict.CONFORMS).index)
        why, witness = ("; ".join(dict.fromkeys(told)) for told in (explained, witnesses))
        row = verdict_row(about, clause, against, worst, max(ratios), CASES, steps, why)
        rows.verdicts.append({**row, "witness": witness})


def distance(leg: Leg, alone: list[Trajectory]) -> float | None:
    """The largest difference of a weight from SparseAdam alone, at the end of the leg."""
    if any(t.failure for t in leg.trajectories):
        return None
    pairs = zip(leg.trajectories, alone, strict=True)
    return max(float(np.abs(t.w[0][-1] - a.w[0][leg.steps.stop - 1]).max()) for t, a in pairs)
