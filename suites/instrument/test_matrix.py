"""Clause by backend: what is left of a verdict when known axes are taken out, and never less than that."""

from dataclasses import fields
from typing import Any

import pytest

from lazyadam.reference.dialect import Dialect
from lazyadam.reports import matrix
from lazyadam.reports.findings import findings
from lazyadam.reports.tables import frame, read
from lazyadam.suites.instrument.published import RUN

AXIS, NO_AXIS = "axis-pin", "other-pin"
EPSILON = "epsilon: beside_root"


@pytest.mark.parametrize(
    ("verdict", "known", "explained_by", "witness", "expected"),
    [
        ("conforms", True, "", "", "conforms"),
        ("not run", True, "no framework", "", "not run"),
        ("diverges", True, EPSILON, AXIS, "but for"),
        ("diverges", False, EPSILON, "traces/x.json", "new"),
        ("diverges", True, "unexplained", NO_AXIS, "known"),
        ("diverges", True, "unexplained", f"{AXIS}; {NO_AXIS}", "known"),
        ("diverges", True, EPSILON, f"{AXIS}; {NO_AXIS}", "known"),
        ("refuses", True, "", "", "not taken"),
        ("refuses", True, "", NO_AXIS, "known"),
        ("refuses", False, "", "traces/x.json", "new"),
        ("dies", True, "", NO_AXIS, "known"),
        ("dies", False, "", "traces/x.json", "new"),
        ("hangs", False, "", "traces/x.json", "new"),
    ],
)
def test_what_is_left_of_a_verdict(
    verdict: str, known: bool, explained_by: str, witness: str, expected: str
) -> None:
    assert matrix.left(verdict, known, explained_by, set(witness.split("; ")), {AXIS}) == expected


ABOUT = {"backend": "a.B", "version": "1", "mode": "eager", "device": "cpu", "clause": "rows"}
PINS = frame(
    "pins",
    [
        {"pin": AXIS, "verdict": "diverges", "explained_by": EPSILON},
        {"pin": NO_AXIS, "verdict": "diverges", "explained_by": ""},
    ],
)


def cell(*rows: dict[str, Any], found: list[dict[str, Any]] | None = None) -> matrix.Cell:
    made = [ABOUT | {"against": "documented", "explained_by": "", "witness": ""} | row for row in rows]
    cells = matrix.cells(frame("verdicts", made), PINS, frame("findings", found or []))
    return cells["rows", "a.B"]


BUT_FOR = {"verdict": "diverges", "explained_by": EPSILON, "witness": AXIS}
NEW = {"verdict": "diverges", "explained_by": "unexplained", "witness": "traces/x.json"}


def test_a_cell_off_by_known_axes_alone_says_which() -> None:
    seen = cell({"dtype": "float32", "verdict": "conforms"}, {"dtype": "float64", **BUT_FOR})
    assert (seen.left, seen.sign, seen.axes) == ("but for", "ε", [EPSILON])
    assert seen.verdicts == {"documented": "diverges"}


def test_a_source_that_is_off_its_page_by_an_axis_and_has_no_rows_says_what_lazy_adam_does() -> None:
    of_lazy_adam = {"dtype": "float32", "against": "reference", "verdict": "conforms"}
    page = {"documented": "diverges", "reference": "conforms"}
    assert cell({"dtype": "float32", **BUT_FOR}, of_lazy_adam).verdicts == {**page, "explained": "conforms"}
    assert cell({"dtype": "float32", **NEW}, of_lazy_adam).verdicts == page
    own = {"dtype": "float32", "against": "explained", "verdict": "refuses"}
    seen = cell({"dtype": "float32", **BUT_FOR}, of_lazy_adam, own)
    assert seen.verdicts == {**page, "explained": "refuses"}


def test_what_is_new_in_one_type_is_not_hidden_by_the_others() -> None:
    seen = cell({"dtype": "float32", **BUT_FOR}, {"dtype": "float64", **NEW}, {"dtype": "float16", **BUT_FOR})
    assert (seen.left, seen.sign) == ("new", "✗")


def test_a_refusal_that_need_not_be_taken_hides_no_verdict() -> None:
    seen = cell({"dtype": "bfloat16", "verdict": "refuses"}, {"dtype": "float32", "verdict": "conforms"})
    assert (seen.left, seen.sign) == ("conforms", "✓")


def test_a_refusal_that_is_a_finding_is_known() -> None:
    found = {**ABOUT, "kind": "known", "cause": "rows", "clauses": "rows; others"}
    assert cell({"dtype": "float32", "verdict": "refuses"}).left == "not taken"
    assert cell({"dtype": "float32", "verdict": "refuses"}, found=[found]).left == "known"


def test_each_axis_has_a_sign_of_its_own() -> None:
    axes = {field.name for field in fields(Dialect)}
    assert axes <= matrix.SYMBOLS.keys()
    signs = [*matrix.SYMBOLS.values(), *matrix.SIGNS.values()]
    assert len(set(signs)) == len(signs)


def test_every_new_finding_is_a_new_cell_and_every_new_cell_a_finding() -> None:
    tables = {
        name: read(name, RUN) for name in ("verdicts", "pins", "axes", "dialects", "effects", "clauses")
    }
    verdicts = tables["verdicts"]
    some = verdicts.index[(verdicts["verdict"] == "diverges") & (verdicts["against"] == "documented")][::50]
    verdicts.loc[some, ["explained_by", "witness"]] = ["unexplained", "traces/x.json"]
    found = findings(tables)
    cells = matrix.cells(verdicts, tables["pins"], found)
    new = {key for key, cell in cells.items() if cell.left == "new"}
    told = {
        (clause, row.backend)
        for row in found[found["kind"] == "new"].itertuples()
        for clause in str(row.clauses).split("; ")
    }
    assert new == told
    assert len(new) > 5
