"""Runs on several versions of a framework: the verdicts, dialects and outcomes that changed between them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from packaging.version import Version

from reports.comparison import COMPARED
from reports.tables import frame, read

TABLES = ("verdicts", "dialects", "bad_input")


def across(folders: Sequence[Path]) -> pd.DataFrame:
    """What each version of each framework said, row by row; `changed` where not all said the same.

    Raises:
        TableError: a table can't be read.
    """
    rows = []
    for name in TABLES:
        keys, values = COMPARED[name]
        seen = pd.concat([read(name, folder) for folder in folders])
        seen = seen[seen["version"] != ""]
        seen = seen.assign(
            framework=seen["backend"].str.partition(".")[0],
            table=name,
            row=seen[keys].agg(", ".join, axis=1),
            said=seen[values].apply(lambda cells: "; ".join(filter(None, cells)), axis=1),
        )
        for framework, part in seen.groupby("framework"):
            grid = part.pivot_table(index="row", columns="version", values="said", aggfunc="first")
            for row, cells in grid.fillna("not there").iterrows():
                changed = "yes" if cells.nunique() > 1 else "no"
                rows += [
                    {
                        "framework": framework,
                        "table": name,
                        "row": row,
                        "version": v,
                        "said": s,
                        "changed": changed,
                    }
                    for v, s in cells.items()
                ]
    return frame("versions", rows)


def told(table: pd.DataFrame) -> Iterator[str]:
    """What changed, in Markdown: for each framework a row, with a column for each version."""
    for framework, part in table.groupby("framework"):
        versions = sorted(part["version"].unique(), key=Version)
        grid = part[part["changed"] == "yes"].pivot(index=["table", "row"], columns="version", values="said")
        rows = part.groupby(["table", "row"]).ngroups
        yield f"## {framework} {', '.join(versions)}"
        yield ""
        yield f"{len(grid)} of {rows} rows changed."
        yield ""
        if len(grid):
            yield f"| | {' | '.join(versions)} |"
            yield f"|---|{'---|' * len(versions)}"
            for row in grid.reset_index().to_dict("records"):
                cells = [row[version] for version in versions]
                yield f"| {row['table']}: {row['row']} | {' | '.join(cells)} |"
            yield ""
