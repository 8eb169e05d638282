"""From a backend and a check to rows of the tables."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Arithmetic, Dialect
from lazyadam.reports.tables import NotWritten, write_text
from lazyadam.suites import scripts
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.process import Process, Runs
from lazyadam.suites.case import Case, Failure, Trajectory
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.corpus import collect
from lazyadam.suites.cases.strategies import Menu, seed_of, shrink, size
from lazyadam.suites.cases.strategies import cases as case_strategy
from lazyadam.suites.clauses.clause import Clause
from lazyadam.suites.divergences.accounting import Seen, known, known_axes
from lazyadam.suites.divergences.layouts import layout_of, of_failures, of_findings
from lazyadam.suites.divergences.pin import axes_of, pins_of, ready_to_pin
from lazyadam.suites.divergences.witness import cut
from lazyadam.suites.judge.fitting import declares, fitting, other_scalars
from lazyadam.suites.judge.free_running import free_running
from lazyadam.suites.judge.judgement import QUANTITIES, Finding, Judgement, circumstances
from lazyadam.suites.judge.run_again import not_run_again
from lazyadam.suites.judge.step_by_step import step_by_step

Row = dict[str, Any]
Same = Callable[[Case, list[Trajectory]], bool]
LOOKED_AT = 10  # cases that are wrong: what explains some of them is not what explains none


@dataclass(frozen=True)
class Budget:
    """How much is tried: cases for each clause, and seconds to shrink a divergence.

    compiled, repeated: cases where the backend compiles them, and where it runs the operators of another.
    shrink_explained: also shrink what the dialect that the backend speaks explains.
    """

    cases: int
    compiled: int
    repeated: int
    shrink_seconds: float
    shrink_explained: bool = True

    def cases_of(self, clause: Clause, menu: Menu, backend: type[Backend]) -> int:
        """How many cases of a clause a backend is given."""
        if clause.free:
            return 1
        usual = self.repeated if backend.repeats else self.compiled if backend.compiles else self.cases
        return min(usual, menu.most)


BUDGETS = {
    "ci": Budget(30, 10, 4, 1.0, shrink_explained=False),
    "nightly": Budget(150, 150, 150, 20.0),
    "deep": Budget(1500, 1500, 1500, 120.0),
}


@dataclass
class Outcome:
    """Rows of tables, what to tell about divergences, and those not pinned."""

    verdicts: list[Row]
    tolerance: list[Row]
    divergences: list[str]
    evidence: list[Row] = field(default_factory=list)
    new: list[str] = field(default_factory=list)


@dataclass
class Judged:
    """What was seen, judged against one dialect: its row, and the pins that account for it.

    accounted: their names; '' where none is needed, None where none do. explanations: each of which would do.
    """

    dialect: Dialect
    judgement: Judgement
    row: Row
    accounted: str | None
    explanations: list[str]


@dataclass
class Examination:
    """A clause on a backend in a type: what was tried, what came of it, and how it was judged.

    path: what ran, where that is not what was asked for. unknown: failures that no pin accounts for.
    """

    cases: list[Case]
    trajectories: list[Trajectory]
    path: str
    judged: list[Judged]
    unknown: list[Failure]

    @property
    def new(self) -> bool:
        """Whether something is not known yet: what fails a run."""
        return bool(self.unknown) or any(j.accounted is None for j in self.judged)


def dialects(backend: type[Backend]) -> Iterator[tuple[str, Dialect]]:
    """What a backend is judged against: its documentation, LazyAdam, and what its source speaks."""
    yield "documented", backend.documented
    yield "reference", Dialect()
    if backend.spoken not in (backend.documented, Dialect()):
        yield "explained", backend.spoken


def judge(
    clause: Clause,
    cases: list[Case],
    trajectories: list[Trajectory],
    backend: type[Backend],
    dialect: Dialect,
    drift: bool = False,
) -> Judgement:
    """drift: a free run is judged to its end, not only as far as decides."""
    by = _by(clause, cases, trajectories, dialect, drift and declares(backend))
    judgement = fitting(backend, dialect, cases[0].dtype, by)
    if clause.free and drift and not declares(backend) and judgement.worst.max(initial=0.0) <= 1:
        # Which arithmetic fits was decided by a part of the run: the others need not be run to the end.
        assert judgement.arithmetic is not None
        return _by(clause, cases, trajectories, dialect, drift)(judgement.arithmetic)
    return judgement


def _by(
    clause: Clause,
    cases: list[Case],
    trajectories: list[Trajectory],
    dialect: Dialect,
    drift: bool = False,
) -> Callable[[Arithmetic], Judgement]:
    def by(arithmetic: Arithmetic) -> Judgement:
        if clause.free:
            return free_running(cases, trajectories, dialect, arithmetic, None if drift else 100)
        return step_by_step(
            cases,
            trajectories,
            dialect,
            arithmetic,
            sizes=clause.id == "update-rule",
            strict_epsilon=clause.strict_epsilon,
        )

    return by


def explanation(
    clause: Clause,
    cases: list[Case],
    trajectories: list[Trajectory],
    backend: type[Backend],
    dialect: Dialect,
    judgement: Judgement,
    beyond: frozenset[tuple[int, str]] = frozenset(),
) -> str:
    """The first of `explanations`, or 'unexplained'."""
    found = explanations(clause, cases, trajectories, backend, dialect, judgement, beyond)
    return next(found, "unexplained")


def explanations(
    clause: Clause,
    cases: list[Case],
    trajectories: list[Trajectory],
    backend: type[Backend],
    dialect: Dialect,
    judgement: Judgement,
    beyond: frozenset[tuple[int, str]] = frozenset(),
) -> Iterator[str]:
    """The axes that, turned to what the backend speaks, explain a divergence: the fewest first.

    Where its source was not read, a single axis turned to any of its values. beyond: cases and quantities
    that they need not explain.
    """
    worst = int(np.argmax(judgement.worst))

    def explains(turned: Dialect, only: slice) -> bool:
        judged = judge(clause, cases[only], trajectories[only], backend, turned)
        if beyond:
            first = only.start or 0
            return {(first + f.case, f.quantity) for f in judged.findings} <= beyond
        return float(judged.worst.max()) <= 1

    for turned in turnings(dialect, backend):
        if explains(turned, slice(worst, worst + 1)) and explains(turned, slice(None)):
            axes = [f.name for f in fields(Dialect) if getattr(dialect, f.name) != getattr(turned, f.name)]
            yield "; ".join(f"{axis}: {getattr(turned, axis).name.lower()}" for axis in axes)


def same_cause(
    clause: Clause, seen: Examination, backend: type[Backend], judged: Judged
) -> Callable[[Case, list[Trajectory]], bool]:
    """Whether a case that diverges does so for the reason of a row, and not of what shows beside it.

    What axes explain is right where they are turned; what none explains is wrong however those are turned
    that explain others of the cases.
    """
    turned = {axis: value.upper() for axis, value in axes_of(judged.row["explained_by"]).items()}
    if turned:
        values: dict[str, Any] = {a: type(getattr(judged.dialect, a))[v] for a, v in turned.items()}
        spoken = replace(judged.dialect, **values)
        return lambda case, ran: not judge(clause, [case], ran, backend, spoken).findings
    cases, trajectories = seen.cases, seen.trajectories
    wrong = sorted({f.case for f in judged.judgement.findings}, key=lambda i: size(cases[i]))[:LOOKED_AT]
    beside = []
    for dialect in turnings(judged.dialect, backend):
        found = judge(clause, [cases[i] for i in wrong], [trajectories[i] for i in wrong], backend, dialect)
        if 0 < len({f.case for f in found.findings}) < len(wrong):
            beside.append(dialect)
    return lambda case, ran: all(judge(clause, [case], ran, backend, d).findings for d in beside)


def turnings(dialect: Dialect, backend: type[Backend]) -> Iterator[Dialect]:
    """The dialect with axes turned to what may explain a backend, fewest first."""
    if not backend.source_read:
        for f in fields(Dialect):
            for value in type(getattr(dialect, f.name)):
                if value is not getattr(dialect, f.name):
                    yield replace(dialect, **{f.name: value})
        return
    spoken = backend.spoken
    axes = [f.name for f in fields(Dialect) if getattr(dialect, f.name) != getattr(spoken, f.name)]
    for count in range(1, len(axes) + 1):
        for chosen in combinations(axes, count):
            yield replace(dialect, **{axis: getattr(spoken, axis) for axis in chosen})


def verdict(judgement: Judgement, trajectories: list[Trajectory], path: str | None) -> str:
    """One word for a clause: the worst of what was seen."""
    kinds = {t.failure.kind for t in trajectories if t.failure}
    for kind in ("dies", "hangs"):
        if kind in kinds:
            return kind
    if judgement.worst.max(initial=0.0) > 1 or path is not None:
        return "diverges"
    return "refuses" if kinds else "conforms"


def wrong_path(backend: type[Backend], device: str, dtype: str, trajectories: list[Trajectory]) -> str | None:
    """What ran, where that is not what was asked for: None where it is."""
    wanted = {"mode": backend.mode, "device": device, "dtype": dtype}
    if backend.branch:
        wanted["branch"] = backend.branch
    for t in trajectories:
        if lacking := t.path.get("lacking"):
            return f"asked for {lacking}, which did not take place"
        for name, value in wanted.items():
            if t.path and t.path[name] != value:
                return f"asked for {name} {value}, but {t.path[name]} ran"
    return None


def examine(
    clause: Clause, process: Runs, dtype: str, seed: int, budget: Budget, kept: Sequence[Case] = ()
) -> Examination:
    """Try a clause on a backend that runs, in a type, and judge it every way. kept: cases tried beside."""
    backend = process.backend
    about = {**process.about, "dtype": dtype}
    menu = menu_of(clause, backend, dtype)
    count = budget.cases_of(clause, menu, backend)
    cases = [*collect(menu, dtype, count, seed_of(seed, clause.id, dtype)), *kept]
    trajectories = process.run(cases[:1])
    first = trajectories[0].failure
    # One that is lost, or refuses for seconds (MindSpore), is not asked again and again.
    if first is None or first.step > 1 or (first.kind == "refuses" and not backend.compiles):
        trajectories += process.run(cases[1:])
    cases = cases[: len(trajectories)]
    path = wrong_path(backend, process.device, dtype, trajectories) or not_run_again(cases, trajectories)
    covering = pins_of(process)
    judged = []
    # The documentation may promise what LazyAdam does.
    judgements: dict[Dialect, Judgement] = {}
    explained: dict[Dialect, list[str]] = {}
    for against, dialect in dialects(backend):
        if dialect not in judgements:
            drift = dialect == backend.spoken
            judgements[dialect] = judge(clause, cases, trajectories, backend, dialect, drift)
        judgement = judgements[dialect]
        word = verdict(judgement, trajectories, path)
        if word == "diverges" and path is None and dialect not in explained:
            found = explanations(clause, cases, trajectories, backend, dialect, judgement)
            # Where its source was not read, several axes may explain it: all are told.
            explained[dialect] = list(islice(found, 1) if backend.source_read else found) or ["unexplained"]
        why = explained.get(dialect, [""]) if word == "diverges" and path is None else [""]
        row = verdict_row(
            about,
            clause,
            against,
            word,
            float(judgement.worst.max(initial=0.0)),
            len(cases),
            judgement.steps,
            why[0],
        )
        seen = what_shows(clause, cases, trajectories, backend, dialect, judgement, row)
        accounted = known(row, backend, seen, covering)
        row["witness"] = accounted or ""
        judged.append(Judged(dialect, judgement, row, accounted, why))
    documented, spoken = judged[0], next(j for j in judged if j.dialect == backend.spoken)
    shown = what_shows(clause, cases, trajectories, backend, spoken.dialect, spoken.judgement, spoken.row)
    rest = known({**spoken.row, "against": "explained"}, backend, shown, covering)
    if documented.accounted is None and spoken is not documented and rest:
        # More than one thing at once: what the axes leave is what is known of the dialect that is spoken.
        beyond = frozenset((f.case, f.quantity) for f in spoken.judgement.findings)
        axes = explanation(
            clause, cases, trajectories, backend, documented.dialect, documented.judgement, beyond
        )
        more = [f for f in documented.judgement.findings if (f.case, f.quantity) not in beyond]
        if names := known_axes(axes, dtype, Seen(of_findings(cases, more)), covering):
            documented.accounted = documented.row["witness"] = f"{names}; {rest}"
    # A row says the worst of its cases: a failure of one must not hide behind a known divergence.
    alone = {**judged[0].row, "explained_by": ""}
    unknown = [
        failure
        for failure in dict.fromkeys(t.failure for t in trajectories if t.failure)
        if known({**alone, "verdict": failure.kind}, backend, failed(cases, trajectories, failure), covering)
        is None
    ]
    return Examination(cases, trajectories, path or "", judged, unknown)


def what_shows(
    clause: Clause,
    cases: list[Case],
    trajectories: list[Trajectory],
    backend: type[Backend],
    dialect: Dialect,
    judgement: Judgement,
    row: Row,
) -> Seen:
    """What pins have to account for in a row against a dialect.

    Where gradients of several layouts diverge, and several axes explain it, each axis is left out in turn:
    what diverges without it is where it makes a difference.
    """
    if row["verdict"] != "diverges":
        return Seen(of_failures(cases, trajectories, row["verdict"]))
    layouts = of_findings(cases, judgement.findings)
    axes = axes_of(row["explained_by"])
    of_axis = {}
    if min(len(layouts), len(axes)) > 1:
        values: dict[str, Any] = {a: type(getattr(dialect, a))[value.upper()] for a, value in axes.items()}
        for axis in axes:
            without = replace(dialect, **{a: value for a, value in values.items() if a != axis})
            found = judge(clause, cases, trajectories, backend, without).findings
            of_axis[axis] = of_findings(cases, found)
    return Seen(layouts, frozenset(f.quantity for f in judgement.findings), of_axis)


def failed(cases: list[Case], trajectories: list[Trajectory], failure: Failure) -> Seen:
    """What pins have to account for in one failure."""
    same = [(c, t) for c, t in zip(cases, trajectories, strict=True) if t.failure == failure]
    return Seen(of_failures([c for c, _ in same], [t for _, t in same], failure.kind))


def menu_of(clause: Clause, backend: type[Backend], dtype: str) -> Menu:
    """What the cases of a clause are made of on a backend in a type."""
    menu = clause.menu(backend)
    if clause.free and dtype != "float32":
        return replace(menu, observed=tuple(k for k in menu.observed or () if k <= 1000))
    return menu


def run(
    clause: Clause,
    process: Process,
    dtype: str,
    seed: int,
    budget: Budget,
    out: Path,
    examples: Path | None = None,
) -> Outcome:
    """Examine a clause on a backend in a type; a trace is written of every divergence.

    examples: a folder that keeps the traces of those not pinned; a later run tries them again.
    """
    backend = process.backend
    if why := process.not_run_in(dtype):
        about = {**process.about, "dtype": dtype}
        row = verdict_row(about, clause, "documented", "not run", None, 0, 0, why)
        told = f"{backend.name} on {process.device}: not run ({why})"
        return Outcome([row], [], [told], new=[told] if process.given_up else [])
    kept = examples / f"{clause.id}.{backend.name}.{dtype}.json" if examples and not clause.free else None
    again, broken = _kept(kept, dtype)
    seen = examine(clause, process, dtype, seed, budget, again)
    result = Outcome([j.row for j in seen.judged], [], broken.copy(), new=broken)
    explained = any(
        j.dialect == backend.spoken and j.judgement.worst.max(initial=0.0) <= 1 for j in seen.judged
    )
    for j in seen.judged:
        word, against = j.row["verdict"], j.row["against"]
        if j.dialect == backend.spoken and (clause.free or clause.id == "update-rule"):
            about = {name: j.row[name] for name in (*process.about, "dtype")}
            result.tolerance = _tolerance(about, j.judgement)
        if word != "diverges" and j.accounted is not None:
            continue
        text = short = seen.path
        finding, alone, same = None, True, None
        if word == "diverges" and not seen.path:
            seconds = budget.shrink_seconds if budget.shrink_explained or not explained else 0.0
            same = same_cause(clause, seen, backend, j)
            small, finding = _smaller(clause, process, dtype, seed, seen, j, same, seconds)
            step = small.steps[finding.step - 1]
            beside = circumstances(step, finding.parameter)
            text, short = finding.message() + beside, finding.short() + beside
            alone = clause.free or j.accounted is not None
            alone = alone or _diverges_alone(clause, small, process, j.dialect)
            if not alone:
                said = "; not so alone, in a fresh process: it depends on the cases before it"
                text, short = text + said, short + said
            layout = layout_of(step.gradients[finding.parameter])
        else:
            failing = (i for i, t in enumerate(seen.trajectories) if t.failure and t.failure.kind == word)
            first = next(failing, 0)
            small = seen.cases[first]
            layout = min(of_failures([small], seen.trajectories[first : first + 1], word), default="none")
        file = Path("traces") / f"{clause.id}.{backend.name}.{dtype}.{against}.json"
        quantities = sorted({f.quantity for f in j.judgement.findings})
        unexplained = ([clause.id], quantities) if not axes_of(j.row["explained_by"]) else ()
        j.row["witness"] = j.accounted or str(file)
        axes = j.row["explained_by"]
        why = f" (explained by {axes})" if axes_of(axes) else f" ({axes})" if axes else ""
        told = f"{clause.id}, {backend.name}, {dtype}, against {against}{why}: {text or word}; trace {file}"
        if word == "diverges" and j.accounted is None:
            by = _by(clause, seen.cases, seen.trajectories, j.dialect)
            if scalars := other_scalars(backend, j.dialect, dtype, by):
                told += f"; {scalars}"
        shown_by = ""
        try:
            ready_to_pin(small, out / file, process, j.row, text, layout, *unexplained)
            if kept and j.accounted is None:
                write_text((out / file).read_text(), kept)
            # What is known has the script of its pin: in ci that is enough.
            if against == "documented" and (j.accounted is None or budget.shrink_explained):
                shown_by = _script(clause, small, finding, alone, same, process, seen, j, out)
                told += f"; {shown_by}"
        except NotWritten as error:
            result.new.append(str(error))
        result.evidence.append(
            {
                **{name: j.row[name] for name in (*process.about, "dtype", "clause", "against")},
                "explained_by": " | ".join(j.explanations),
                "quantities": "; ".join(quantities),
                "least": short or next((t.failure.message for t in seen.trajectories if t.failure), ""),
                "trace": str(file),
                "script": shown_by.removeprefix("script ") if shown_by.startswith("script ") else "",
            }
        )
        result.divergences.append(told)
        if j.accounted is None:
            result.new.append(told)
    for failure in dict.fromkeys(t.failure for t in seen.trajectories if t.failure):
        told = (
            f"{clause.id}, {backend.name}, {dtype}: {failure.kind} at step {failure.step}: {failure.message}"
        )
        if failure in seen.unknown and failure.kind != seen.judged[0].row["verdict"]:
            i = next(i for i, t in enumerate(seen.trajectories) if t.failure == failure)
            file = Path("traces") / f"{clause.id}.{backend.name}.{dtype}.{failure.kind}.json"
            row = {"verdict": failure.kind, "explained_by": ""}
            where = of_failures([seen.cases[i]], [seen.trajectories[i]], failure.kind)
            try:
                ready_to_pin(
                    seen.cases[i], out / file, process, row, failure.message, min(where), [clause.id]
                )
                told += f"; trace {file}"
                name = f"{clause.id}.{backend.name}.{dtype}.{failure.kind}.py"
                told += f"; {scripts.of_failure(clause, seen.cases[i], failure, process, out, name)}"
            except NotWritten as error:
                result.new.append(str(error))
        result.divergences.append(told)
        if failure in seen.unknown:
            result.new.append(told)
    return result


def _script(
    clause: Clause,
    case: Case,
    finding: Finding | None,
    alone: bool,
    same: Same | None,
    process: Process,
    seen: Examination,
    judged: Judged,
    out: Path,
) -> str:
    """Where the script of a divergence is, which is written; or why there is none."""
    word, backend = judged.row["verdict"], process.backend
    if word != "diverges":
        failure = next(t.failure for t in seen.trajectories if t.failure and t.failure.kind == word)
        name = scripts.name_of(clause.id, backend.name, case.dtype)
        return scripts.of_failure(clause, case, failure, process, out, name)
    if finding is None or same is None:
        return f"{scripts.NONE}{seen.path}"
    if not alone:
        return f"{scripts.NONE}alone it does not diverge"
    arithmetic = judged.judgement.arithmetic
    return scripts.of_divergence(clause, case, finding, same, process, out, arithmetic)


def _kept(path: Path | None, dtype: str) -> tuple[list[Case], list[str]]:
    """The case that an earlier run kept, if it did; and a line where it can't be tried again."""
    if path is None or not path.exists():
        return [], []
    try:
        case = trace.load(path)
    except trace.TraceError as error:
        return [], [str(error)]
    if case.dtype != dtype:
        return [], [f"{path}: holds a case in {case.dtype}"]
    return [case], []


def _diverges_alone(clause: Clause, case: Case, process: Process, dialect: Dialect) -> bool:
    """Whether a case diverges in a process that has seen no other: whether its trace can be replayed."""
    process.restart()
    ran = process.run([case])
    return bool(ran[0].failure or judge(clause, [case], ran, process.backend, dialect).findings)


def verdict_row(
    about: Row,
    clause: Clause,
    against: str,
    word: str,
    worst: float | None,
    cases: int,
    steps: int,
    explained_by: str = "",
) -> Row:
    return {
        **about,
        "clause": clause.id,
        "against": against,
        "verdict": word,
        "worst_ratio": worst if steps else None,
        "cases": cases,
        "steps": steps,
        "explained_by": explained_by,
        "witness": "",
    }


def _smaller(
    clause: Clause,
    process: Process,
    dtype: str,
    seed: int,
    seen: Examination,
    judged: Judged,
    same: Same,
    seconds: float,
) -> tuple[Case, Finding]:
    """A small case that diverges for the same reason, with its worst finding; shrunk, where there is time."""
    cases, findings = seen.cases, judged.judgement.findings
    wrong = sorted({f.case for f in findings}, key=lambda i: size(cases[i]))

    def found_in(case: Case, ran: list[Trajectory]) -> list[Finding]:
        found = judge(clause, [case], ran, process.backend, judged.dialect).findings
        return found if found and same(case, ran) else []

    # Each alone may fit an arithmetic that the others don't: one that doesn't is shown, if there is one.
    diverging = (i for i in wrong if clause.free or found_in(cases[i], [seen.trajectories[i]]))
    smallest = next(diverging, wrong[0])
    small = cases[smallest]
    finding = max((f for f in findings if f.case == smallest), key=lambda f: f.ratio)
    if clause.free:
        # Up to where it was seen, and every step observed, so that a replay judges step by step.
        count = finding.step
        return replace(small, steps=small.steps[:count], observed=tuple(range(1, count + 1))), finding

    def look(case: Case) -> tuple[list[Trajectory], list[Finding]]:
        ran = process.run([case])
        return ran, found_in(case, ran)

    if seconds:
        strategy = case_strategy(menu_of(clause, process.backend, dtype), dtype)
        own_seed = seed_of(seed, clause.id, dtype)
        shrunk = shrink(strategy, own_seed, lambda c: bool(look(c)[1]), small, seconds)
        ran, found = look(shrunk)
        if found:
            small, finding = shrunk, max(found, key=lambda f: f.ratio)
            alone = cut(shrunk, ran[0], finding.step)
            if found := look(alone)[1]:
                small, finding = alone, max(found, key=lambda f: f.ratio)
    return small, finding


def _tolerance(about: Row, judgement: Judgement) -> list[Row]:
    """How far the backend is from the dialect its source speaks: in a step (0), or running on."""
    return [
        {
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
        for (quantity, steps), size in sorted(
            judgement.sizes.items(), key=lambda item: (QUANTITIES.index(item[0][0]), item[0][1])
        )
    ]
