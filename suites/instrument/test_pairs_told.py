"""Pairs, axes, versions and other tools: what is made of tables."""

import json
import re
from pathlib import Path
from shutil import copytree
from xml.etree import ElementTree

import pandas as pd
import pytest

from lazyadam.reports.answer import beside, moving
from lazyadam.reports.equivalence import axes_of, pairs_of, told
from lazyadam.reports.tables import TableError, frame, read, write
from lazyadam.reports.versions import release
from lazyadam.suites.instrument.published import RUN, lazyadam
from lazyadam.suites.instrument.test_reports import LEFT, RIGHT, change


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        (
            RIGHT,
            LEFT,
            "**To end where `torch.SparseAdam` ended**, take `mindspore.LazyAdam.target_cpu.graph` "
            '(`optimizer.target = "CPU"` assigned); it refuses empty gradients.',
        ),
        (
            LEFT,
            RIGHT,
            f"**Nothing of torch here ends where `{LEFT}` ended** with repeated rows, tables in turn.",
        ),
        (
            RIGHT,
            "mindspore.LazyAdam.target_cpu.graph",
            "**To end where `torch.SparseAdam` ended**, give each table that some batch does not look up an "
            "optimizer of its own.",
        ),
    ],
)
def test_those_who_move_are_told_what_ends_where_they_were(left: str, right: str, said: str) -> None:
    sentence = moving(left, right, pairs_of(read("sequences", RUN)))
    assert sentence.startswith(said)
    assert bool(sentence) == bool(said)


def test_a_base_that_nothing_can_be_compared_with_is_none() -> None:
    """SparseAdam takes sparse gradients alone, torch's others dense ones alone: a run of torch has both."""
    pairs = pairs_of(read("sequences", RUN))
    torch_alone = pairs[pairs["left"].str.startswith("torch.") & pairs["right"].str.startswith("torch.")]
    found = beside(torch_alone)
    assert found is not None
    assert (found.base, len(found.ends)) == ("torch.Adam.foreach", 2)
    assert beside(pairs[:0]) is None
    assert moving("torch.SparseAdam", "torch.Adam.fused", torch_alone) == ""


def test_a_pair_that_is_not_there_is_named() -> None:
    ran = lazyadam("pair", LEFT, "torch.SparseAdan", "--out", RUN)
    assert ran.returncode == 2
    assert "torch.SparseAdan" in ran.stderr
    assert "Traceback" not in ran.stderr


ABOUT = {"version": "1", "mode": "eager", "device": "cpu"}


def sequences(*rows: tuple[str, int, list[float], float]) -> pd.DataFrame:
    """Of one training: backend, steps, w, and the bound on each weight."""
    made = [
        {
            **ABOUT,
            "backend": backend,
            "dtype": "float32",
            "sequence": "rows",
            "steps": steps,
            "w": json.dumps(w),
            "bound": json.dumps([bound] * len(w)),
            "message": "",
        }
        for backend, steps, w, bound in rows
    ]
    return frame("sequences", made)


@pytest.mark.parametrize(("apart", "equal"), [(0.029, "yes"), (0.031, "no")])
def test_a_pair_is_equal_where_both_bounds_together_allow_it(apart: float, equal: str) -> None:
    table = sequences(
        ("a", 0, [0.0, 1.0], 0.0),
        ("b", 0, [0.0, 1.0], 0.0),
        ("a", 10, [0.5, 1.0], 0.01),
        ("b", 10, [0.5 + apart, 1.0], 0.02),
    )
    (row,) = pairs_of(table).to_dict("records")
    assert row["equal"] == equal
    assert row["difference"] == pytest.approx(apart / (0.5 + apart))


@pytest.mark.parametrize(
    ("left", "right", "differ"),
    [
        ("sum", "scattered", True),
        ("sum", "sum", False),
        ("sum|mean", "sum", False),
        ("sum|mean", "last|first", True),
        ("sum", "refuses", True),
        ("sum", "not asked: does not take: sparse", False),
        ("sum", "not run", False),
    ],
)
def test_axes_differ_where_values_exclude_each_other(left: str, right: str, differ: bool) -> None:
    dialects = frame(
        "dialects",
        [
            {**ABOUT, "backend": backend, "axis": "duplicates", "observed": value}
            for backend, value in (("a", left), ("b", right))
        ],
    )
    nothing = [frame(name, []) for name in ("effects", "sequences", "pins")]
    assert len(axes_of(dialects, *nothing)) == differ


def test_the_effect_of_an_axis_is_the_largest_of_the_trainings_that_both_took() -> None:
    dialects = frame(
        "dialects",
        [
            {**ABOUT, "backend": backend, "axis": "duplicates", "observed": value}
            for backend, value in (("a", "sum"), ("b", "last"))
        ],
    )
    effects = frame(
        "effects",
        [
            {"axis": "duplicates", "left_value": "last", "right_value": "sum", "sequence": name, "steps": k}
            | {"effect": effect}
            for name, k, effect in (("rows", 1000, 0.25), ("rows", 10, 0.5), ("dense", 1000, 0.75))
        ],
    )
    both = sequences(("a", 1000, [0.0], 0.0), ("b", 1000, [0.0], 0.0))
    (row,) = axes_of(dialects, effects, both, frame("pins", [])).to_dict("records")
    assert row["effect_after_1000_steps"] == 0.25


def test_a_difference_is_told_with_its_size() -> None:
    table = sequences(
        ("a", 0, [0.0], 0.0), ("b", 0, [0.0], 0.0), ("a", 1000, [1.0], 0.0), ("b", 1000, [0.75], 0.0)
    )
    said = "\n".join(told("a", "b", frame("equivalence", []), pairs_of(table), frame("effects_growth", [])))
    assert "| rows | 25% |" in said


def test_runs_that_are_equal_are_said_to_be_and_a_change_is_named(folder: Path) -> None:
    assert "Nothing that is compared has changed." in lazyadam("diff", RUN, folder).stdout
    change(folder, "claims", verdict="refuted twice")
    ran = lazyadam("diff", RUN, folder)
    assert ran.returncode == 0
    assert "| claims: C1 | refuted | refuted twice |" in ran.stdout
    assert "1 rows changed." in ran.stdout


@pytest.mark.slow
def test_versions_are_a_line_where_nothing_changed_and_told_where_something_did(folder: Path) -> None:
    for name in ("verdicts", "dialects", "bad_input", "findings"):
        table = read(name, folder)
        write(table.replace({"version": {"2.10.0": "2.9.1"}}), folder / f"{name}.csv")
    before = read("dialects", RUN).query("backend == 'mindspore.LazyAdam.default.graph'").iloc[0]
    table = read("dialects", folder)
    table.loc[(table["backend"] == before["backend"]) & (table["axis"] == before["axis"]), "observed"] = "odd"
    write(table, folder / "dialects.csv")
    said = lazyadam("versions", RUN, folder, "--out", folder).stdout
    row = f"{before['backend']}, {before['axis']}"
    assert re.search(r"## mindspore 2.9.1, 2.10.0\n\n1 of \d+ rows changed.", said)
    assert re.search(r"## torch 2.13.0\S*\n\n0 of \d+ rows changed.", said)
    assert f"| dialects: {row} | odd; {before['agrees']} | {before['observed']}; {before['agrees']} |" in said
    lines = read("versions", folder)
    assert set(lines[lines["row"] == row]["versions"]) == {"2.9.1", "2.10.0"}
    assert set(lines[(lines["framework"] == "mindspore") & (lines["row"] != row)]["versions"]) == {
        "2.9.1, 2.10.0"
    }


@pytest.mark.slow
def test_one_version_is_nothing_to_compare() -> None:
    ran = lazyadam("versions", RUN, RUN)
    assert ran.returncode == 2
    assert ran.stderr == f"{RUN}, {RUN}: no framework is there in two versions to compare\n"


def test_rows_of_one_name_are_not_compared(folder: Path) -> None:
    table = read("claims", folder)
    write(pd.concat([table, table[:1].assign(verdict="refuted twice")]), folder / "claims.csv")
    ran = lazyadam("diff", RUN, folder)
    assert (ran.returncode, ran.stderr) == (2, "claims.csv: two rows for C1\n")


def test_junit_has_a_failure_where_a_divergence_is_not_known(folder: Path) -> None:
    known = read("findings", folder)
    write(known.assign(kind="known"), folder / "findings.csv")
    assert lazyadam("junit", "--out", folder).returncode == 0
    assert not ElementTree.parse(folder / "junit.xml").findall(".//failure")
    change(folder, "verdicts", verdict="diverges", against="documented", witness="traces/new.json")
    lazyadam("junit", "--out", folder)
    (failure,) = ElementTree.parse(folder / "junit.xml").findall(".//failure")
    assert "traces/new.json" in failure.attrib["message"]
    change(folder, "findings", kind="new", cause="duplicates: last")
    lazyadam("junit", "--out", folder)
    found, _ = ElementTree.parse(folder / "junit.xml").findall(".//testcase[failure]")
    assert found.attrib["name"] == "new: duplicates: last"
    assert "**1 new findings**" in lazyadam("summary", "--out", folder).stdout


def test_junit_is_xml_whatever_a_cell_holds(folder: Path) -> None:
    write(read("findings", folder).assign(cause="a\x01b"), folder / "findings.csv")
    assert lazyadam("junit", "--out", folder).returncode == 0
    assert "a\\x01b" in (folder / "junit.xml").read_text()
    ElementTree.parse(folder / "junit.xml")


def test_versions_stand_in_their_order_and_one_that_is_none_first() -> None:
    assert sorted(["2.10", "nightly", "2.9"], key=release) == ["nightly", "2.9", "2.10"]


def test_read_refuses_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="not there"):
        read("verdicts", tmp_path)


@pytest.mark.parametrize(
    ("table", "column", "cell"),
    [
        ("findings", "clauses", "changed | so"),
        ("training", "verdict", "hangs"),
        ("carried", "verdict", "hangs"),
        ("bad_input", "state", "non-finite"),
        ("coverage", "reason", "changed | so"),
        ("tolerance", "max_abs", 0.5),
    ],
)
def test_a_difference_sees_whatever_a_run_tabulates(
    table: str, column: str, cell: str | float, tmp_path: Path
) -> None:
    after = copytree(RUN, tmp_path / "after")
    changed = read(table, RUN)
    at = changed.index[changed["way"] == "free"][0] if table == "tolerance" else 0
    changed.loc[at, column] = cell
    write(changed, after / f"{table}.csv")
    said = lazyadam("diff", RUN, after).stdout
    (row,) = [line for line in said.splitlines() if line.startswith(f"| {table}: ")]
    told = f"{cell:.1e}" if isinstance(cell, float) else cell.replace("|", "\\|")
    assert told in row.rpartition(" | ")[2] or row.endswith(f"{told} |")
    (after / f"{table}.csv").unlink()
    assert f"for one of them lacks it: {table}\n" in lazyadam("diff", RUN, after).stdout
