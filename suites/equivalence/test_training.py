"""The same embedding trained by every backend, step by step as its source says, or as it is known to fail."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lazyadam.reports.vocabulary import Against, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Gradient, Step
from lazyadam.suites.cases.strategies import Menu, seed_of
from lazyadam.suites.cases.training import Layer, Trained, Training, trained_alone, training_task
from lazyadam.suites.clauses.clause import PAPER, Clause
from lazyadam.suites.conformance.examine import Row, what_shows
from lazyadam.suites.divergences.accounting import account
from lazyadam.suites.divergences.pin import pins_of
from lazyadam.suites.divergences.witness import cut
from lazyadam.suites.judge.explanation import explanation
from lazyadam.suites.judge.trial import Trial, judge
from lazyadam.suites.judge.verdict import dialects, verdict, wrong_path

CLAUSE = Clause(
    "training",
    "every step of a training follows the update rule",
    "a layer is trained",
    f"{PAPER}, through autograd",
    lambda _: Menu(),
)
USUAL = (16, 1000)  # ids a batch, and steps
FITTING = (40, 10)  # as many ids as the table has rows: values that have lost their rows fit it
SHOWN = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass
class Rows:
    """Rows for training.csv and training_losses.csv, what to tell of divergences, and what is not known."""

    training: list[Row] = field(default_factory=list)
    training_losses: list[Row] = field(default_factory=list)
    divergences: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


def test_training(
    processes: Any,
    training_item: tuple[type[Backend], str],
    seed: int,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    backend, device = training_item
    process, rows = processes.get(backend, device), Rows()
    for layer in backend.layers:
        for ids, steps in (USUAL, FITTING) if layer.way == "plain" else (USUAL,):
            training = training_task(seed_of(seed, CLAUSE.id, ids), steps, ids)
            about = {**process.about, "layer": layer.layer, "way": layer.way, "ids": ids}
            if process.not_run:
                rows.training.append(not_run(about, process.not_run))
                continue
            trained = process.train(training, layer)
            judge_training(rows, about, process, layer, training, trained, pytestconfig.getoption("--out"))
            rows.training_losses += losses(about, training, trained)
    record_property("lazyadam-result", json.dumps(asdict(rows)))
    assert rows.training
    assert not rows.new, "not known: " + "\n".join(rows.new)


def not_run(about: Row, reason: str) -> Row:
    return {**about, "against": Against.DOCUMENTED, "verdict": Verdict.NOT_RUN, "steps": 0, "message": reason}


def judge_training(
    rows: Rows, about: Row, process: Process, layer: Layer, training: Training, trained: Trained, out: Path
) -> None:
    """A row for each dialect, and a line for each that does not fit."""
    backend, trajectory, failure = process.backend, trained.trajectory, trained.trajectory.failure
    case = with_rows(trained.case, training) if layer.sparse else trained.case
    path = wrong_path(backend, process.device, "float32", [trajectory])
    what = f"{CLAUSE.id}, {backend.name}, {layer.layer}, {layer.way}, {about['ids']} ids"
    trial = Trial(CLAUSE, backend, [case], [trajectory])
    for against, dialect in dialects(backend):
        judgement = judge(trial, dialect)
        word, explained = verdict(judgement, [trajectory], path), ""
        spoken = dialect == backend.spoken
        if word == Verdict.DIVERGES and path is None and (spoken or against != Against.REFERENCE):
            explained = explanation(trial, dialect, judgement)
        row = {
            "verdict": word,
            "against": Against.EXPLAINED,
            "clause": CLAUSE.id,
            "dtype": "float32",
            "explained_by": explained,
        }
        found = account(row, backend, what_shows(trial, dialect, judgement, row), pins_of(process))
        if spoken and (word == Verdict.CONFORMS if layer.fails else found.missing):
            rows.new.append(f"{what}: {word}")
        if word == Verdict.DIVERGES and path is None and against != Against.REFERENCE:
            divergence = max(judgement.divergences, key=lambda f: f.ratio)
            text = divergence.message()
            witness = cut(case, trajectory, divergence.step)
            if takes(backend, witness):
                file = out / "traces" / f"{CLAUSE.id}.{backend.name}.{witness.digest}.{against}.json"
                about_it = {"clause": CLAUSE.id, "backend": backend.name, "against": against, "finding": text}
                trace.save(witness, file, about_it)
                text += f"; trace {file}"
            rows.divergences.append(f"{what}, against {against}: {text}")
        rows.training.append(
            {
                **about,
                "against": against,
                "verdict": word,
                "worst_ratio": float(judgement.worst[0]) if judgement.steps else None,
                "steps": judgement.steps,
                "repeated": training.repeated,
                **ends(training, trained),
                "explained_by": explained,
                "message": path or (failure.message if failure else ""),
            }
        )
    for reason in filter(None, (path, failure and f"{failure.kind}: {failure.message}")):
        rows.divergences.append(f"{what}: {reason}")


def with_rows(case: Case, training: Training) -> Case:
    """The case with the rows of the ids where autograd has lost them: what was meant."""

    def meant(gradient: Gradient | None, ids: np.ndarray) -> Gradient | None:
        return Gradient(gradient.values, ids) if gradient and gradient.rows is None else gradient

    steps = zip(case.steps, training.batches, strict=False)
    return replace(case, steps=tuple(Step((meant(s.gradients[0], ids),)) for s, (ids, _) in steps))


def takes(backend: type[Backend], case: Case) -> bool:
    """Whether the backend can be handed the gradients of the case without autograd."""
    layouts = {"dense" if g.rows is None else "sparse" for s in case.steps for g in s.gradients if g}
    return layouts <= backend.layouts


def ends(training: Training, trained: Trained) -> Row:
    """The loss at both ends, and how far the table ends up from that of LazyAdam trained by itself."""
    if len(trained.losses) < len(training.batches):
        return {}
    table, _ = trained_alone(training)
    distance = float(np.abs(trained.trajectory.w[0][-1] - table).max())
    return {"first_loss": trained.losses[0], "last_loss": trained.losses[-1], "distance": distance}


def losses(about: Row, training: Training, trained: Trained) -> list[Row]:
    _, reference = trained_alone(training)
    return [
        {**about, "step": k, "loss": trained.losses[k - 1], "reference_loss": reference[k - 1]}
        for k in SHOWN
        if k <= len(trained.losses)
    ]
