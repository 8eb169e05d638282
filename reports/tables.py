"""The tables: their order, and how they are written, whole or not at all, and read."""

import csv
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from lazyadam.reports.errors import NotWritten as NotWritten  # known as ours
from lazyadam.reports.errors import TableError as TableError
from lazyadam.reports.schema import TABLES
from lazyadam.reports.schema.columns import ABOUT
from lazyadam.reports.vocabulary import Against

MOST_BYTES = 2**28
RECORDED = Path(__file__).parent / "published" / "cpu"  # a run that comes with the suite


def frame(name: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of a table, in its columns and in an order that depends on the rows alone."""
    columns = list(TABLES[name].names)
    table = pd.DataFrame(list(rows), columns=columns)
    return table.sort_values(columns, kind="stable", ignore_index=True, key=_order)


def _order(column: pd.Series) -> pd.Series:
    """Claims by their numbers, C2 before C10; other columns as they are."""
    return (
        column.str.replace(r"\d+", lambda number: number[0].zfill(3), regex=True)
        if column.name == "claim"
        else column
    )


BYTE_ORDER_MARK = "\ufeff"  # which spreadsheets write first
LONGEST_CELL = 2**17


def read(name: str, folder: Path, only: Sequence[str] = ()) -> pd.DataFrame:
    """A table as it was written. Cells that are empty are '', or NaN in columns of numbers.

    only: the columns that are wanted, where another version of the suite may have written it with others.

    Raises:
        TableError: it is not there, cut off, or another table.
    """
    path, rows = folder / f"{name}.csv", list[list[str]]()
    try:
        text = text_of(path).removeprefix(BYTE_ORDER_MARK)
        csv.field_size_limit(LONGEST_CELL)  # MindSpore, once imported, has set another
        rows.extend(csv.reader(StringIO(text), strict=True))
    except FileNotFoundError:
        raise TableError(f"{path}: not there") from None
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: no text in UTF-8, from byte {error.start + 1} on") from None
    except OSError as error:
        raise TableError(f"{path}: {error}") from None
    except csv.Error as error:  # counted in lines, and a quote that is never closed begins a long one
        raise TableError(f"{path}: row {len(rows) + 1}: {error}") from None
    if not text.endswith("\n"):
        raise TableError(f"{path}: cut off in line {text.count(chr(10)) + 1}")
    if "\0" in text:  # pandas ends a cell there
        raise TableError(f"{path}: a zero byte in line {text[: text.index(chr(0))].count(chr(10)) + 1}")
    if tuple(rows[0]) != TABLES[name].names and not (only and {*only} <= {*rows[0]}):
        raise TableError(f"{path}: {_other_columns(rows[0], tuple(only) or TABLES[name].names)}")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise TableError(f"{path}: row {number} has {len(row)} cells, not {len(rows[0])}")
    numbers = {c.name for c in TABLES[name].columns if c.holds_numbers and c.name in rows[0]}
    words = dict.fromkeys((column for column in rows[0] if column not in numbers), str)
    empty = dict.fromkeys(numbers, "")
    table = pd.read_csv(StringIO(text), dtype=words, keep_default_na=False, na_values=empty)
    for column in sorted(numbers):
        kind = table[column].dtype.kind
        if len(table) and kind not in "iuf":  # True and False would be counts
            raise TableError(f"{path}: {_no_number(rows, column)}")
    if only:
        return table[[*only]]
    if flaw := TABLES[name].flaws(table):
        raise TableError(f"{path}: {flaw}")
    return table


def _other_columns(there: list[str], due: tuple[str, ...]) -> str:
    """How the first row differs from the names of the columns."""
    lacking, more = ([x for x in a if x not in b] for a, b in ((due, there), (there, due)))
    if len(lacking) == len(due):
        return f"another table: its first line is {', '.join(there)[:60]!r}"
    told = [f"lacks column {', '.join(lacking)}"] if lacking else []
    told += [f"has {', '.join(more)[:60]!r} as a column"] if more else []
    return f"another table: it {' and '.join(told) or 'has its columns in another order, or twice'}"


def _no_number(rows: list[list[str]], column: str) -> str:
    """Where a column of numbers, in rows of which the first has the names, has something else."""
    cells = [row[rows[0].index(column)] for row in rows]
    for number, cell in enumerate(cells[1:], 2):
        try:
            float(cell or "nan")
        except ValueError:
            return f"column {column} has {cell[:40]!r} in row {number}, which is no number"
    return f"column {column} has no numbers"


def text_of(path: Path) -> str:
    """The text of a file.

    Raises:
        OSError: it can't be read, is no regular file (a pipe would be waited for, for ever), or too large.
        UnicodeDecodeError: it is no text.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("no regular file")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise OSError(f"more than {MOST_BYTES >> 20} MiB")
    return content.decode()


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def csv_text(table: pd.DataFrame) -> str:
    """A table as it is written."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV. Raises as `write_text` does."""
    write_text(csv_text(table), path)


def write_text(text: str, path: Path) -> None:
    """Write a text file. Raises as `write_bytes` does."""
    write_bytes(text.encode("utf-8", "backslashreplace"), path)


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file, whole or not at all.

    Raises:
        NotWritten: it can't be.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise NotWritten(f"{path}: can't be written ({error.strerror})") from None


def foreign(folder: Path) -> bool:
    """Whether a file of somebody's is where a run would write its verdicts."""
    try:
        with open(folder / "verdicts.csv", "rb") as file:
            return not file.readline(2**16).startswith(b"backend,")
    except FileNotFoundError:
        return False


def try_to_write(folder: Path) -> None:
    """Whether files can be written to a folder, which is made where it isn't there.

    Raises:
        NotWritten: they can't.
    """
    if os.path.isfile(folder):
        raise NotWritten(f"{folder} is no folder")
    probe = folder / f".{os.getpid()}"
    try:
        write_text("written to see whether files can be" * 1000, probe)
    except NotWritten as error:
        raise NotWritten(str(error).replace(str(probe), str(folder), 1)) from None
    probe.unlink()


def hold(folder: Path) -> Callable[[], None]:
    """Keep other runs out of a folder, until what is returned is called or this process ends.

    Raises:
        NotWritten: another run has it.
    """
    import fcntl  # which Windows lacks

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise NotWritten(f"{folder}: another run writes there") from None
    except OSError:
        pass  # a file system that knows no locks
    return partial(os.close, descriptor)


def coverage(
    verdicts: Iterable[Mapping[str, Any]], reasons: Mapping[tuple[str, str], str]
) -> list[dict[str, Any]]:
    """How many cases of each clause were judged on each backend, over all types; where none, why.

    reasons: by backend and clause, all of them; '' where the clause applies.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for seen in verdicts:
        if seen["against"] != Against.DOCUMENTED:
            continue
        for backend, clause in reasons:
            if backend == seen["backend"]:
                rows.setdefault(
                    (backend, clause),
                    {
                        **{column.name: seen[column.name] for column in ABOUT},
                        "clause": clause,
                        "cases": 0,
                        "steps": 0,
                        "reason": reasons[backend, clause] or "not selected",
                    },
                )
        row = rows[seen["backend"], seen["clause"]]
        row["cases"] += seen["cases"]
        row["steps"] += seen["steps"]
        row["reason"] = "" if row["cases"] else f"not run: {seen['explained_by']}"
    return list(rows.values())


def rows_of(tables: dict[str, pd.DataFrame], name: str, backend: str = "") -> Iterator[dict[str, Any]]:
    """The rows of a table that may not be there, of a backend where one is given."""
    for row in records(tables[name]) if name in tables else ():
        if not backend or backend in str(row.get("backend", row.get("backends"))).split("; "):
            yield row
