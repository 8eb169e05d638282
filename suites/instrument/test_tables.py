"""The tables: every clause is counted on every backend, and what was not tried says why."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.columns import COLUMNS
from reports.tables import coverage, frame
from suites.backends.process import ROOT

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


def test_a_worker_of_a_spread_run_writes_no_tables(
    pytestconfig: pytest.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would write a part of them, and might do so after the whole."""
    root: Any = pytestconfig.pluginmanager.get_plugin(str(ROOT / "conftest.py"))
    monkeypatch.setattr(root, "_collected", [{"verdicts": [verdict("rule", 4)]}])
    worker = SimpleNamespace(workerinput={}, getoption=lambda name: tmp_path)
    root.pytest_terminal_summary(None, pytest.ExitCode.OK, worker)
    assert not list(tmp_path.iterdir())


def test_every_row_of_coverage_fits_the_table() -> None:
    rows = coverage([verdict("rule", 4)], REASONS)
    assert not frame("coverage", rows)[list(COLUMNS["coverage"])].isna().any().any()
