"""Two optimizers on somebody's own ids, where no training is recorded: the gradients are made up."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lazyadam.reference.rounding import round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.reports.words import after, percent, spaced
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.cases.recording import RecordingError
from lazyadam.suites.judge.alone import alone
from lazyadam.suites.recordings.moving import ALL, Training, by_reference, moved

WIDTH, SCALE = 8, 0.1


def batches(file: Path) -> list[np.ndarray]:
    """The ids of each batch: a column of a CSV file each, without a head; columns may differ in length.

    Raises:
        RecordingError: it is no such file.
    """
    try:
        table = pd.read_csv(file, header=None, skipinitialspace=True)
        columns = [table[name].dropna().to_numpy() for name in table]
        ids = [column.astype(np.int64) for column in columns]
    except FileNotFoundError:
        raise RecordingError(f"{file}: not there") from None
    except (ValueError, OSError) as error:
        raise RecordingError(f"{file}: no ids in columns ({' '.join(str(error).split())})") from None
    if any((column != x).any() or (x < 0).any() for column, x in zip(columns, ids, strict=True)):
        raise RecordingError(f"{file}: ids are whole numbers, 0 or more")
    return ids


def training(ids: Sequence[np.ndarray], lr: float) -> Training:
    """A table of the rows that are named, from weights of normal numbers and moments of 0, in float32."""
    rng, rows = np.random.default_rng(0), np.unique(np.concatenate(ids))
    w = round_to(rng.standard_normal((len(rows), WIDTH)), "float32")
    values = (round_to(SCALE * rng.standard_normal((len(x), WIDTH)), "float32") for x in ids)
    steps = tuple(Step((Gradient(g, np.searchsorted(rows, x)),)) for g, x in zip(values, ids, strict=True))
    count = len(steps)
    observed = tuple(sorted({k for k in (1, 10, 100, 1000, 10_000) if k < count} | {count}))
    group = Group((0,), Hyperparameters(lr=lr))
    case = Case("float32", (Parameter(w, 0 * w, 0 * w),), (group,), steps, observed)
    return Training("the table", case, alone(case).trajectory.w[0], 0)


def told(left: type[Backend], right: type[Backend], file: Path, steps: int, lr: float) -> Iterator[str]:
    """How far the two come apart on these ids, in Markdown. steps: batches come again for as many.

    Raises:
        RecordingError: of the file.
    """
    ids = batches(file)
    if not any(len(x) for x in ids):
        raise RecordingError(f"{file}: no ids")
    repeated = sum(len(np.unique(x)) < len(x) for x in ids)
    count = steps or len(ids)
    found = training([ids[k % len(ids)] for k in range(count)], lr)
    yield f"## {left.name} and {right.name}"
    yield ""
    yield (
        f"On {len(ids)} batches of ids, of which {percent(repeated / len(ids))} repeat some, for {count} "
        f"steps at a learning rate of {lr:g}. **The gradients are made up**: normal numbers, alike in all "
        "rows. Shares of how far the weight that moved most moved, by the reference in the dialect of each:"
    )
    yield ""
    rows = list(moved(found, left.spoken, right.name, right.spoken, *by_reference(found, left)))
    yield f"| apart by | {' | '.join(after(k) for k in found.case.observed)} |"
    yield "|---|" + "---|" * len(found.case.observed)
    for part in dict.fromkeys(row["part"] for row in rows):
        shares = [row["share"] for row in rows if row["part"] == part]
        if part == ALL or any(shares):
            yield f"| {spaced(part)} | {' | '.join(map(percent, shares))} |"
    yield ""
    yield "A recorded training says it of its own gradients: suites/recordings/README.md."
