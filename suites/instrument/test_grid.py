"""Any two backends at once: what stands between them, by the trainings that both took."""

import pandas as pd
import pytest

from lazyadam.reports.grid import Between, grid
from lazyadam.reports.tables import frame


def pairs(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    """left and right, training, equal, difference after 1,000 steps; after ten all are equal."""
    made = []
    for names, sequence, equal, difference in rows:
        left, right = names.split()
        row = {"left": left, "right": right, "device": "cpu", "dtype": "float32", "sequence": sequence}
        made.append({**row, "steps": 10, "difference": 0.0, "equal": "yes", "message": ""})
        made.append({**row, "steps": 1000, "difference": difference, "equal": equal, "message": ""})
    return frame("pairs", made)


def differing(*axes: str) -> pd.DataFrame:
    row = {"left": "a", "right": "b", "device": "cpu", "dtype": "float32", "witness": ""}
    return frame(
        "equivalence", [{**row, "axis": axis, "left_value": "x", "right_value": "y"} for axis in axes]
    )


@pytest.mark.parametrize(
    ("rows", "axes", "between"),
    [
        ([("a b", "distinct", "yes", 0.0)], ["duplicates"], Between("equal", "=", "equal")),
        (
            [("a b", "distinct", "yes", 0.0), ("a b", "repeated", "no", 0.25)],
            ["duplicates"],
            Between("but-for", "= Σ 25%", "equal but for repeated: 25% apart (duplicates)"),
        ),
        (
            [("a b", "distinct", "no", 0.5), ("a b", "repeated", "no", 0.25)],
            ["epsilon", "storage"],
            Between("apart", "50%", "50% apart (epsilon)"),
        ),
        (
            [("a b", "distinct", "yes", 0.0), ("a b", "tables in turn", "no", 0.25)],
            [],
            Between("but-for", "= n 25%", "equal but for tables in turn: 25% apart (step count)"),
        ),
        ([("a b", "distinct", "not compared", float("nan"))], [], None),
        ([("a b", "dense gradient", "no", 0.5)], [], None),
    ],
)
def test_two_are_equal_or_equal_but_for_something_or_apart(
    rows: list[tuple[str, str, str, float]], axes: list[str], between: Between | None
) -> None:
    made = grid(pairs(*rows), differing(*axes), dense=False)
    assert made.cells.get(("a", "b")) == made.cells.get(("b", "a")) == between
    assert made.names == (["a", "b"] if between else [])


def test_dense_trainings_have_a_grid_of_their_own() -> None:
    rows = [("a b", "dense gradient", "yes", 0.0), ("a c", "distinct", "yes", 0.0)]
    assert grid(pairs(*rows), differing(), dense=True).names == ["a", "b"]
    assert grid(pairs(*rows), differing(), dense=False).names == ["a", "c"]
