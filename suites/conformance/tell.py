"""What an examination has found, told: rows of tables, lines, traces ready to pin, and scripts."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lazyadam.reference.dialect import Dialect
from lazyadam.reports.findings import ASKED_BY
from lazyadam.reports.tables import NotWritten, write_text
from lazyadam.reports.vocabulary import Against, Verdict
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Failure
from lazyadam.suites.conformance.bits import row as bits_row
from lazyadam.suites.conformance.examine import Examination, Judged, examine, verdict_row
from lazyadam.suites.conformance.sample import Sample, kept_at
from lazyadam.suites.conformance.shrink import by_size, diverges_alone, same_cause, smaller
from lazyadam.suites.divergences import scripts
from lazyadam.suites.divergences.layouts import layout_of, of_divergences, of_failures
from lazyadam.suites.divergences.pin import axes_of
from lazyadam.suites.divergences.ready import ready_to_pin
from lazyadam.suites.divergences.scripts import Same
from lazyadam.suites.judge.fitting import other_scalars
from lazyadam.suites.judge.judgement import QUANTITIES, Divergence, Judgement, circumstances
from lazyadam.suites.judge.trial import judged_by

Row = dict[str, Any]
TRACES = Path("traces")
REPLAYED = 3  # divergences that fresh processes show too: the others are then taken to be so
NOT_ALONE = "; not so alone, in a fresh process: it depends on the cases before it"


@dataclass
class Outcome:
    """Rows of tables, what to tell about divergences, and those not pinned."""

    verdicts: list[Row]
    tolerance: list[Row]
    divergences: list[str]
    bits: list[Row] = field(default_factory=list)
    evidence: list[Row] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


@dataclass
class Least:
    """The least case that shows a row, and what there is to say of it.

    text, short: what was seen, with all digits and with few. layout: of the gradient that shows it.
    divergence: where numbers diverge. same: which cases do for the same reason. alone: in a fresh process
    it does too.
    """

    case: Case
    text: str
    short: str
    layout: str
    divergence: Divergence | None = None
    same: Same | None = None
    alone: bool = True


@dataclass
class Telling:
    """What all that is told of an examination has in common.

    out: where files go. kept: the trace that a later run tries again, of what is not pinned.
    """

    process: Process
    out: Path
    kept: Path | None
    seen: Examination
    leasts: dict[tuple[Dialect, bool], Least] = field(default_factory=dict)  # of dialects judged, if pinned

    @property
    def sample(self) -> Sample:
        return self.seen.sample

    @property
    def explained(self) -> bool:
        """Whether the dialect that the backend speaks leaves nothing."""
        spoken = (j for j in self.seen.judged if j.dialect == self.process.backend.spoken)
        return any(j.judgement.worst.max(initial=0.0) <= 1 for j in spoken)


def run(sample: Sample, process: Process, out: Path, examples: Path | None = None) -> Outcome:
    """Examine a clause on a backend in a type; a trace is written of every divergence.

    examples: a folder that keeps the traces of those not pinned; a later run tries them again.
    """
    clause, backend = sample.clause, process.backend
    about = {**process.about, "dtype": sample.dtype}
    if why := process.not_run_in(sample.dtype):
        row = verdict_row(about, clause, Against.DOCUMENTED, Verdict.NOT_RUN, None, 0, 0, why)
        told = f"{backend.name} on {process.device}: not run ({why})"
        return Outcome([row], [], [told], new=[told] if process.given_up else [])
    kept = examples / f"{sample.name}.json" if examples and not clause.free else None
    again, broken = kept_at(kept, sample.dtype)
    result = tell(examine(sample, process, again), process, out, kept)
    return replace(result, divergences=[*broken, *result.divergences], new=[*broken, *result.new])


def tell(seen: Examination, process: Process, out: Path, kept: Path | None = None) -> Outcome:
    """What an examination found. kept: as `Telling` has it."""
    telling, backend, clause = Telling(process, out, kept, seen), process.backend, seen.sample.clause
    about = {**process.about, "dtype": seen.sample.dtype}
    result = Outcome([j.row for j in seen.judged], [], [], bits=[bits_row(about, seen)])
    for judged in seen.judged:
        if judged.dialect == backend.spoken and (clause.free or clause.id == "update-rule"):
            result.tolerance = list(_tolerance(about, judged.judgement))
        if judged.row["verdict"] == Verdict.DIVERGES or judged.account.missing:
            _tell_row(telling, judged, result)
    for failure in dict.fromkeys(t.failure for t in seen.trial.trajectories if t.failure):
        _tell_failure(telling, failure, result)
    return result


def _tell_row(telling: Telling, judged: Judged, result: Outcome) -> None:
    """What a row that diverges, or is not known, was seen in."""
    sample, process, row = telling.sample, telling.process, judged.row
    clause = sample.clause
    diverges = row["verdict"] == Verdict.DIVERGES and not telling.seen.path
    least = _divergence(telling, judged) if diverges else _failure(telling, judged)
    file = TRACES / f"{sample.name}.{row['against']}.json"
    row["witness"] = str(judged.account) or str(file)
    axes = row["explained_by"]
    why = f" (explained by {axes})" if axes_of(axes) else f" ({axes})" if axes else ""
    told = f"{sample.title}, against {row['against']}{why}: {least.text or row['verdict']}; trace {file}"
    if row["verdict"] == Verdict.DIVERGES and judged.account.missing:
        trial, least_of_all = telling.seen.trial, by_size(telling.seen.trial, judged)[:1]
        first, by = (judged_by(some, judged.dialect) for some in (trial.of(least_of_all), trial))
        if scalars := other_scalars(process.backend, judged.dialect, sample.dtype, by, first):
            told += f"; {scalars}"
    quantities = sorted({f.quantity for f in judged.judgement.divergences})
    unexplained = ([clause.id], quantities) if not axes_of(axes) else ()
    shown_by = ""
    try:
        ready_to_pin(least.case, telling.out / file, process, row, least.text, [least.layout], *unexplained)
        if diverges and unexplained and judged.account.missing and not clause.free:
            _pin_other_layouts(telling, judged, least, file)
        if telling.kept and judged.account.missing:
            write_text((telling.out / file).read_text(), telling.kept)
        # What is known has the script of its pin: in ci that is enough.
        if row["against"] == Against.DOCUMENTED and (
            judged.account.missing or sample.budget.shrink_explained
        ):
            shown_by = _script(telling, judged, least)
            told += f"; {shown_by}"
    except NotWritten as error:
        result.new.append(str(error))
    failures = (t.failure.message for t in telling.seen.trial.trajectories if t.failure)
    result.evidence.append(
        {
            **{name: row[name] for name in (*process.about, "dtype", "clause", "against")},
            "explained_by": " | ".join(judged.explanations),
            "quantities": "; ".join(quantities),
            "least": least.short or next(failures, ""),
            "trace": str(file),
            "script": _script_file(shown_by),
        }
    )
    result.divergences.append(told)
    if judged.account.missing:
        result.new.append(told)


def _pin_other_layouts(telling: Telling, judged: Judged, least: Least, file: Path) -> None:
    """Traces, beside that of the least case, that show what no axis explains at gradients of other layouts.

    A pin speaks of the layouts that its witness shows: to accept all that was seen takes one for each.
    """
    trial, found = telling.seen.trial, judged.judgement.divergences
    for old in (telling.out / TRACES).glob(f"{file.stem}.*.json"):  # of an earlier run
        old.unlink()
    left = set(of_divergences(trial.cases, found)) - {least.layout}
    layouts = {
        i: of_divergences(trial.cases, (f for f in found if f.case == i)) for i in by_size(trial, judged)
    }
    for i, of_case in sorted(layouts.items(), key=lambda item: not item[1] <= left):
        if left & of_case and least.same and least.same(trial.cases[i], trial.trajectories[i]):
            left -= of_case
            path = telling.out / file.with_suffix(f".{'-'.join(sorted(of_case))}.json")
            quantities = sorted({f.quantity for f in found})
            row, pinned = judged.row, ([telling.sample.clause.id], quantities)
            ready_to_pin(trial.cases[i], path, telling.process, row, least.text, of_case, *pinned)


def _divergence(telling: Telling, judged: Judged) -> Least:
    """The least case whose numbers diverge; of what is documented and is LazyAdam it is one."""
    key = judged.dialect, judged.account.missing
    if key not in telling.leasts:
        telling.leasts[key] = _least(telling, judged)
    return telling.leasts[key]


def _least(telling: Telling, judged: Judged) -> Least:
    process, trial, sample = telling.process, telling.seen.trial, telling.sample
    tries = sample.budget.tries_of(sample.backend, telling.explained)
    axes, wrong = judged.row["explained_by"], sorted({f.quantity for f in judged.judgement.divergences})
    asked_here = sample.clause.id in (ASKED_BY.get(axis) for axis in axes_of(axes))  # it is told first
    if process.shrunk[axes, *wrong] >= sample.budget.alike and not asked_here:
        tries = 0
    process.shrunk[axes, *wrong] += 1
    same = same_cause(trial, judged)
    case, divergence, at = smaller(telling.seen, process, judged, same, tries)
    step = case.steps[divergence.step - 1]
    beside = circumstances(step, divergence.parameter) + (at.told() if at else "")
    free_or_known = sample.clause.free or not judged.account.missing
    alone = free_or_known or process.replayed >= REPLAYED or diverges_alone(process, trial, judged, case)
    beside += "" if alone else NOT_ALONE
    layout = layout_of(step.gradients[divergence.parameter])
    return Least(
        case, divergence.message() + beside, divergence.short() + beside, layout, divergence, same, alone
    )


def _failure(telling: Telling, judged: Judged) -> Least:
    """The first case that fails as the row says; where something else ran than was asked for, the first."""
    word, trial, path = judged.row["verdict"], telling.seen.trial, telling.seen.path
    failing = (i for i, t in enumerate(trial.trajectories) if t.failure and t.failure.kind == word)
    one = trial.of([next(failing, 0)])
    layout = min(of_failures(one.cases, one.trajectories, word), default="none")
    return Least(one.cases[0], path, path, layout)


def _tell_failure(telling: Telling, failure: Failure, result: Outcome) -> None:
    """A failure of some of the cases; its trace and script, where no row has them."""
    sample, process, seen = telling.sample, telling.process, telling.seen
    told = f"{sample.title}: {failure.kind} at step {failure.step}: {failure.message}"
    unknown = failure in seen.unknown
    if unknown and failure.kind != seen.judged[0].row["verdict"]:
        one = seen.trial.of([next(i for i, t in enumerate(seen.trial.trajectories) if t.failure == failure)])
        file = TRACES / f"{sample.name}.{failure.kind}.json"
        row = {"verdict": failure.kind, "explained_by": ""}
        layout = min(of_failures(one.cases, one.trajectories, failure.kind))
        (case,) = one.cases
        try:
            ready_to_pin(
                case, telling.out / file, process, row, failure.message, [layout], [sample.clause.id]
            )
            name = f"{sample.name}.{failure.kind}.py"
            shown_by = scripts.of_failure(sample.clause, case, failure, process, telling.out, name)
            told += f"; trace {file}; {shown_by}"
            shown = {name: seen.judged[0].row[name] for name in (*process.about, "dtype", "clause")}
            shown |= {"against": failure.kind, "explained_by": "", "quantities": "", "least": failure.message}
            result.evidence.append(shown | {"trace": str(file), "script": _script_file(shown_by)})
        except NotWritten as error:
            result.new.append(str(error))
    result.divergences.append(told)
    if unknown:
        result.new.append(told)


def _script(telling: Telling, judged: Judged, least: Least) -> str:
    """Where the script of a divergence is, which is written; or why there is none."""
    clause, process, word = telling.sample.clause, telling.process, judged.row["verdict"]
    if word != Verdict.DIVERGES:
        failures = (t.failure for t in telling.seen.trial.trajectories if t.failure)
        failure = next(failure for failure in failures if failure.kind == word)
        name = scripts.name_of(clause.id, process.backend.name, least.case.dtype)
        return scripts.of_failure(clause, least.case, failure, process, telling.out, name)
    if least.divergence is None or least.same is None:
        return f"{scripts.NONE}{telling.seen.path}"
    if not least.alone:
        return f"{scripts.NONE}alone it does not diverge"
    seen = scripts.Shrunk(least.case, least.divergence, least.same, judged.judgement.arithmetic)
    return scripts.of_divergence(clause, seen, process, telling.out)


def _script_file(shown_by: str) -> str:
    """Where a script is, by what is told of it; '' if there is none."""
    return shown_by.removeprefix("script ") if shown_by.startswith("script ") else ""


def _tolerance(about: Row, judgement: Judgement) -> Iterator[Row]:
    """How far the backend is from the dialect its source speaks: in a step (0), or running on."""
    sizes = sorted(judgement.sizes.items(), key=lambda item: (QUANTITIES.index(item[0][0]), item[0][1]))
    for (quantity, steps), size in sizes:
        yield {
            **about,
            "quantity": quantity,
            "way": "free" if steps else "step",
            "steps": steps or judgement.steps,
            "max_ulp": size.ulp,
            "max_abs": size.absolute,
            "max_rel": size.relative,
            "max_ratio": size.ratio,
            "specification_gap": None if steps else size.gap,
        }
