"""What each test found, kept as it is found: an SQLite file beside the tables, which are made of it.

Whatever kills a run costs it what was under way. The file is written by one process, the one that gathers.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lazyadam.suites.backends.workers.start import ROOT

FILE = "journal.sqlite"
TABLES = """
CREATE TABLE settings (item TEXT PRIMARY KEY, value TEXT);
CREATE TABLE phases (test TEXT, phase TEXT, results TEXT, failed TEXT);
"""

BEGUN, ARGUMENTS, ENDED = "date", "arguments", "ended"
FREE = (BEGUN, ARGUMENTS, ENDED)  # may differ: who goes on may do so on another day, or in more processes
Settings = dict[str, str]


class JournalError(Exception):
    """There is no journal to go on with, or it is of another run; one line says why."""


@dataclass(frozen=True)
class Phase:
    """A part of a test, that ended, by pytest's word: its results, and a row of failures.csv or None."""

    test: str
    phase: str
    results: list[dict[str, Any]]
    failed: dict[str, str] | None


class Journal:
    """The journal of a folder, to be written. begun: the day on which the run was. whole: it was done."""

    def __init__(self, folder: Path, settings: Settings, again: bool) -> None:
        """again: go on with the run that is there, which has to have these settings.

        Raises:
            JournalError: there is none, or it is another run's.
        """
        path = folder / FILE
        if again:
            _check(path, settings)
        else:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(FILE + suffix).unlink(missing_ok=True)
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        # A process that is killed loses nothing so; where the machine loses power the last tests may be lost.
        self.connection.execute("PRAGMA synchronous = NORMAL")
        if not again:
            self.connection.executescript(TABLES)
            self.connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
        there = settings_of(folder)
        self.begun, self.whole = there[BEGUN], ENDED in there

    def add(self, phase: Phase) -> None:
        row = (phase.test, phase.phase, json.dumps(phase.results), json.dumps(phase.failed))
        self.connection.execute("INSERT INTO phases VALUES (?, ?, ?, ?)", row)

    def end(self) -> None:
        """All was done."""
        self.connection.execute("INSERT OR REPLACE INTO settings VALUES (?, 'whole')", (ENDED,))

    def close(self) -> None:
        self.connection.close()


def phases(folder: Path) -> Iterator[Phase]:
    """What a journal holds, in the order in which it came about. Raises as `settings_of` does."""
    for test, phase, results, failed in _rows(folder / FILE, "SELECT * FROM phases ORDER BY rowid"):
        yield Phase(test, phase, json.loads(results), json.loads(failed))


def settings_of(folder: Path) -> Settings:
    """The settings of the run whose journal a folder holds.

    Raises:
        JournalError: there is none that can be read.
    """
    found = dict(_rows(folder / FILE, "SELECT item, value FROM settings"))
    if lacking := [item for item in (BEGUN, ARGUMENTS, "seed") if item not in found]:
        raise JournalError(f"{folder / FILE}: no journal of a run (it lacks {lacking[0]})")
    return found


def done(of: list[Phase]) -> set[str]:
    """The tests that need not run again."""
    return {p.test for p in of if p.phase == "call" or p.failed}


def code() -> str:
    """A digest of what decides on results: the reference, the suites, and what is known."""
    files = [
        file
        for part in ("reference", "suites")
        for file in sorted((ROOT / part).rglob("*"))
        if file.suffix in (".py", ".json")
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _check(path: Path, settings: Settings) -> None:
    there = settings_of(path.parent)
    for item, value in settings.items():
        if item not in FREE and there.get(item) != value:
            raise JournalError(f"{path}: of a run with {item} {there.get(item)}, and this one has {value}")


def _rows(path: Path, query: str) -> list[Any]:
    if not path.is_file():
        raise JournalError(f"{path}: no such file: no run was begun there")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as error:
        raise JournalError(f"{path}: no journal of a run ({error})") from None
