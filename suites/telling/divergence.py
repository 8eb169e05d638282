"""One divergence, step by step, as it is now: its case runs again, and no number is one that was stored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lazyadam.reference.arithmetic import Rules
from lazyadam.reference.dialect import Arithmetic
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Failure, Gradient, Trajectory
from lazyadam.suites.conformance.replay import NOTHING_COMPARED, Judged, judge, undeclared
from lazyadam.suites.judge.fitting import arithmetics
from lazyadam.suites.judge.judgement import QUANTITIES, Divergence, circumstances, told_apart
from lazyadam.suites.judge.judgement import element as index_of
from lazyadam.suites.judge.one_step import OneStep, one_step
from lazyadam.suites.judge.stack import expected_counts
from lazyadam.suites.judge.step_by_step import step_by_step
from lazyadam.suites.judge.verdict import wrong_path
from lazyadam.suites.telling.lines import WIDTH, cut, folded

MOST_STEPS = 4  # told at length
MOST_VALUES = 6  # of a row in a gradient


@dataclass(frozen=True)
class Place:
    """The element that is worst in the first step that diverges. quantity: '' where only t is wrong."""

    step: int
    parameter: int
    row: int
    column: int
    quantity: str


def told(
    file: Path, backend: type[Backend], device: str, against: str, asked: str = ""
) -> tuple[int, list[str]]:
    """What becomes of the case in a trace: an exit status, and lines. asked: what it is to show, in words.

    Raises:
        TraceError: there is no trace in the file.
    """
    case = trace.load(file)
    case = replace(case, observed=tuple(range(1, len(case.steps) + 1)))
    if lacking := undeclared(case, backend):
        return NOTHING_COMPARED, folded(f"{backend.name}: not run (it does not declare {lacking})")
    with Process(backend, device) as process:
        if process.not_run:
            return NOTHING_COMPARED, folded(f"{backend.name}: not run ({process.not_run})")
        (trajectory,) = process.run([case])
        version = process.version
    of = f"{backend.framework} {version}, {backend.mode}, {process.device}, {case.dtype}"
    lines = folded(f"{backend.name}   {of}, against {against}")
    lines += [*(folded(asked, "  ") if asked else ()), ""]
    if trajectory.failure:
        return 0, [*lines, *_failure(case, trajectory.failure)]
    judged = judge(file, case, trajectory, backend, against)
    rules, place = first_place(case, trajectory, backend, judged)
    path = wrong_path(backend, process.device, case.dtype, [trajectory])
    if path:
        lines += folded(f"DIVERGES: {path}.")
    if place is not None:
        lines += _steps(case, trajectory, rules, place)
        lines += folded(judged.scalars, "  ") if judged.scalars else []
    elif not path:
        worst = float(judged.judgement.worst.max())
        lines += folded(
            f"CONFORMS: run again, every step is within its bound; the largest error is {worst:.2g} of it. "
            "What was found may show in a long run alone, at times, or after the cases before it."
        )
    return 0, lines


def first_place(
    case: Case, trajectory: Trajectory, backend: type[Backend], judged: Judged
) -> tuple[Rules, Place | None]:
    """Where it first diverges, and how its steps are judged.

    Where none of the arithmetics that it may have explains all, it is the one that does so the longest, and
    first the one that it was judged by.
    """
    dialect, strict = judged.dialect, judged.strict_epsilon
    usual = arithmetics(backend, dialect, case.dtype)

    def by(arithmetic: Arithmetic, first: int) -> tuple[Rules, Place | None]:
        nesterov = case.groups[0].hyperparameters.nesterov
        rules = Rules(PRECISIONS[case.dtype], dialect, arithmetic, nesterov, strict)
        return rules, place_of(case, trajectory, rules, first)

    rules, place = by(judged.judgement.arithmetic or usual[0], 1)
    for arithmetic in usual:
        if place is None:
            break
        upto = replace(case, observed=case.observed[: place.step])
        if step_by_step([upto], [trajectory], dialect, arithmetic, strict_epsilon=strict).worst[0] <= 1:
            rules, place = by(arithmetic, place.step + 1)
    return rules, place


def place_of(case: Case, trajectory: Trajectory, rules: Rules, first: int = 1) -> Place | None:
    """Where a trajectory first diverges, from a step on; None where it doesn't."""
    ran = trajectory.again or trajectory
    counts = expected_counts(case, rules.dialect)
    for k in range(first, len(ran.t) + 1):
        steps = [one_step(case, trajectory, k, n, rules) for n in range(len(case.parameters))]
        worst = [max(float(x.max()) for x in step.ratio) for step in steps]
        n = int(np.argmax(worst))
        if worst[n] > 1:
            q = int(np.argmax([x.max() for x in steps[n].ratio]))
            ratio = steps[n].ratio[q]
            row, column = (int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
            return Place(k, n, row, column, QUANTITIES[q])
        wrong = np.flatnonzero(ran.t[k - 1] != counts[k - 1])
        if len(wrong) and trajectory.again is None:
            n = int(wrong[0])
            return Place(k, n, int(steps[n].rows[0]) if len(steps[n].rows) else 0, 0, "")
    return None


def _failure(case: Case, failure: Failure) -> Iterator[str]:
    """How it failed, and what it was given."""
    at = f"at step {failure.step} of {len(case.steps)}" if failure.step else "before the first step"
    yield from folded(f"{failure.kind.upper()} {at}: {failure.message}")
    yield ""
    yield from folded(_settings(case, max(1, failure.step), 0))
    for n, gradient in enumerate(case.steps[max(1, failure.step) - 1].gradients):
        of = f"gradient of parameter {n}" if len(case.parameters) > 1 else "gradient"
        yield cut(f"  {of}, {_table(case, n)}: {_given(gradient)}", WIDTH)


def _given(gradient: Gradient | None) -> str:
    if gradient is None:
        return "none"
    values = " ".join(f"{x:.6g}" for x in gradient.values.ravel()[: 2 * MOST_VALUES])
    if gradient.rows is None:
        return f"dense, {values}"
    if not len(gradient.rows):
        return "sparse, without rows"
    return f"rows {' '.join(map(str, gradient.rows[:MOST_VALUES]))}; values {values}"


def _table(case: Case, parameter: int) -> str:
    return " × ".join(map(str, case.parameters[parameter].w.shape))


def _settings(case: Case, step: int, parameter: int) -> str:
    """The hyperparameters of a parameter at a step, and from where it starts."""
    h = case.schedule()[step - 1][parameter]
    more = [f"weight_decay {h.weight_decay:g}"] if h.weight_decay else []
    more += [f"loss_scale {h.loss_scale:g}"] if h.loss_scale != 1 else []
    more += [name for name in ("nesterov", "maximize") if getattr(h, name)]
    more += sorted(manner.value for manner in case.manner)
    of = f"parameter {parameter} of {len(case.parameters)}, " if len(case.parameters) > 1 else ""
    return ", ".join(
        [
            f"{of}{_table(case, parameter)}; lr {h.lr:g}, β1 {h.beta1:g}, β2 {h.beta2:g}, ε {h.epsilon:g}",
            *more,
            f"from t = {case.t}",
        ]
    )


def _steps(case: Case, trajectory: Trajectory, rules: Rules, place: Place) -> Iterator[str]:
    """The steps up to the one that diverges, each with what became of the element that is worst there."""
    looked = [one_step(case, trajectory, k, place.parameter, rules) for k in range(1, place.step + 1)]
    at = place.row, place.column
    yield from folded(f"DIVERGES: {_summary(case, trajectory, rules, place, looked[-1])}")
    yield ""
    yield from folded(_settings(case, place.step, place.parameter), "", "  ")
    index = index_of(*at, case.parameters[place.parameter].w)
    yield f"element [{', '.join(map(str, index))}]:"
    skipped = looked[:-MOST_STEPS]
    if skipped:
        worst = max(float(x[at]) for step in skipped for x in step.ratio)
        count = "step 1" if len(skipped) == 1 else f"steps 1 to {len(skipped)}"
        yield f"{count}: within the bound there, by {worst:.2g} of it at most"
    rows: list[tuple[str, ...]] = [("", "before", "expected", "got", "bound", "ratio")]
    heads = {}
    for k, step in list(enumerate(looked, 1))[-MOST_STEPS:]:
        heads[len(rows)] = _head(case, k, place)
        rows += [_cells(QUANTITIES[q], step, q, at) for q in range(len(step.got))]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for i, row in enumerate(rows):
        yield from heads.get(i, ())
        yield "  " + " ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    last = looked[-1]
    if place.quantity == "w" and last.intermediates and place.row in last.rows:
        where = int(np.flatnonzero(last.rows == place.row)[-1])
        inner = ", ".join(f"{name} {x[where, place.column]:.9g}" for name, x in last.intermediates.items())
        yield from folded(f"expected from {inner}", "  ", "    ")


def _summary(case: Case, trajectory: Trajectory, rules: Rules, place: Place, last: OneStep) -> str:
    """What is wrong there, in a sentence."""
    ran = trajectory.again or trajectory
    n = place.parameter
    if not place.quantity:
        due = int(expected_counts(case, rules.dialect)[place.step - 1][n])
        told = f"t after step {place.step}: {int(ran.t[place.step - 1, n])}, should be {due}"
        return told + circumstances(case.steps[place.step - 1], n)
    q, at = QUANTITIES.index(place.quantity), (place.row, place.column)
    touched = trajectory.again is not None or place.row in last.rows
    wrong = Divergence(
        place.quantity if touched else f"untouched {place.quantity}",
        0,
        place.step,
        n,
        index_of(*at, case.parameters[n].w),
        float(last.got[q][at]),
        float(last.expected[q][at]),
        float(last.bound[q][at]),
        float(last.ratio[q][at]),
    )
    return wrong.short() + circumstances(case.steps[place.step - 1], n)


def _head(case: Case, k: int, place: Place) -> list[str]:
    """The line of a step: what happens before it, and its gradient at the element."""
    step = case.steps[k - 1]
    gradient = step.gradients[place.parameter]
    h = case.schedule()[k - 1][place.parameter]
    before = [f"{name.replace('_', ' ')} {getattr(h, name):g}" for name in step.changes]
    before += ["saved and loaded"] if step.reload else []
    said = f"step {k}{' (' + ', '.join(before) + ')' if before else ''}: "
    if gradient is None:
        return [f"{said}no gradient"]
    flat = gradient.values.reshape(len(gradient.values), -1)
    if gradient.rows is None:
        return [f"{said}dense gradient {flat[place.row, place.column]:.9g}"]
    values = flat[gradient.rows == place.row, place.column]
    if not len(values):
        named = f"of {_rows(gradient)}, not this one" if len(gradient.rows) else "without rows"
        return [f"{said}gradient {named}"]
    numbers = ", ".join(f"{x:.9g}" for x in values[:MOST_VALUES])
    more = f", … ({len(values)} in all)" if len(values) > MOST_VALUES else ""
    times = "" if len(values) == 1 else f", {len(values)} times"
    return [cut(f"{said}gradient of {_rows(gradient)}; of row {place.row}{times}: {numbers}{more}", WIDTH)]


def _rows(gradient: Gradient) -> str:
    count = 0 if gradient.rows is None else len(gradient.rows)
    return f"{count} row{'' if count == 1 else 's'}"


def _cells(name: str, step: OneStep, q: int, at: tuple[int, int]) -> tuple[str, ...]:
    got, expected, ratio = float(step.got[q][at]), float(step.expected[q][at]), float(step.ratio[q][at])
    came, due = told_apart(got, expected) if ratio > 1 else (f"{got:.9g}", f"{expected:.9g}")
    bound = float(step.bound[q][at])
    mark = f"✗ {ratio:.3g}" if ratio > 1 else f"{ratio:.2g}"
    return name, f"{step.before[q][at]:.6g}", due, came, f"{bound:.2g}", mark
