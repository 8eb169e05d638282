"""Trainings: judged step by step, carried over, beside each other, and what an axis makes of them."""

import json

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from lazyadam.reports.schema import columns as c
from lazyadam.reports.schema.judged import verdict_and_ratio
from lazyadam.reports.schema.table import COUNT, NUMBER, Column, Table, brief
from lazyadam.reports.vocabulary import Against


def show_training(table: pd.DataFrame, console: Console) -> None:
    """The verdict on every training, with its last loss and its distance from LazyAdam trained alone."""
    keys = ["backend", "layer", "way", "ids"]
    grid = Grid(title="training: verdict (worst ratio) documented | reference | explained")
    for name in (*keys, "verdict", "last loss", "distance"):
        grid.add_column(name)
    for key, part in table.groupby(keys, sort=False):
        rows = part.set_index("against")
        cells = [verdict_and_ratio(rows.loc[a]) for a in Against if a in rows.index]
        first = part.iloc[0]
        grid.add_row(*map(str, key), " | ".join(cells), brief(first["last_loss"]), brief(first["distance"]))
    console.print(grid)


def show_carried(table: pd.DataFrame, console: Console) -> None:
    """Each part of a training in which state was carried, against the source code of its optimizer."""
    grid = Grid(title="state carried: each part against what its optimizer's source says")
    names = ("backend", "clause", "steps", "optimizer", "verdict", "worst_ratio", "distance")
    for name in names:
        grid.add_column(name)
    for row in table[table["against"] == Against.EXPLAINED].to_dict("records"):
        grid.add_row(*(brief(row[name]) for name in names))
    console.print(grid)


def _unequal(table: pd.DataFrame) -> str:
    """Its weights and bounds are lists of numbers, of one length in a training; weights have bounds."""
    if table["steps"].isna().any():
        return "column steps is empty"
    lengths: dict[str, int] = {}
    for row in table[table["w"] != ""].to_dict("records"):
        for column in ("w", "bound") if row["steps"] else ("w",):
            where = f"{column} of {row['backend']} in {row['sequence']}"
            try:
                numbers = np.array(json.loads(row[column] or "0"), np.float64)
            except (ValueError, TypeError, RecursionError):
                numbers = np.empty(())
            if numbers.ndim != 1:
                return f"{where} is no list of numbers"
            if lengths.setdefault(row["sequence"], len(numbers)) != len(numbers):
                return f"{where} has {len(numbers)} numbers, not {lengths[row['sequence']]}"
    return ""


TRAINING = Table(
    "training",
    "embeddings trained through autograd, each step judged, with losses and distance",
    (
        *c.ABOUT,
        c.LAYER,
        c.WAY,
        c.IDS,
        c.AGAINST,
        c.VERDICT,
        c.WORST_RATIO,
        c.STEPS,
        Column("repeated", "the share of ids that repeat another of their batch", NUMBER),
        Column("first_loss", "the loss before the first step", NUMBER),
        Column("last_loss", "the loss after the last step", NUMBER),
        Column(
            "distance",
            "the largest difference of a weight, at the end, from LazyAdam trained alone in float64",
            NUMBER,
        ),
        c.EXPLAINED_BY,
        c.MESSAGE,
    ),
    key=("backend", "layer", "way", "ids", "against"),
    outcome="verdict",
    show=show_training,
)

TRAINING_LOSSES = Table(
    "training_losses",
    "the loss of these trainings at some steps, beside the reference's",
    (
        *c.ABOUT,
        c.LAYER,
        c.WAY,
        c.IDS,
        Column("step", "the number of the step", NUMBER),
        Column("loss", "of the backend at this step", NUMBER),
        Column("reference_loss", "of LazyAdam trained by itself in float64 at this step", NUMBER),
    ),
)

CARRIED = Table(
    "carried",
    "training with state carried from SparseAdam and back, part by part",
    (
        *c.ABOUT,
        Column("clause", "state-carried, or the same where gradients repeat rows"),
        Column("steps", "the first and the last of this part"),
        Column("optimizer", "who takes these steps"),
        c.AGAINST,
        c.VERDICT,
        c.WORST_RATIO,
        Column("distance", "the largest difference of a weight from SparseAdam alone", NUMBER),
    ),
    key=("backend", "clause", "steps", "optimizer", "against"),
    outcome="verdict",
    show=show_carried,
)

SEQUENCES = Table(
    "sequences",
    "the weights of each backend after 1 to 1,000 steps of the same trainings",
    (
        *c.ABOUT,
        c.DTYPE,
        c.SEQUENCE,
        c.STEPS,
        Column("w", "the weights, in order"),
        Column("bound", "how far each of the weights may be from the exact one"),
        c.MESSAGE,
    ),
    flaw=_unequal,
    may_be_empty=False,
)

EFFECTS = Table(
    "effects",
    "what each axis alone makes of the weights, in the reference",
    (
        c.AXIS,
        c.LEFT_VALUE,
        c.RIGHT_VALUE,
        c.SEQUENCE,
        c.STEPS,
        Column("effect", "how far the axis alone takes the weights, as a share of how far they move", NUMBER),
    ),
)

EFFECTS_GROWTH = Table(
    "effects_growth",
    "how the effect of repeated rows grows, with their share and with steps",
    (
        c.AXIS,
        c.LEFT_VALUE,
        c.RIGHT_VALUE,
        Column("repeats", "the share of ids that repeat another of their batch", NUMBER),
        c.STEPS,
        Column("trainings", "how many were made", COUNT),
        Column("smallest", "the smallest of the trainings", NUMBER),
        Column("median", "the median of the trainings", NUMBER),
        Column("largest", "the largest of the trainings", NUMBER),
        Column("of_sum", "the median as a share of the movement where rows are summed", NUMBER),
        Column("distance", "how far the weights come apart, in learning rates", NUMBER),
    ),
)

EQUIVALENCE = Table(
    "equivalence",
    "the axes on which two backends were seen to differ, and what that does to weights",
    (
        c.LEFT,
        c.RIGHT,
        c.DEVICE,
        c.DTYPE,
        c.AXIS,
        c.LEFT_VALUE,
        c.RIGHT_VALUE,
        Column(
            "effect_after_1000_steps",
            "what the axis alone makes of the weights, as a share of how far they move",
            NUMBER,
        ),
        c.WITNESS,
    ),
)

PAIRS = Table(
    "pairs",
    "how far any two backends come apart on the same training",
    (
        c.LEFT,
        c.RIGHT,
        c.DEVICE,
        c.DTYPE,
        c.SEQUENCE,
        c.STEPS,
        Column(
            "difference", "the largest difference of a weight, as a share of how far weights moved", NUMBER
        ),
        Column("equal", "whether the two agree as far as rounding lets them, or why they were not compared"),
        c.MESSAGE,
    ),
)
