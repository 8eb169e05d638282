"""What the units of a campaign came to, kept as it comes: an SQLite file, from which the tables are made."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from lazyadam.suites.campaign.unit import Result

FILE = "campaign.sqlite"
SCHEMA = """
CREATE TABLE settings (item TEXT PRIMARY KEY, value TEXT);
CREATE TABLE units (key TEXT PRIMARY KEY, result TEXT);
"""


class StoreError(Exception):
    """There is no campaign to go on with, or it is another; one line says why."""


class Store:
    """The results in a folder, to be added to."""

    def __init__(self, folder: Path, settings: Mapping[str, str], again: bool) -> None:
        """again: go on with the campaign that is there, which has to have these settings.

        Raises:
            StoreError: there is none, or another.
        """
        path = folder / FILE
        if again:
            there = settings_of(folder)
            for item, value in settings.items():
                if there.get(item) != value:
                    raise StoreError(f"{path}: of a campaign with {item} {there.get(item)}; this has {value}")
        elif path.exists():
            raise StoreError(f"{path}: a campaign is there: go on with it (--resume), or another --out")
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        # A process that is killed loses nothing so; where the machine loses power the last units may be lost.
        self.connection.execute("PRAGMA synchronous = NORMAL")
        if not again:
            self.connection.executescript(f"BEGIN; {SCHEMA}")
            self.connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            self.connection.execute("COMMIT")

    def add(self, key: str, result: Result) -> None:
        """A unit that is done; done twice, it is the same."""
        self.connection.execute("INSERT OR IGNORE INTO units VALUES (?, ?)", (key, json.dumps(result)))

    def keys(self) -> set[str]:
        return {key for (key,) in self.connection.execute("SELECT key FROM units")}

    def close(self) -> None:
        self.connection.close()


def settings_of(folder: Path) -> dict[str, str]:
    """The settings of the campaign in a folder. Raises as `results` does."""
    rows: Any = _rows(folder, "SELECT item, value FROM settings")
    return dict(rows)


def settings_of_all(folders: Sequence[Path]) -> dict[str, str]:
    """The settings of campaigns that are to be put together, which have to be the same.

    Raises:
        StoreError: a folder has another's, or none that can be read.
    """
    first, *others = ((folder, settings_of(folder)) for folder in folders)
    for folder, settings in others:
        for item, value in first[1].items():
            if settings.get(item) != value:
                raise StoreError(
                    f"{folder / FILE}: of a campaign with {item} {settings.get(item)}; {first[0]} has {value}"
                )
    return first[1]


def results(*folders: Path) -> Iterator[tuple[str, Result]]:
    """What all units came to, in the order of their keys, whichever folder has them.

    Raises:
        StoreError: a folder has none that can be read.
    """
    found = {key: (folder, key) for folder in folders for (key,) in _rows(folder, "SELECT key FROM units")}
    for folder, key in sorted(found.values(), key=lambda x: x[1]):
        ((text,),) = _rows(folder, "SELECT result FROM units WHERE key = ?", key)
        yield key, json.loads(text)


def _rows(folder: Path, query: str, *given: str) -> list[tuple[str, ...]]:
    path = folder / FILE
    if not path.is_file():
        raise StoreError(f"{path}: no such file: no campaign was begun there")
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
            return connection.execute(query, given).fetchall()
    except sqlite3.Error as error:
        raise StoreError(f"{path}: no results of a campaign ({error})") from None
