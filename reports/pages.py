"""The pages made from the tables of a run, and the tables that they are made through."""

from collections.abc import Callable
from pathlib import Path

from lazyadam.reports import equivalence, migration, page, yours
from lazyadam.reports.tables import write, write_text

PAGES = ("index.html", "migration.md", "equivalence.csv", "pairs.csv")
PARTS = 3  # of which `write_pages` tells


def write_pages(folder: Path, begin: Callable[[str], object], training: Path | None = None) -> list[str]:
    """Write `PAGES` beside the tables; lines about tables that are missing.

    begin: is told of each part before it is done. training: the tables of a recorded one, to be told too.
    """
    begin("tables are read, and backends compared")
    tables = page.load(folder)
    of_yours = yours.text(training) if training else ""
    pairs = equivalence.pairs_of(tables.get("sequences"))
    axes = equivalence.axes_of(*(tables.get(n) for n in ("dialects", "effects", "sequences", "pins")))
    write(axes, folder / "equivalence.csv")
    write(pairs, folder / "pairs.csv")
    begin("plots are drawn, for index.html")
    write_text(page.build(tables, pairs, axes, of_yours), folder / "index.html")
    begin("migration.md")
    write_text(migration.text(tables, pairs, axes, of_yours), folder / "migration.md")
    return list(tables.missing.values())
