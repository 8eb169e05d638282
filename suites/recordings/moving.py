"""The gradients of a recorded training through another backend, or another dialect, from the same state.

Open loop: the gradients stay those that were recorded, though other weights would have had others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from lazyadam.reference.dialect import Dialect
from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reports.tables import frame, write
from lazyadam.reports.words import after, percent, spaced
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.recorded import of_recording
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.cases.recording import Header, Recorded, RecordingError, Taken, header, steps
from lazyadam.suites.judge.alone import alone
from lazyadam.suites.judge.explanation import AXES
from lazyadam.suites.recordings.following import Following

Row = dict[str, Any]
ALL = "all of it"


@dataclass(frozen=True)
class Training:
    """What is recorded of a parameter, as one case of the rows whose every step is known.

    w: as recorded, after each observed step. left: rows that are recorded in part only.
    """

    name: str
    case: Case
    w: np.ndarray
    left: int

    def moved(self, w: np.ndarray) -> np.ndarray:
        """How far the weight that moved most has moved, after each observed step."""
        start = self.case.parameters[0].w
        way: np.ndarray = np.abs(w - start).reshape(len(w), -1).max(axis=1)
        return way

    def apart(self, w: np.ndarray) -> np.ndarray:
        """How far weights come from the recorded ones, as a share of how far either moved at most."""
        far = np.abs(w - self.w).reshape(len(w), -1).max(axis=1)
        way = np.maximum(self.moved(self.w), self.moved(w))
        return np.divide(far, way, out=np.zeros_like(far), where=way > 0)


def trainings(of: Header, recorded: Sequence[Recorded]) -> Iterator[Training]:
    """Each parameter's training.

    Raises:
        RecordingError: not every step is recorded.
    """
    numbers = [step.number for step in recorded]
    if not numbers or numbers != [*range(numbers[0], numbers[0] + len(numbers))]:
        raise RecordingError("to move a training every step has to be recorded, one after another (every=1)")
    count = len(recorded)
    observed = sorted({k for k in (1, 10, 100, 1000, 10_000) if k < count} | {count})
    for number, parameter in enumerate(of.parameters):
        taken = [next((x for x in step.taken if x.parameter == number), None) for step in recorded]
        if any(x is not None and x.gradient is not None for x in taken):
            yield _training(parameter.name, parameter.dtype, taken, observed)


def _training(name: str, dtype: str, taken: Sequence[Taken | None], observed: list[int]) -> Training:
    there = [x for x in taken if x is not None]
    following, seen = Following(there), list[np.ndarray]()
    partly = np.zeros(len(following.rows), bool)  # moved in a step of which it is not recorded
    for number, x in enumerate(taken, 1):
        if x is not None:
            partly[following.at(x)] |= following.take(x).any(axis=0)
        if number in observed:
            seen.append(following.table[0].copy())
    rows = following.rows[~partly]
    start = Parameter(*following.start[:, ~partly])
    ends = np.stack(seen)[:, ~partly]
    h, made = there[0].hyperparameters, []
    for x in taken:
        changes = {}
        if x is not None and x.hyperparameters != h:
            old, h = asdict(h), x.hyperparameters
            changes = {key: (value,) for key, value in asdict(h).items() if value != old[key]}
        made.append(Step((_gradient(x, rows),), changes))
    group = Group((0,), there[0].hyperparameters)
    case = Case(dtype, (start,), (group,), tuple(made), tuple(observed), there[0].t[0])
    return Training(name, case, ends, int(partly.sum()))


def _gradient(x: Taken | None, rows: np.ndarray) -> Gradient | None:
    """Of a step in the rows that are left, by their place among these."""
    if x is None or x.gradient is None:
        return None
    if x.gradient.rows is None:
        return Gradient(x.gradient.values[np.isin(x.rows, rows)])
    named = x.rows[x.gradient.rows]
    there = np.isin(named, rows)
    return Gradient(x.gradient.values[there], np.searchsorted(rows, named[there]))


def dialects(ours: Dialect, theirs: Dialect) -> dict[str, Dialect]:
    """What is ours with each axis apart turned to theirs, by name, and all of them."""
    apart = [axis for axis in AXES if getattr(ours, axis) != getattr(theirs, axis)]
    one = {
        f"{axis}: {getattr(theirs, axis).name.lower()}": replace(ours, **{axis: getattr(theirs, axis)})
        for axis in apart
    }
    return {**one, ALL: theirs}


def by_reference(training: Training, ours: type[Backend]) -> tuple[np.ndarray, np.ndarray]:
    """The weights by the optimizer's own dialect, and the share that rounding may make of them at most."""
    case = training.case
    exact = alone(case, ours.spoken).trajectory.w[0]
    ran = alone(case, ours.spoken, ours.arithmetic, PRECISIONS[case.dtype])
    off = (ran.errors[0] + np.abs(ran.trajectory.w[0] - exact)).reshape(len(exact), -1).max(axis=1)
    return exact, off / np.maximum(training.moved(training.w), 1e-300)


def unlike(training: Training, ours: type[Backend], exact: np.ndarray, rounding: np.ndarray) -> str:
    """In words where the recorded weights are not those by the reference; '' where they are."""
    apart = training.apart(exact)
    if not (apart > 2 * rounding).any():
        return ""
    own = "" if ours.source_read else "; say with --own AXIS=VALUE what the recorded optimizer does"
    return (
        f"{training.name}: its weights are not what {ours.name} makes of its gradients "
        f"({percent(apart.max())} apart): the reference does not move it{own}"
    )


def moved(
    training: Training,
    ours: Dialect,
    to: str,
    theirs: Dialect,
    exact: np.ndarray,
    rounding: np.ndarray,
) -> Iterator[Row]:
    """Rows of moved.csv by the reference alone.

    rounding: how far it may be from the recorded weights by rounding alone, were the dialects the same.
    """
    case = training.case
    for name, dialect in dialects(ours, theirs).items():
        turned = alone(case, dialect).trajectory.w[0]
        far = np.abs(turned - exact).reshape(len(exact), -1).max(axis=1)
        way = np.maximum(training.moved(exact), training.moved(turned))
        for k, x, y, z in zip(case.observed, far, way, rounding, strict=True):
            share = float(x / y) if y else 0.0
            yield _row(training, to, name, k, share, float(z), "reference")


def _row(
    training: Training, to: str, name: str, count: int, share: float, rounding: float | None, by: str
) -> Row:
    return {
        "parameter": training.name,
        "to": to,
        "part": name,
        "steps": count,
        "share": share,
        "rounding": rounding,
        "by": by,
    }


def really(trainings: Sequence[Training], backend: type[Backend], device: str) -> Iterator[Row | str]:
    """Rows of moved.csv by the backend itself; a line for what it does not take."""
    with Process(backend, device) as process:
        if process.not_run:
            yield f"{backend.name}: not run ({process.not_run}); the reference alone says what it would do"
            return
        for training in trainings:
            anew = {name for step in training.case.steps for name in step.changes} - backend.changing
            if anew:
                yield f"{training.name}: {backend.name} takes no {', '.join(sorted(anew))} set anew: not run"
                continue
            (ran,) = process.run([training.case])
            if ran.failure:
                yield f"{training.name}: {backend.name} {ran.failure.kind}: {ran.failure.message}"
                continue
            shares = training.apart(ran.w[0])
            for k, share in zip(training.case.observed, shares, strict=True):
                yield _row(training, backend.name, ALL, k, float(share), None, "backend")


def run(
    folder: Path,
    own: Dialect | None,
    backend: type[Backend] | None,
    to: str,
    theirs: Dialect,
    device: str,
    out: Path,
) -> int:
    """Move a recording, and write and print what would become of it; the exit status.

    own: what the recorded optimizer does, where it is somebody's own. backend: to which; None for a dialect
    alone.

    Raises:
        RecordingError: it can't be read, or not every step is there.
    """
    console = Console(width=160, highlight=False)
    of = header(folder)
    ours = of_recording(of, own)
    parts = list(trainings(of, list(steps(folder, of))))
    found = [training for training in parts if len(training.w[0])]
    rows, lines = list[Row](), list[str]()
    for training in found:
        by_itself = by_reference(training, ours)
        if why := unlike(training, ours, *by_itself):
            lines.append(why)
        else:
            rows += moved(training, ours.spoken, to, theirs, *by_itself)
    for x in really(found, backend, device) if backend else ():
        lines.append(x) if isinstance(x, str) else rows.append(x)
    table = frame("moved", rows)
    write(table, out / "moved.csv")
    if backend and (name := instead(found, ours.spoken, backend)):
        lines.append(f"nothing of it with {name}")
    lines += [f"{x.name}: all {x.left} rows are recorded in part" for x in parts if x not in found]
    for line in (*told(of, to, found, rows), *lines, f"moved.csv in {out}"):
        console.print(line, soft_wrap=True, markup=False)
    return 0 if rows else 125


def instead(found: Sequence[Training], ours: Dialect, backend: type[Backend]) -> str:
    """Another backend of that framework with which the weights would be the recorded ones; '' for none."""
    if all(_same(training.case, ours, backend.spoken) for training in found):
        return ""
    layouts = {
        "dense" if g.rows is None else "sparse" for x in found for s in x.case.steps for g in s.gradients if g
    }
    for other in BACKENDS.values():
        if other.framework != backend.framework or other is backend or not layouts <= other.layouts:
            continue
        if all(_same(training.case, ours, other.spoken) for training in found):
            return other.name
    return ""


def _same(case: Case, ours: Dialect, theirs: Dialect) -> bool:
    exact, turned = (alone(case, x).trajectory.w[0] for x in (ours, theirs))
    return bool(np.array_equal(exact, turned, equal_nan=True))


def told(of: Header, to: str, found: Sequence[Training], rows: Sequence[Row]) -> Iterator[str]:
    """For each parameter how far it comes, and by what."""
    yield f"{of.optimizer} to {to}, by the recorded gradients (open loop): how far w would be from the"
    yield "recorded one, as a share of how far the weight that moved most has moved."
    for training in found:
        of_it = [row for row in rows if row["parameter"] == training.name]
        left = f"; {training.left} rows are recorded in part and left out" if training.left else ""
        yield f"{training.name}: {len(training.case.parameters[0].w)} rows{left}"
        idle = []
        for part, by in dict.fromkeys((row["part"], row["by"]) for row in of_it):
            these = [row for row in of_it if (row["part"], row["by"]) == (part, by)]
            if part != ALL and not any(row["share"] for row in these):
                idle.append(spaced(part.partition(":")[0]))
                continue
            shares = ", ".join(f"{percent(row['share'])} {after(row['steps'])}" for row in these)
            name = f"{to} itself" if by == "backend" else spaced(part)
            yield f"  {name}: {shares}"
        if idle:
            yield f"  no part of it here: {', '.join(sorted(idle))}"
        if rounding := [row["rounding"] for row in of_it if row["rounding"] is not None]:
            yield f"  rounding alone: at most {percent(max(rounding))}"
