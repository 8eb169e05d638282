"""Reports from the tables of a run.

python -m reports --help
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from reports import comparison, equivalence, export, gate, migration, page, versions
from reports.command import status_of
from reports.tables import OUT, TableError, read, write, write_text


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m reports", description="Reports from the tables of a run.")
    commands = p.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, does: Callable[[argparse.Namespace], int], said: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=said, description=said)
        sub.set_defaults(does=does)
        return sub

    def tables(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
        sub.add_argument("--tables", type=Path, default=OUT, metavar="DIR", help="default: reports/out")
        return sub

    tables(
        command(
            "page",
            make_page,
            "write index.html, migration.md, equivalence.csv and pairs.csv",
        )
    )
    pair = tables(command("pair", tell_pair, "say in Markdown how two backends compare"))
    pair.add_argument("left", metavar="LEFT")
    pair.add_argument("right", metavar="RIGHT")
    compare = command("compare", compare_runs, "say in Markdown what changed from one run to another")
    compare.add_argument("before", type=Path, metavar="DIR")
    compare.add_argument("after", type=Path, metavar="DIR")
    matrix = tables(command("versions", tell_versions, "say in Markdown what changed across versions"))
    matrix.add_argument(
        "runs", type=Path, nargs="+", metavar="DIR", help="a run on each; versions.csv goes to --tables"
    )
    gated = tables(command("gate", run_gate, "compare a run with an accepted one; exit 1 where it got worse"))
    accepted = tables(command("accept", accept_run, "make a run the accepted one"))
    for sub in (gated, accepted):
        sub.add_argument("--baseline", type=Path, required=True, metavar="DIR", help="of the accepted run")
    tables(command("junit", write_junit, "write junit.xml beside the tables"))
    tables(command("summary", tell_summary, "say the verdicts in Markdown, for the summary of a CI job"))
    return p


def make_page(options: argparse.Namespace) -> int:
    folder = options.tables
    if not folder.is_dir():
        raise TableError(f"{folder}: no such folder")
    tables = page.load(folder)
    pairs = equivalence.pairs_of(tables.get("sequences"))
    axes = equivalence.axes_of(*(tables.get(n) for n in ("dialects", "effects", "sequences", "pins")))
    write_text(page.build(tables, pairs, axes), folder / "index.html")
    write_text(migration.text(tables, pairs, axes), folder / "migration.md")
    write(axes, folder / "equivalence.csv")
    write(pairs, folder / "pairs.csv")
    for message in tables.missing.values():
        print(message, file=sys.stderr)
    print(f"index.html, migration.md, equivalence.csv, pairs.csv in {folder}")
    return 2 if tables.missing else 0


def tell_pair(options: argparse.Namespace) -> int:
    sequences, dialects, effects, growth, pins = (
        read(name, options.tables) for name in ("sequences", "dialects", "effects", "effects_growth", "pins")
    )
    axes = equivalence.axes_of(dialects, effects, sequences, pins)
    pairs = equivalence.pairs_of(sequences)
    try:
        print("\n".join(equivalence.told(options.left, options.right, axes, pairs, growth)))
    except KeyError as error:
        raise TableError(str(error.args[0])) from None
    return 0


def compare_runs(options: argparse.Namespace) -> int:
    folders = (options.before, options.after)
    rows = [
        row
        for name in comparison.COMPARED
        for row in comparison.changes(name, *(read(name, folder) for folder in folders))
    ]
    print("\n".join(comparison.told(rows, *(read("run", folder) for folder in folders))))
    return 0


def tell_versions(options: argparse.Namespace) -> int:
    table = versions.across(options.runs)
    write(table, options.tables / "versions.csv")
    print("\n".join(versions.told(table)))
    return 0


def run_gate(options: argparse.Namespace) -> int:
    found = list(gate.changes(options.baseline, options.tables))
    print("\n".join(gate.told(found)).rstrip())
    return int(any(change.fails for change in found))


def accept_run(options: argparse.Namespace) -> int:
    print("\n".join([*gate.accept(options.tables, options.baseline), f"accepted: {options.baseline}"]))
    return 0


def write_junit(options: argparse.Namespace) -> int:
    text = export.junit(read("verdicts", options.tables), read("pins", options.tables))
    write_text(text, options.tables / "junit.xml")
    return 0


def tell_summary(options: argparse.Namespace) -> int:
    print("\n".join(export.summary(read("verdicts", options.tables), read("pins", options.tables))))
    return 0


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    return int(options.does(options))


if __name__ == "__main__":
    sys.exit(status_of(main))
