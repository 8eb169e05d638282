"""How what repeated ids do grows: with their share in a batch, and with steps; in the reference alone.

`effects.csv` has one training of ours, which is no forecast of another. Here are several for each share.
"""

from enum import Enum
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Duplicates
from lazyadam.reference.rounding import round_to
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step
from lazyadam.suites.equivalence.sequences import OBSERVED, STEPS, moved, turned
from lazyadam.suites.judge.alone import alone

SHARES = (0.0, 0.1, 0.4, 0.8)
TRAININGS = 7
ROWS, WIDTH, IDS, SCALE = 40, 4, 20, 0.1


@cache
def trainings() -> Case:
    """All trainings as one parameter, which holds their tables one below another: rows know no neighbours."""
    rng = np.random.default_rng(1)
    frequency = 1 / np.arange(1, ROWS + 1)

    def ids(share: float) -> np.ndarray:
        """A batch of each training (trainings, ids): distinct ids by Zipf's law, some of them again by it."""
        repeats = round(share * IDS)
        lots = rng.exponential(size=(TRAININGS, ROWS)) / frequency
        chosen = np.argsort(lots, axis=1)[:, : IDS - repeats]
        upto = np.cumsum(frequency[chosen], axis=1)
        drawn = upto[:, -1:] * rng.random((TRAININGS, repeats))
        at = (upto[:, None, :] < drawn[:, :, None]).sum(axis=2)
        return rng.permuted(np.hstack([chosen, np.take_along_axis(chosen, at, axis=1)]), axis=1)

    def numbers(*shape: int) -> np.ndarray:
        return round_to(rng.standard_normal(shape), "float32")

    w = numbers(len(SHARES) * TRAININGS * ROWS, WIDTH)
    first = ROWS * np.arange(len(SHARES) * TRAININGS)[:, None]
    steps = []
    for _ in range(STEPS):
        rows = (first + np.concatenate([ids(share) for share in SHARES])).ravel()
        steps.append(Step((Gradient(round_to(SCALE * numbers(len(rows), WIDTH), "float32"), rows),)))
    zeros, group = np.zeros_like(w), Group((0,), Hyperparameters())
    return Case("float32", (Parameter(w, zeros, zeros),), (group,), tuple(steps), OBSERVED)


def growth(values: list[Duplicates]) -> list[dict[str, Any]]:
    """What other ways to treat repeated rows make of the weights, beside their sum.

    smallest, median, largest: of the trainings' effects, as `sequences.effects` has them. of_sum: the
    largest difference as a share of how far the weight that moved most moved where rows are summed;
    distance: in learning rates. Both are medians.
    """
    case = trainings()
    start = case.parameters[0].w.reshape(len(SHARES), TRAININGS, ROWS, WIDTH)
    summed = _ends(Duplicates.SUM)
    rows = []
    for value in values:
        ends = _ends(value)
        for (i, share), (n, steps) in product(enumerate(SHARES), enumerate(OBSERVED)):
            pairs = list(zip(summed[n, i], ends[n, i], start[i], strict=True))
            apart = np.array([np.abs(x - y).max() for x, y, _ in pairs])
            ways = np.array([(moved(x, w), moved(y, w)) for x, y, w in pairs])
            effects = apart / ways.max(axis=1)
            rows.append(
                {
                    "axis": "duplicates",
                    "left_value": Duplicates.SUM.name.lower(),
                    "right_value": value.name.lower(),
                    "repeats": share,
                    "steps": steps,
                    "trainings": TRAININGS,
                    "smallest": float(effects.min()),
                    "median": float(np.median(effects)),
                    "largest": float(effects.max()),
                    "of_sum": float(np.median(apart / ways[:, 0])),
                    "distance": float(np.median(apart)) / Hyperparameters().lr,
                }
            )
    return rows


@cache
def _ends(value: Enum) -> np.ndarray:
    """The weights (observed, shares, trainings, rows, width)."""
    w = alone(trainings(), *turned("duplicates", value)).trajectory.w[0]
    return w.reshape(len(OBSERVED), len(SHARES), TRAININGS, ROWS, WIDTH)
