"""Reports: what the tables say is what is told, what is missing is said, and nothing in them is run."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile
from typing import Any

import pandas as pd
import pytest

from lazyadam.reports import page, views
from lazyadam.reports.render import html
from lazyadam.reports.tables import frame, read, write
from lazyadam.suites.instrument.published import RUN, lazyadam

LEFT, RIGHT = "mindspore.LazyAdam.default.graph", "torch.SparseAdam"


def change(folder: Path, name: str, **cells: Any) -> None:
    """Set cells of the first row of a table."""
    table = read(name, folder)
    for column, value in cells.items():
        table.loc[0, column] = value
    write(table, folder / f"{name}.csv")


@pytest.mark.parametrize("name", sorted(file.stem for file in RUN.glob("*.csv")))
def test_a_table_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    table = read(name, RUN)
    write(table, tmp_path / f"{name}.csv")
    pd.testing.assert_frame_equal(read(name, tmp_path), table)


def replaced(path: Path) -> Path:
    path.unlink()
    return path


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: path.unlink(), "not there"),
    "cut off": (lambda path: path.write_text(path.read_text()[:-20]), "cut off in line"),
    "a line too short": (lambda path: path.write_text(path.read_text() + "x\n"), "cells, not"),
    "another table": (lambda path: path.write_text("a,b\n1,2\n"), "another table"),
    "empty": (lambda path: path.write_text(""), "cut off in line 1"),
    "no number": (
        lambda path: path.write_text(path.read_text().replace(",1,", ",one,", 1)),
        "which is no number",
    ),
    "a cell without end": (
        lambda path: path.write_text(path.read_text().replace(",", f',"{"x" * 200_000}', 1)),
        "field larger than field limit",
    ),
    "cut off in a quotation": (
        lambda path: path.write_text(',"'.join(path.read_text().rsplit(",", 1))),
        "unexpected end of data",
    ),
    "a pipe": (lambda path: os.mkfifo(replaced(path)), "no regular file"),
    "a folder": (lambda path: replaced(path).mkdir(), "no regular file"),
    "no text": (lambda path: path.write_bytes(b"\xff\xfe\x00"), "no text in UTF-8"),
}


READ = (
    *("training", "carried", "effects", "sequences", "bad_input", "coverage"),
    *("dialects", "claims", "effects_growth", "axes", "promises"),
)


def test_every_spoilt_table_is_one_line_and_the_rest_is_built(folder: Path) -> None:
    """In one page: it takes a second to build."""
    (folder / "performance.csv").unlink()  # whose plots take seconds
    files = {what: folder / f"{name}.csv" for what, name in zip(SPOILED, READ, strict=True)}
    for what, (spoil, _) in SPOILED.items():
        spoil(files[what])
    ran = lazyadam("page", "--out", folder)
    assert ran.returncode == 2
    lines = ran.stderr.splitlines()
    assert len(lines) == len(SPOILED)
    for what, (_, expected) in SPOILED.items():
        (line,) = (line for line in lines if str(files[what]) in line)
        assert expected in line
    page = (folder / "index.html").read_text()
    assert page.count("Missing:") >= len(SPOILED)
    assert 'id="matrix"' in page
    assert "Known divergences" in page


def test_of_no_tables_at_all_no_page_is_made(tmp_path: Path) -> None:
    ran = lazyadam("page", "--out", tmp_path)
    assert (ran.returncode, ran.stderr) == (2, f"{tmp_path}/verdicts.csv: not there\n")
    assert not list(tmp_path.iterdir())


def test_tables_that_lack_are_told_on_the_page(tmp_path: Path) -> None:
    copyfile(RUN / "verdicts.csv", tmp_path / "verdicts.csv")
    ran = lazyadam("page", "--out", tmp_path)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert (tmp_path / "index.html").read_text().count("Missing:") > 5


@pytest.mark.parametrize("command", ["pair a b", "junit", "summary", "diff {} {}"])
def test_other_commands_say_in_one_line_what_is_missing(command: str, tmp_path: Path) -> None:
    where = [] if "diff" in command else ["--out", tmp_path]
    ran = lazyadam(*command.format(tmp_path, RUN).split(), *where)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert "not there" in line


HOSTILE = "<script>document.title = 'run'</script>"


def test_what_comes_from_a_table_is_shown_and_not_run(folder: Path) -> None:
    change(folder, "verdicts", verdict="diverges", explained_by=HOSTILE, backend=f"torch{HOSTILE}")
    change(folder, "bad_input", outcome="accepts", message=HOSTILE)
    change(folder, "claims", evidence=HOSTILE)
    lazyadam("page", "--out", folder)
    page = (folder / "index.html").read_text()
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;document") >= 2
    assert page.count("\\u003cscript\\u003edocument") >= 1


@pytest.mark.parametrize(
    ("left", "right", "values"), [(LEFT, RIGHT, "scattered | sum"), (RIGHT, LEFT, "sum | scattered")]
)
def test_a_pair_is_told_in_the_order_asked_for(left: str, right: str, values: str) -> None:
    said = lazyadam("pair", left, right, "--out", RUN).stdout
    assert said.startswith(f"### `{left}` and `{right}`\n")
    assert f"| axis | `{left}` | `{right}` |" in said
    assert f"| duplicates | {values} |" in said
    assert "lazy-adam-duplicates" in said


def test_a_pair_is_told_from_the_recorded_run_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = lazyadam("pair", RIGHT, LEFT.replace("graph", "pynative"))
    assert (ran.returncode, ran.stdout.splitlines()[0].startswith("From the recorded run (2026-")) == (
        0,
        True,
    )
    assert (
        f"**Instead of `{LEFT.replace('graph', 'pynative')}`** take `{LEFT}`, which was tried." in ran.stdout
    )


TARGET = 'optimizer.target = "CPU"'
IN_HTML = TARGET.replace('"', "&quot;")


@pytest.mark.slow
def test_that_the_target_has_to_be_assigned_is_said_first_and_in_bold(folder: Path) -> None:
    (folder / "performance.csv").unlink()  # whose plots take seconds
    lazyadam("page", "--out", folder)
    page, guide = (folder / "index.html").read_text(), (folder / "migration.md").read_text()
    assert page.index(f"<strong>Assign <code>{IN_HTML}</code>") < page.index("default.graph</code>")
    section = guide[guide.index("## What to set") :]
    assert section.index(f"**Assign `{TARGET}`") < section.index("mindspore.LazyAdam")
    for text in (page, guide):
        assert "as it is" not in text


@pytest.mark.slow
def test_next_to_how_far_a_pair_is_apart_is_said_that_it_is_no_forecast_and_how_it_grows(
    folder: Path,
) -> None:
    (folder / "performance.csv").unlink()
    lazyadam("page", "--out", folder)
    page, guide = (folder / "index.html").read_text(), (folder / "migration.md").read_text()
    for text in (page, guide, lazyadam("pair", LEFT, RIGHT, "--out", folder).stdout):
        assert "no forecast of yours" in text
        assert re.search(r"80%.*?97% \(91% to 103%\)", text, re.DOTALL)


def of_this_run_alone(folder: Path) -> None:
    for name in page.OPTIONAL:
        (folder / f"{name}.csv").unlink(missing_ok=True)


def test_what_a_run_has_not_measured_is_of_the_recorded_run_and_only_then(folder: Path) -> None:
    assert page.load(folder).recorded == set()
    of_this_run_alone(folder)
    tables = page.load(folder)
    assert tables.recorded == {name for name in page.OPTIONAL if (RUN / f"{name}.csv").exists()}
    assert "torch 2." in tables.of_recorded
    assert "threads" in tables.of_recorded
    (folder / "performance.csv").write_text((RUN / "performance.csv").read_text())
    tables = page.load(folder)
    # Of one command all or nothing: a break-even belongs to its measurements.
    assert not {"performance", "performance_growth", "performance_break_even"} & tables.recorded
    assert "detection" in tables.recorded


def test_what_is_recorded_is_still_said_not_to_have_run(folder: Path) -> None:
    of_this_run_alone(folder)
    said = {line[0]: line[1] for line in page.not_run(page.load(folder))}
    assert "lazyadam bench was not run" in said


def test_a_run_without_findings_has_them_gathered_from_its_verdicts(folder: Path) -> None:
    (folder / "findings.csv").unlink(missing_ok=True)
    found = page.load(folder).get("findings")
    assert {"mindspore.LazyAdam.default.graph", "torch.SparseAdam"} <= set(found["backend"])
    (folder / "pins.csv").unlink()
    assert page.load(folder).get("findings").empty  # what is known can't be told from what is new


@pytest.mark.slow
def test_what_a_run_was_not_asked_for_is_not_missed(folder: Path) -> None:
    run = read("run", folder)
    run.loc[run["item"] == "tables", "value"] = "verdicts, coverage, pins, run"
    write(run, folder / "run.csv")
    for name in ("sequences", "coverage"):
        (folder / f"{name}.csv").unlink()
    ran = lazyadam("page", "--out", folder)
    assert ran.returncode == 2
    assert [line.partition(": ")[0] for line in ran.stderr.splitlines()] == [str(folder / "coverage.csv")]
    said = (folder / "index.html").read_text()
    assert said.count("Missing:") == 1
    assert "Not of this run: <code>sequences.csv</code>" in said


@pytest.mark.parametrize("script", ["../secret.py", "/etc/hostname", "reproducers/../../secret.py"])
def test_no_script_is_read_from_beside_the_tables(script: str, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("secret")
    (tmp_path / "run").mkdir()
    row = {"kind": "new", "sentence": "it is wrong", "clauses": "", "dtypes": "", "witness": ""}
    row |= {"owner": "", "least": "", "effect": "", "script": script}
    (found,) = views.findings(frame("findings", [row]), tmp_path / "run")
    assert found.script == ""


def test_findings_of_one_cause_stand_together_new_ones_first_documentation_last() -> None:
    rows = [
        {"backend": name, "kind": kind, "sentence": kind + owner, "clauses": clause, "owner": owner}
        | dict.fromkeys(("dtypes", "witness", "least", "effect", "script"), "")
        for name, kind, owner, clause in (
            ("a", "known", "documentation", "rows"),
            ("b", "known", "documentation", "rows; gaps"),
            ("c", "known", "backend", "rows"),
            ("d", "new", "", "rows"),
            ("e", "documented", "", "rows"),
        )
    ]
    found = views.findings(frame("findings", rows), Path())
    assert [finding.backends for finding in found] == [["d"], ["c"], ["a", "b"]]
    assert found[-1].clauses == ["rows", "gaps"]


def test_a_claim_is_decided_in_a_word_and_its_reason_is_what_decides() -> None:
    claims = {row["claim"]: row for row in views.claims(read("claims", RUN))}
    assert claims["C2"]["verdict"] == "can't be decided here"
    assert claims["C2"]["why"] == ["there is no gpu and no ascend"]
    assert len(claims["C5"]["why"]) == 2
    assert all("refused" in sentence for sentence in claims["C5"]["why"])
    assert claims["C10"]["why"] == []
    assert any("8 of 8 each time" in sentence for sentence in claims["C10"]["evidence"])


def test_bad_input_that_does_harm_comes_first_and_the_worst_of_it() -> None:
    found = views.bad_input(read("bad_input", RUN))
    assert list(found) == ["harm", "gradients", "arguments"]
    assert found["harm"][0][:2] == ["row-minus-1", ("dies", "dies")]
    assert all("row" in str(line[0]) or "value" in str(line[0]) for line in found["gradients"])


def test_markdown_is_marked_up_and_all_else_is_text() -> None:
    said = html('**`a = "b"`**, <i> ![x](https://a.b/c) [y](javascript:z)')
    assert "<strong><code>a = &quot;b&quot;</code></strong>, &lt;i&gt;" in said
    assert "<img" not in said
    assert 'href="javascript' not in said
