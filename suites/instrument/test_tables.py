"""The tables: every clause is counted on every backend, and what was not tried says why."""

from typing import Any

from reports.columns import COLUMNS
from reports.tables import coverage, frame

ABOUT = {"backend": "b", "version": "1", "mode": "eager", "device": "cpu"}
REASONS = {("b", "rule"): "", ("b", "decay"): "does not take: weight_decay", ("other", "rule"): ""}


def verdict(clause: str, cases: int, **others: Any) -> dict[str, Any]:
    row = {"clause": clause, "cases": cases, "steps": 3 * cases, "against": "documented", "explained_by": ""}
    return {**ABOUT, **row, **others}


def counts(*verdicts: dict[str, Any]) -> dict[str, tuple[int, int, str]]:
    return {r["clause"]: (r["cases"], r["steps"], r["reason"]) for r in coverage(verdicts, REASONS)}


def test_coverage_counts_the_cases_of_all_types_once() -> None:
    seen = counts(verdict("rule", 4), verdict("rule", 4, against="reference"), verdict("rule", 2))
    assert seen == {"rule": (6, 18, ""), "decay": (0, 0, "does not take: weight_decay")}


def test_coverage_says_why_there_are_none() -> None:
    assert counts(verdict("decay", 1))["rule"] == (0, 0, "not selected")
    assert counts(verdict("rule", 0, explained_by="no torch"))["rule"] == (0, 0, "not run: no torch")


def test_every_row_of_coverage_fits_the_table() -> None:
    rows = coverage([verdict("rule", 4)], REASONS)
    assert not frame("coverage", rows)[list(COLUMNS["coverage"])].isna().any().any()
