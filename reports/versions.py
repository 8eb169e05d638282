"""Runs on several versions of a framework: what its backends said in each, and what changed between them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from packaging.version import InvalidVersion, Version

from lazyadam.reports.comparison import COMPARED, cell, in_words
from lazyadam.reports.tables import TableError, frame, read
from lazyadam.reports.vocabulary import Verdict

TABLES = ("verdicts", "dialects", "bad_input", "findings", "coverage", "tolerance")


def across(folders: Sequence[Path]) -> pd.DataFrame:
    """Each row of the runs' tables, with what it said and in which versions: one line where it never changed.

    Where two runs on one version differ it says both.

    Raises:
        TableError: a table can't be read, or no framework is there in two versions.
    """
    lines, several = [], False
    for name in TABLES:
        keys, values = COMPARED[name]
        seen = in_words(name, pd.concat([read(name, folder) for folder in folders]))
        seen = seen[(seen["version"] != "") & ~(seen[values] == Verdict.NOT_RUN).any(axis=1)]
        seen = seen.assign(
            framework=seen["backend"].str.partition(".")[0],
            row=seen[keys].agg(", ".join, axis=1),
            said=seen[values].apply(lambda cells: "; ".join(filter(None, cells)), axis=1),
        )
        for framework, part in seen.groupby("framework"):
            cells = part.groupby(["row", "version"], sort=False)["said"].agg(
                lambda said: " / ".join(said.unique())
            )
            grid = cells.unstack("version").fillna(str(Verdict.NOT_RUN))
            several |= grid.shape[1] > 1
            for row, cells in grid.iterrows():
                lines += [
                    {
                        "framework": framework,
                        "table": name,
                        "row": row,
                        "said": said,
                        "versions": ", ".join(sorted(same.index, key=release)),
                    }
                    for said, same in cells.groupby(cells, sort=False)
                ]
    if not several:
        raise TableError(f"{', '.join(map(str, folders))}: no framework is there in two versions to compare")
    return frame("versions", lines)


def told(table: pd.DataFrame) -> Iterator[str]:
    """What changed, in Markdown: for each framework a row for each change, with a column for each version."""
    table = table.assign(version=table["versions"].str.split(", ")).explode("version")
    for framework, part in table.groupby("framework"):
        versions = sorted(part["version"].unique(), key=release)
        grid = part.pivot(index=["table", "row"], columns="version", values="said")[versions]
        changed = grid[grid.nunique(axis=1) > 1]
        yield f"## {framework} {cell(', '.join(versions))}"
        yield ""
        yield f"{len(changed)} of {len(grid)} rows changed."
        yield ""
        if len(changed):
            yield f"| | {' | '.join(map(cell, versions))} |"
            yield f"|---|{'---|' * len(versions)}"
            for row in changed.reset_index().to_dict("records"):
                yield f"| {row['table']}: {cell(row['row'])} | {' | '.join(cell(row[v]) for v in versions)} |"
            yield ""


def release(version: str) -> tuple[bool, Version | str]:
    """In order; a version that is none goes first."""
    try:
        return True, Version(version)
    except InvalidVersion:
        return False, version
