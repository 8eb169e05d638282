"""What came of the mutants: tables in reports/out, and a non-zero exit where too few were killed.

A mutant is known by its function, the line that it changes and what the line becomes, so that it is
found again when other lines change. Those that compute the same are listed in equivalent.toml.
"""

import csv
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files
from mutmut.utils.format_utils import orig_function_and_class_names_from_key

SHARE = 0.95
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
OUT = Path("reports/out")
PARTS = ("reference", "suites/judge")


@dataclass(frozen=True)
class Change:
    """A mutant: the function, and its lines before and after."""

    function: str
    before: str
    after: str


@dataclass
class Count:
    """The mutants of a file or of a part."""

    part: str
    mutants: int = 0
    killed: int = 0
    timeout: int = 0
    survived: int = 0
    equivalent: int = 0

    @property
    def share(self) -> float:
        """Of the mutants that are not equivalent, the share that was killed."""
        return (self.killed + self.timeout) / max(1, self.mutants - self.equivalent)

    def include(self, status: str, equivalent: bool) -> None:
        self.mutants += 1
        self.killed += status == "killed"
        self.timeout += status == "timeout"
        self.survived += status not in ("killed", "timeout") and not equivalent
        self.equivalent += equivalent


def change(mutant: str, path: Path) -> Change:
    lines = get_diff_for_mutant(mutant, path=path).splitlines()[2:]
    name, of = orig_function_and_class_names_from_key(mutant)
    function = ".".join((*path.with_suffix("").parts, *([of] if of else []), name.rpartition(".")[2]))
    before, after = (" ".join(x[1:].strip() for x in lines if x[0] == sign) for sign in "-+")
    return Change(function, before, after)


def results() -> Iterator[tuple[Path, str, str]]:
    """Every mutant with its file and its status."""
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        for mutant, code in data.exit_code_by_key.items():
            yield path, mutant, status_by_exit_code[code]


def equivalents() -> dict[Change, str]:
    """The mutants that compute the same, with the reason."""
    entries = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    return {Change(e["function"], *pair): e["reason"] for e in entries for pair in e["changes"]}


def write(name: str, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def main() -> int:
    reasons, counts, survivors, met = equivalents(), {p: Count(p) for p in PARTS}, [], set()
    for path, mutant, status in results():
        this = change(mutant, path) if status != "killed" or reasons else None
        reason = reasons.get(this, "") if this else ""
        if this and status != "killed":
            met.add(this)
            survivors.append((*astuple(this), status, reason))
        for part in (next(p for p in PARTS if path.is_relative_to(p)), str(path)):
            counts.setdefault(part, Count(part)).include(status, bool(reason) and status != "killed")
    names = tuple(field.name for field in fields(Count))
    write("mutation", (*names, "share"), [(*astuple(c), f"{c.share:.4f}") for c in counts.values()])
    write("mutation_survivors", ("function", "before", "after", "status", "equivalent"), survivors)
    for function, before, after, status, reason in survivors:
        if not reason:
            print(f"{status} in {function}\n  - {before}\n  + {after}")
    for c in counts.values():
        print(
            f"{c.part}: {c.mutants} mutants, {c.killed} killed, {c.timeout} timed out, "
            f"{c.survived} survived, {c.equivalent} equivalent: {c.share:.1%}"
        )
    stale = [this for this in reasons if this not in met]
    for this in stale:
        print(f"listed as equivalent, but killed or gone: {this}")
    return int(bool(stale) or any(counts[p].share < SHARE for p in PARTS))


if __name__ == "__main__":
    sys.exit(main())
