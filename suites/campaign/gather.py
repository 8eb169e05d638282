"""The tables of a campaign, of what its units came to."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from lazyadam.reports.tables import write_text
from lazyadam.reports.vocabulary import FAILING, Against
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.campaign.unit import Result
from lazyadam.suites.run.recording import Run

Row = dict[str, Any]
ROW = ("backend", "dtype", "clause", "against")


class Gathered:
    """What units came to, put together one after another, in the order of their keys."""

    def __init__(self) -> None:
        self.verdicts: dict[tuple[str, ...], Row] = {}
        self.shown: Counter[tuple[str, ...]] = Counter()
        self.evidence: dict[tuple[str, ...], Row] = {}
        self.files: dict[str, str] = {}
        # Of each cell whether there is something new, and lines.
        self.told: dict[tuple[str, ...], tuple[bool, list[str]]] = {}
        self.ratios: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        self.covered: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, result: Result) -> None:
        for row in result.get("verdicts", ()):
            self._verdict(row)
        for row in result.get("evidence", ()):
            self.evidence.setdefault((*(row[name] for name in ROW), row["explained_by"]), row)
        for name, text in result.get("files", {}).items():
            if len(text) < len(self.files.get(name, text + " ")):  # the least witness
                self.files[name] = text
        for row in result.get("verdicts", ())[:1]:
            cell = row["backend"], row["dtype"], row["clause"]
            self.ratios[cell].update(result.get("ratios", {}))
            self.covered[row["backend"]].update(result.get("covered", {}))
            new, lines = bool(result["new"]), result["divergences"]
            if lines and (cell not in self.told or new > self.told[cell][0]):  # the first, and of new ones
                self.told[cell] = new, lines

    def _verdict(self, row: Row) -> None:
        key = tuple(row[name] for name in ROW)
        self.shown[key] += row.pop("shown")
        there = self.verdicts.setdefault(key, row)
        if there is row:
            return
        first = min(there, row, key=_rank)
        counted = {name: there[name] + row[name] for name in ("cases", "steps")}
        ratios = [x["worst_ratio"] for x in (there, row) if x["worst_ratio"] is not None]
        self.verdicts[key] = {**first, **counted, "worst_ratio": max(ratios, default=None)}

    @property
    def new(self) -> bool:
        """Whether something is not known."""
        return any(new for new, _ in self.told.values())

    def run(self, backends: Iterable[type[Backend]], settings: Row) -> Run:
        """As a run that found all of it."""
        named = [b for b in backends if any(key[0] == b.name for key in self.verdicts)]
        return Run(named, settings, [self._tables()], [])

    def write_files(self, out: Path) -> None:
        """The least trace and script of everything. Raises as `write_text` does."""
        for name, text in sorted(self.files.items()):
            write_text(text, out / name)

    def _tables(self) -> Row:
        return {
            "verdicts": [*self.verdicts.values()],
            "evidence": [*self.evidence.values()],
            "divergences": [line for _, lines in self.told.values() for line in lines],
            "campaign": self._campaign(),
            "circumstances": [
                {"backend": name, "circumstances": what, "cases": cases}
                for name, counted in sorted(self.covered.items())
                for what, cases in sorted(counted.items())
            ],
        }

    def _campaign(self) -> list[Row]:
        return [
            {
                **{name: row[name] for name in ("backend", "version", "device", "dtype", "clause")},
                **{name: row[name] for name in ("cases", "steps", "worst_ratio")},
                "shown": self.shown[key],
                **_quantiles(self.ratios[key[:3]]),
            }
            for key, row in sorted(self.verdicts.items())
            if row["against"] == Against.DOCUMENTED
        ]


def _rank(row: Row) -> tuple[bool, int]:
    """What is not known before what is, and the worst first."""
    failing = row["verdict"] in FAILING
    known = not failing or ("/" not in row["witness"] and bool(row["witness"]))
    return known, FAILING.index(row["verdict"]) if failing else len(FAILING)


def _quantiles(ratios: Counter[str]) -> Row:
    """Up to which power of two half of the ratios are, and 99 of a hundred."""
    powers = sorted(ratios, key=float)
    total, found = sum(ratios.values()), {}
    for name, share in (("half_up_to", 0.5), ("most_up_to", 0.99)):
        seen = 0
        for power in powers:
            seen += ratios[power]
            if seen >= share * total:
                found[name] = 2.0 ** float(power)
                break
    return found
