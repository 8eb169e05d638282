"""What a run recorded: its tables are written, whole or not at all, and its last screen is told."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from lazyadam.reports import screen, tables
from lazyadam.reports.findings import findings
from lazyadam.reports.schema import SHOWN, TABLES
from lazyadam.reports.told import USUAL
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.class_file import DECLARED, is_class
from lazyadam.suites.clauses import CLAUSES, carried
from lazyadam.suites.run import about
from lazyadam.suites.run.interruption import SIGNALS

Row = dict[str, Any]
STYLES = {"✗": "red", "?": "yellow", "✓": "green"}


@dataclass(frozen=True)
class Run:
    """results: of each test, rows by table. failed: rows of failures.csv."""

    backends: list[type[Backend]]
    settings: Row
    results: list[Row]
    failed: list[Row]

    def rows(self) -> dict[str, list[Row]]:
        """The rows of every table, as far as there are any."""
        rows_of = {name: [r for result in self.results for r in result.get(name, ())] for name in TABLES}
        if rows_of["verdicts"]:
            rows_of |= {
                "clauses": about.clauses(),
                "axes": about.axes(),
                "promises": about.promises(self.backends),
                "pins": about.known_divergences(),
                "coverage": tables.coverage(rows_of["verdicts"], reasons(self.backends)),
                "failures": self.failed,
            }
            there = [name for name, rows in rows_of.items() if rows]
            rows_of["run"] = about.run({**self.settings, "tables": ", ".join([*there, "run", "findings"])})
        return rows_of

    def write(self, out: Path) -> tuple[dict[str, pd.DataFrame], list[str]]:
        """Write what can be written. The tables, and a line where that is not all."""
        rows_of = self.rows()
        made = {name: tables.frame(name, rows) for name, rows in rows_of.items() if rows}
        if "verdicts" in made:  # without rows these say that there was nothing to say
            made |= {name: tables.frame(name, rows_of[name]) for name in ("failures", "evidence")}
            made["findings"] = findings(made)
        texts = {f"{name}.csv": tables.csv_text(table) for name, table in made.items()}
        if "verdicts" in made:
            divergences = sorted({line for result in self.results for line in result.get("divergences", ())})
            texts["divergences.txt"] = "".join(f"{line}\n" for line in divergences)
        if "sensitivity_curve" in made:
            # matplotlib takes as long to import as all the rest
            from lazyadam.reports.plots.judged import sensitivity

            texts["sensitivity.svg"] = sensitivity(made["sensitivity_curve"]).whole()
        if out.name == USUAL:  # traces of a wrong one take 100 MB, and are nothing to commit
            texts[".gitignore"] = "*\n"
        lost = []
        with undisturbed():
            for name, text in texts.items():
                try:
                    tables.write_text(text, out / name)
                except tables.NotWritten as error:
                    lost.append(str(error))
        return made, [f"{lost[0]}, nor {len(lost) - 1} other files"] if lost else []

    def tell(
        self, made: dict[str, pd.DataFrame], out: Path, asked: list[str], seconds: float, status: int
    ) -> None:
        """The last screen. asked: tables to print before it, by name."""
        console = Console(width=None if Console().is_terminal else 160, highlight=False)
        judged = "verdicts" in made
        for name in SHOWN:
            if name in made and (name in asked or "all" in asked or not judged):
                SHOWN[name](made[name], console)
        if not judged:
            console.print(f"tables: {', '.join(f'{name}.csv' for name in made)} in {out}", soft_wrap=True)
            return
        target = next(filter(None, map(checked_as, self.backends)), "")
        for line in screen.screen(made, out, seconds, status, target):
            console.print(Text(line, STYLES.get(line.strip()[:1], "")), soft_wrap=True)


def checked_as(backend: type[Backend]) -> str:
    """What an own optimizer is named to be checked: its file, or the class that a file was written for."""
    if not backend.file:
        return ""
    path = Path(backend.file)
    if path.parent.name == DECLARED and path.stem == backend.name and is_class(backend.name):
        return backend.name
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def reasons(backends: list[type[Backend]]) -> dict[tuple[str, str], str]:
    """Why a clause does not apply to a backend; '' where it does."""
    return {
        (backend.name, clause.id): clause.missing(backend)
        for backend in backends
        for clause in CLAUSES.values()
    } | {
        (backend.name, clause.id): "" if carried.takes_over(backend) else "does not take over from SparseAdam"
        for backend in backends
        for clause in carried.CLAUSES
    }


@contextmanager
def undisturbed() -> Iterator[None]:
    """Whoever interrupts waits: the tables of a folder belong together."""
    kept = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
