"""How the effect of repeated ids grows: the trainings are what they are said to be, and so are the words."""

from dataclasses import replace

import numpy as np
import pytest

from lazyadam.reference.dialect import Duplicates
from lazyadam.reports.growth import growths
from lazyadam.reports.tables import frame
from lazyadam.suites.cases.case import Case, Gradient, Parameter, Step
from lazyadam.suites.equivalence.growth import IDS, ROWS, SHARES, TRAININGS, growth, trainings
from lazyadam.suites.equivalence.sequences import OBSERVED, turned
from lazyadam.suites.judge.alone import alone

OTHERS = [Duplicates.SCATTERED, Duplicates.SQUARES_APART]


def rows_of(step: Step) -> np.ndarray:
    """The rows of a step (shares, trainings, ids), in the tables of all."""
    (gradient,) = step.gradients
    assert gradient is not None
    assert gradient.rows is not None
    return gradient.rows.reshape(len(SHARES), TRAININGS, IDS)


def test_of_every_batch_the_share_of_ids_repeats_another() -> None:
    for step in trainings().steps[:20]:
        for share, batches in zip(SHARES, rows_of(step), strict=True):
            assert [1 - len(np.unique(batch)) / IDS for batch in batches] == pytest.approx(
                [share] * TRAININGS
            )


def test_every_training_keeps_to_its_own_table() -> None:
    tables = rows_of(trainings().steps[7]).reshape(-1, IDS) // ROWS
    assert (tables == np.arange(len(tables))[:, None]).all()


def one(n: int, steps: int) -> Case:
    """The training of a number alone."""
    case = trainings()
    mine = slice(n * ROWS, (n + 1) * ROWS)
    (parameter,) = case.parameters
    cut = []
    for step in case.steps[:steps]:
        (gradient,) = step.gradients
        assert gradient is not None
        assert gradient.rows is not None
        at = gradient.rows // ROWS == n
        cut.append(Step((Gradient(gradient.values[at], gradient.rows[at] - n * ROWS),)))
    own = Parameter(parameter.w[mine], parameter.m[mine], parameter.v[mine])
    observed = tuple(k for k in OBSERVED if k <= steps)
    return replace(case, parameters=(own,), steps=tuple(cut), observed=observed)


@pytest.mark.parametrize("value", OTHERS)
def test_the_numbers_are_those_of_the_trainings_one_by_one(value: Duplicates) -> None:
    effects, of_sum, distances = [], [], []
    for n in range(2 * TRAININGS, 3 * TRAININGS):
        case = one(n, 10)
        start = case.parameters[0].w
        x, y = (alone(case, *turned("duplicates", v)).trajectory.w[0][-1] for v in (Duplicates.SUM, value))
        apart, ways = np.abs(x - y).max(), [np.abs(z - start).max() for z in (x, y)]
        effects.append(apart / max(ways))
        of_sum.append(apart / ways[0])
        distances.append(apart / 1e-3)
    (row,) = (r for r in growth([value]) if (r["repeats"], r["steps"]) == (SHARES[2], 10))
    found = [row[name] for name in ("smallest", "median", "largest", "of_sum", "distance")]
    expected = [min(effects), np.median(effects), max(effects), np.median(of_sum), np.median(distances)]
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("value", OTHERS)
def test_the_share_grows_with_repeats_and_the_distance_with_steps_as_the_words_have_it(
    value: Duplicates,
) -> None:
    rows = growth([value])
    last = [r["median"] for r in rows if r["steps"] == OBSERVED[-1]]
    assert last[0] == 0
    assert (np.diff(last) > 0).all()
    for share in SHARES[1:]:
        assert (np.diff([r["distance"] for r in rows if r["repeats"] == share]) > 0).all()


def test_growth_is_told_by_share_and_steps() -> None:
    about = {"axis": "duplicates", "left_value": "sum", "right_value": "squares_apart", "trainings": 7}
    table = frame(
        "effects_growth",
        [
            about
            | {"repeats": share, "steps": k, "smallest": share / 4, "median": share / 2, "largest": share}
            | {"of_sum": 2 * share, "distance": k * share * 10}
            for share in (0.0, 0.8)
            for k in (1, 1000)
        ],
    )
    (grown,) = growths(table).values()
    assert grown.steps == [1, 1000]
    assert grown.rows == [("0%", ["0", "0"]), ("80%", ["40% (20% to 80%)"] * 2)]
    assert "sum against squares apart" in grown.about
    assert "8, 8,000 learning rates after 1, 1,000 steps. " in grown.beside
    assert "with sum alone, the last is 160%" in grown.beside
