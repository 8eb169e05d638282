"""What a run found is kept as it is found: killed at any moment it goes on, and ends with the same tables."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lazyadam.suites.run.journal import FILE, Journal, JournalError, Phase, done, phases, settings_of

SETTINGS = {"date": "2026-01-01", "arguments": "[]", "seed": "0", "profile": "ci"}
COMMAND = [sys.executable, "-m", "lazyadam.suites.commands"]
CHECK = ["check", "torch.SparseAdam", "--only", "duplicates", "--only", "gaps", "-n", "0"]


def begun(folder: Path, *found: Phase, again: bool = False, **settings: str) -> None:
    journal = Journal(folder, SETTINGS | settings, again)
    for phase in found:
        journal.add(phase)
    journal.close()


def test_what_was_added_is_there_in_its_order(tmp_path: Path) -> None:
    found = [Phase("b", "call", [{"verdicts": [{"x": 1}]}], None), Phase("a", "setup", [], {"test": "a"})]
    begun(tmp_path, *found)
    assert [*phases(tmp_path)] == found
    assert done(found) == {"a", "b"}
    assert settings_of(tmp_path) == SETTINGS


def test_a_new_run_begins_a_new_journal_and_one_that_goes_on_does_not(tmp_path: Path) -> None:
    begun(tmp_path, Phase("a", "call", [], None))
    begun(tmp_path, Phase("b", "call", [], None), again=True, date="2026-01-02", arguments="[1]")
    assert [p.test for p in phases(tmp_path)] == ["a", "b"]
    assert settings_of(tmp_path)["date"] == "2026-01-01"
    begun(tmp_path)
    assert [*phases(tmp_path)] == []


def test_nothing_that_was_added_is_lost_where_the_process_is_killed(tmp_path: Path) -> None:
    """Without an end of any kind: the file and what is beside it are as they were left."""
    code = (
        "import os, signal, sys; from pathlib import Path; from lazyadam.suites.run.journal import *\n"
        f"journal = Journal(Path(sys.argv[1]), {SETTINGS}, False)\n"
        "for i in range(100): journal.add(Phase(str(i), 'call', [], None))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert ran.returncode == -signal.SIGKILL
    assert [p.test for p in phases(tmp_path)] == [str(i) for i in range(100)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file: no run was begun there"),
        (b"", "no journal of a run (no such table: settings)"),
        (b"verdicts,of,another", "no journal of a run (file is not a database)"),
    ],
)
def test_a_journal_that_is_none_is_told_in_a_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(JournalError) as told:
        begun(tmp_path, again=True)
    assert str(told.value) == f"{tmp_path / FILE}: {said}"


def test_a_journal_that_lacks_a_setting_is_of_no_run(tmp_path: Path) -> None:
    begun(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("DELETE FROM settings WHERE item = 'seed'")
    with pytest.raises(JournalError, match="lacks seed"):
        settings_of(tmp_path)


def test_another_run_is_not_gone_on_with(tmp_path: Path) -> None:
    begun(tmp_path)
    with pytest.raises(JournalError, match="of a run with profile ci, and this one has nightly"):
        begun(tmp_path, again=True, profile="nightly")


def ended(*arguments: str, out: Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments, "--out", str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def killed(out: Path, after: int) -> None:
    """A run that is killed once so many tests have ended; its workers end with it."""
    run = subprocess.Popen(
        [*COMMAND, *CHECK, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while run.poll() is None:
        try:
            if len([*phases(out)]) >= after:
                break
        except JournalError:
            pass
        time.sleep(0.05)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()


def tables_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.csv")}


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_and_ends_with_the_same_tables(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    first = ended(*CHECK, out=whole)
    assert first.returncode == 0, first.stdout + first.stderr
    killed(cut, after=2)
    there = len([*phases(cut)])
    assert 2 <= there < len([*phases(whole)])
    assert not tables_of(cut)
    told = ended("report", "--from", str(cut), out=cut)
    assert "interrupted" in (cut / "run.csv").read_text(), told.stdout + told.stderr
    assert len([*phases(cut)]) == there
    second = ended(*CHECK, "--resume", out=cut)
    assert second.returncode == 0, second.stdout + second.stderr
    assert tables_of(cut).keys() >= tables_of(whole).keys()
    assert tables_of(cut) | tables_of(whole) == tables_of(cut)
    third = ended(*CHECK, "--resume", out=cut)
    assert third.returncode == 0
    assert tables_of(cut) | tables_of(whole) == tables_of(cut)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "torch.SparseAdam", "--resume"], "--resume: {out}/journal.sqlite: no such file"),
        (["report", "--from", "{out}"], "Invalid value for --from: {out}/journal.sqlite: no such file"),
    ],
)
def test_where_nothing_was_begun_there_is_nothing_to_go_on_with(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    ran = ended(*(x.format(out=tmp_path) for x in arguments), out=tmp_path)
    assert ran.returncode == 2
    assert said.format(out=tmp_path) in " ".join((ran.stdout + ran.stderr).split())
