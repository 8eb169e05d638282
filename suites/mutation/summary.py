"""What came of the mutants: tables in reports/out, and a non-zero exit where too few were killed.

A mutant is known by its function, the lines that it changes and what they become, so that it is found
again when other lines change. Those that are equivalent are listed, with reasons, in equivalent.toml.
"""

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

from lazyadam.reports.tables import write

LEAST = 0.95
OUT = Path("reports/out")
PARTS = ("reference", "suites/judge")
EQUIVALENT = Path(__file__).with_name("equivalent.toml")


class Change(NamedTuple):
    """The function that a mutant changes, and its lines before and after."""

    function: str
    before: str
    after: str


class Equivalents:
    """The mutants listed as equivalent: one by one, and by what is replaced, wherever it stands."""

    def __init__(self, path: Path) -> None:
        listed = tomllib.loads(path.read_text())
        self.everywhere = listed["everywhere"]
        self.reasons = {
            Change(entry["function"], *lines): entry["reason"]
            for entry in listed["equivalent"]
            for lines in entry["changes"]
        }

    def reason(self, change: Change) -> str:
        for rule in self.everywhere:
            if change.after in (change.before.replace(rule["replaced"], x) for x in rule["by"]):
                return rule["reason"]
        return self.reasons.get(change, "")


def change_of(mutant: str, path: Path) -> Change:
    lines = get_diff_for_mutant(mutant, path=path).splitlines()[2:]
    name, owner = orig_function_and_class_names_from_key(mutant)
    function = ".".join((*path.with_suffix("").parts, *([owner] if owner else []), name.rpartition(".")[2]))
    before, after = (" ".join(x[1:].strip() for x in lines if x[0] == sign) for sign in "-+")
    return Change(function, before, after)


def results() -> Iterator[tuple[Path, str, str]]:
    """Every mutant with its file and its status."""
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for mutant, code in data.exit_code_by_key.items():
            yield path, mutant, status_by_exit_code[code]


def parts_of(path: Path) -> tuple[str, str]:
    return next(part for part in PARTS if path.is_relative_to(part)), str(path)


def share(counts: Counter[str]) -> float:
    """Of the mutants that are not equivalent, the share that was killed."""
    return (counts["killed"] + counts["timeout"]) / max(1, counts.total() - counts["equivalent"])


def save(name: str, header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
    write(pd.DataFrame(rows, columns=list(header)), OUT / f"{name}.csv")


def main() -> int:
    equivalents = Equivalents(EQUIVALENT)
    survivors, wrong, counts = [], [], {part: Counter[str]() for part in PARTS}
    missing = set(equivalents.reasons)
    for path, mutant, status in results():
        change = change_of(mutant, path)
        reason = equivalents.reason(change)
        missing.discard(change)
        killed = status in ("killed", "timeout")
        if killed and reason:
            wrong.append(change)
        if not killed:
            survivors.append((*change, status, reason))
        kind = status if killed else "equivalent" if reason else "survived"
        for part in parts_of(path):
            counts.setdefault(part, Counter())[kind] += 1
    kinds = ("killed", "timeout", "survived", "equivalent")
    table = [(part, c.total(), *(c[k] for k in kinds), f"{share(c):.4f}") for part, c in counts.items()]
    header = ("part", "mutants", *kinds, "share")
    save("mutation", header, table)
    save("mutation_survivors", (*Change._fields, "status", "reason"), survivors)
    for function, before, after, status, reason in survivors:
        if not reason:
            print(f"{status}: {function}\n  - {before}\n  + {after}")
    for row in (header, *table):
        print(*(f"{x!s:>{34 if i == 0 else 10}}" for i, x in enumerate(row)))
    for change in wrong:
        print(f"listed as equivalent, but killed (a test that fails without a mutant?): {change}")
    for change in missing:
        print(f"listed as equivalent, but no mutant: {change}")
    few = any(share(counts[part]) < LEAST for part in PARTS)
    return int(few or bool(wrong) or bool(missing))


if __name__ == "__main__":
    sys.exit(main())
