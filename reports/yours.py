"""A section about a recorded training, of the tables that `judge` and `move` wrote of it."""

from pathlib import Path
from typing import Any

from lazyadam.reports.render import MARKDOWN
from lazyadam.reports.tables import read, records
from lazyadam.reports.words import after, number, percent, spaced

WHOLE = "all of it"


def text(folder: Path) -> str:
    """In Markdown: what was judged, what the training met, and how far it would be from itself elsewhere.

    Raises:
        TableError: verdicts.csv or exposure.csv can't be read, or moved.csv, where there is one.
    """
    moved = records(read("moved", folder)) if (folder / "moved.csv").exists() else []
    return MARKDOWN.get_template("yours.md.j2").render(
        verdicts=records(read("verdicts", folder)),
        met=records(read("exposure", folder)),
        moved=_moved(moved),
        spaced=spaced,
        number=number,
        percent=percent,
    )


def _moved(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each parameter: how far all of it comes, by whom that is told, and what each axis has of it."""
    found = []
    for name, to in dict.fromkeys((row["parameter"], row["to"]) for row in rows):
        these = [row for row in rows if (row["parameter"], row["to"]) == (name, to)]
        last = max(row["steps"] for row in these)
        parts = {row["part"]: percent(row["share"]) for row in these if row["steps"] == last and row["share"]}
        found.append(
            {
                "parameter": name,
                "to": to,
                "by": {
                    by: ", ".join(
                        f"{percent(row['share'])} {after(row['steps'])}"
                        for row in these
                        if (row["part"], row["by"]) == (WHOLE, by)
                    )
                    for by in dict.fromkeys(row["by"] for row in these)
                },
                "axes": {spaced(part): share for part, share in parts.items() if part != WHOLE},
                "rounding": max((row["rounding"] for row in these if row["by"] == "reference"), default=None),
            }
        )
    return found
