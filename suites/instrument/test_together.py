"""Which circumstances were tried together, as the page shows it."""

import re

import pytest

from lazyadam.reports import together
from lazyadam.reports.page import build, load
from lazyadam.reports.tables import frame
from lazyadam.suites.instrument.published import RUN

WHY = "a row of rank 1 is a number"


def pair(
    backend: str, dimension: str, other: str, possible: int, tried: int, why: str = ""
) -> dict[str, object]:
    counts = {"pairs": 8, "possible": possible, "tried": tried, "why": why}
    return {"backend": backend, "dimension": dimension, "other": other, **counts}


SPACE = frame(
    "space",
    [
        pair("a.B", "width", "rank", 6, 6, WHY),
        pair("a.C", "width", "rank", 6, 4),
        pair("a.B", "width", "steps", 6, 6),
        pair("a.C", "width", "steps", 0, 0),
        pair("a.B", "rank", "steps", 6, 6),
        pair("a.C", "rank", "steps", 999, 998),
    ],
)


def test_a_field_has_the_least_share_of_all_backends_and_why_not_more_can_meet() -> None:
    assert together.dimensions(SPACE) == ["rank", "width", "steps"]
    rows = dict(together.triangle(SPACE))
    assert [m.sign for m in rows["width"]] == ["66 %"]
    assert [m.sign for m in rows["steps"]] == ["99 %", "✓"]
    told = f"8 pairs of values, 6 can meet ({WHY}); 66 % of them tried at least: a.C"
    assert rows["width"][0].told == told
    assert together.whole(SPACE) == ["a.B"]


@pytest.mark.parametrize("there", [True, False])
def test_the_page_has_it_where_it_was_counted(there: bool) -> None:
    tables = load(RUN)
    tables.by_name.pop("space", None)
    if there:
        tables.by_name["space"] = SPACE
    text = build(tables, tables.get("pairs"), tables.get("equivalence"))
    assert ('id="triangle"' in text) == there
    assert bool(re.search(r"counted where nothing is left out", text)) != there
