"""Findings: one cause on one backend, gathered from the rows that show it.

A row of verdicts.csv is evidence. Its cause is what a pin states, an axis that explains it, which of m, v
and w are wrong where nothing does, or how it ended. Rows of one cause are one finding, in whatever clause
and type.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lazyadam.reports.effect import effect
from lazyadam.reports.schema.columns import ABOUT
from lazyadam.reports.tables import frame, records, rows_of
from lazyadam.reports.vocabulary import FAILING, Against, Kind, Verdict
from lazyadam.reports.words import spaced

Row = dict[str, Any]
# Which clause asks for an axis: it is told first of those that show it.
ASKED_BY = {
    "duplicates": "duplicates",
    "epsilon": "tiny-gradients",
    "bias_correction": "update-rule",
    "step_count": "missing-gradient",
    "untouched": "untouched-rows",
    "zero_rows": "zero-rows",
    "weight_decay": "weight-decay",
    "empty_gradient": "empty-gradient",
    "subnormals": "subnormal-gradients",
    "maximum": "update-rule",
}
NEARLY = 0.6  # the share of clauses from which on a divergence is said to show nearly everywhere
SAID = 3  # circumstances, of many

# Upstream first: a moment that is wrong makes w wrong too. What is right, what is wrong, what to look at.
UPSTREAM = (
    ({"m", "v"}, "m and v are wrong alike, and w with them", "the gradient that reaches the rows"),
    ({"m"}, "v is right everywhere; m is wrong, and w with it", "the first moment and β1"),
    ({"v"}, "m is right everywhere; v is wrong, and w with it", "the second moment and β2"),
    (
        {"t"},
        "m and v are right everywhere; the step count is wrong",
        "where the step count is raised, kept, saved and loaded",
    ),
    (
        {"w"},
        "m and v are right everywhere; only w is wrong",
        "the step size (lr, step count, bias correction) and the formula of w",
    ),
)


@dataclass
class Finding:
    """A cause, with the rows that show it. pins: the known divergences that it is."""

    kind: str
    cause: str
    rows: list[Row] = field(default_factory=list)
    pins: list[Row] = field(default_factory=list)


def findings(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """findings.csv, from the other tables of a run by name: what is not there is taken as empty.

    New ones first, then by how many rows show them.
    """
    found = [
        _row(backend, finding, tables)
        for backend, part in tables["verdicts"].groupby("backend", sort=False)
        for finding in of_backend(str(backend), part, tables)
    ]
    order = [*Kind]
    return frame("findings", sorted(found, key=lambda row: (order.index(row["kind"]), -row["rows"])))


def of_backend(backend: str, verdicts: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> list[Finding]:
    """The findings of one backend; every row that fails against anything belongs to one or more."""
    pins = {row["pin"]: row for row in rows_of(tables, "pins")}
    own = {row["pin"] for row in rows_of(tables, "pins", backend)}
    evidence = {_key(row): row for row in rows_of(tables, "evidence", backend)}
    seen = {row["axis"]: row["observed"] for row in rows_of(tables, "dialects", backend)}
    values = {(row["axis"], row["value"]) for row in rows_of(tables, "axes")}  # and not that none fits
    dialects = [row for row in rows_of(tables, "dialects", backend) if row["agrees"] == "no"]
    apart = {row["axis"] for row in dialects if (row["axis"], row["observed"]) in values}
    # An axis that is known is no cause of what is new.
    apart -= {part.partition(": ")[0] for name in own for part in pins[name]["explained_by"].split("; ")}
    found: dict[tuple[str, str], Finding] = {}

    def add(kind: str, cause: str, row: Row, pin: Row | None = None) -> None:
        finding = found.setdefault((kind, cause), Finding(kind, cause))
        finding.rows.append(row)
        if pin is not None and pin not in finding.pins:
            finding.pins.append(pin)

    failing = [row for row in records(verdicts) if row["verdict"] in FAILING]
    new = []
    for row in failing:
        names = row["witness"].split("; ") if row["witness"] else _of_what_is_not_claimed(row, pins, own)
        if names and set(names) <= pins.keys():
            mine = [name for name in names if name in own]
            for name in mine:
                add(Kind.KNOWN, cause_of_pin(pins[name]), row, pins[name])
            if not mine:  # state that is carried shows what the other backend does too
                add(Kind.DOCUMENTED, f"known of another backend: {row['witness']}", row)
        elif row["against"] == Against.REFERENCE or not names:
            add(Kind.DOCUMENTED, "as documented, and not LazyAdam", row)
        else:
            new.append(row)
    for cause, rows in causes(new, evidence, seen, apart).items():
        for row in rows:
            add(Kind.NEW, cause, row)
    for row in evidence.values():
        if row["against"] in FAILING:  # of some cases, in a row that says something else of others
            add(Kind.NEW, f"{row['against']}: {row['least']}", {**row, "worst_ratio": None})
    return list(found.values())


def _of_what_is_not_claimed(row: Row, pins: dict[str, Row], own: set[str]) -> list[str]:
    """The pins of a refusal that needs none, since the backend does not claim to take what it refuses."""
    return [
        name
        for name, pin in pins.items()
        if name in own
        and pin["verdict"] == row["verdict"] == Verdict.REFUSES
        and row["clause"] in pin["clauses"].split("; ")
        and row["dtype"] in pin["dtypes"].split("; ")
    ]


def cause_of_pin(pin: Row) -> str:
    """What pins of one cause have in common: the axis that explains it, or the clauses that show it."""
    return str(pin["explained_by"].partition("; ")[0] or pin["clauses"])


def causes(
    rows: list[Row],
    evidence: dict[tuple[str, ...], Row],
    seen: dict[str, str],
    apart: Collection[str] = (),
) -> dict[str, list[Row]]:
    """Rows that nothing accounts for, by cause: the fewest axes that explain all that axes do.

    seen: what the fingerprint observed of each axis, which goes first. apart: axes of which it observed
    another value than is documented. Of two at once none explains a row alone: they are told by the clauses
    that ask for them.
    """
    asked = {ASKED_BY[axis]: f"{axis}: {seen[axis]}" for axis in apart if axis in ASKED_BY}
    found: dict[str, list[Row]] = defaultdict(list)
    by_axes: dict[int, set[str]] = {}
    for i, row in enumerate(rows):
        told = evidence.get(_key(row), {})
        said = str(told.get("explained_by") or row["explained_by"])
        if row["verdict"] != Verdict.DIVERGES:
            found[f"{row['verdict']}: {told.get('least', '')}".rstrip(": ")].append(row)
        elif ": " in said:
            by_axes[i] = set(said.split(" | "))
        elif said == "unexplained" and row["clause"] in asked:
            found[asked[row["clause"]]].append(row)
        elif said == "unexplained":
            found[wrong(told.get("quantities", "").split("; "))].append(row)
        else:  # something else ran than was asked for
            found[said or str(told.get("least", "")) or "unexplained"].append(row)
    while by_axes:
        counts: dict[str, tuple[bool, int]] = {}
        for axes in by_axes.values():
            for each in axes:
                axis, _, value = each.partition(": ")
                counts[each] = (value in seen.get(axis, "").split("|"), counts.get(each, (False, 0))[1] + 1)
        best = max(sorted(counts), key=lambda each: counts[each])
        for i in [i for i, axes in by_axes.items() if best in axes]:
            found[best].append(rows[i])
            del by_axes[i]
    return found


def wrong(quantities: Iterable[str]) -> str:
    """The cause of what no axis explains: which quantities go wrong, those upstream first."""
    seen = set(quantities)
    for which, said, _ in UPSTREAM:
        if which <= seen:
            return said
    if seen and all(quantity.endswith("sign of zero") for quantity in seen):
        return "the sign of zero changes in rows that the gradient does not name"
    if any(quantity.startswith("untouched") for quantity in seen):
        return "rows change that the gradient does not name"
    return "nothing explains it"


def look_at(cause: str) -> str:
    """Where to look for a cause; '' where nobody knows."""
    return next((where for _, said, where in UPSTREAM if said == cause), "")


def places(clauses: Iterable[str], tables: dict[str, pd.DataFrame], judged: int) -> str:
    """In which circumstances a finding shows, in words that follow 'where'."""
    where = {row["clause"]: row["where"] for row in records(tables["clauses"])} if "clauses" in tables else {}
    named = [where.get(clause, clause) for clause in clauses]
    if len(named) > NEARLY * judged:
        return "nearly everywhere"
    if not named:
        return ""
    if len(named) > SAID + 1:
        return f"where {', '.join(named[:SAID])}, and in {len(named) - SAID} other circumstances"
    *most, last = named
    return f"where {', '.join(most)} or {last}" if most else f"where {last}"


def _row(backend: object, finding: Finding, tables: dict[str, pd.DataFrame]) -> Row:
    """A row of findings.csv."""
    first = finding.rows[0]
    documented = [row for row in finding.rows if row["against"] != Against.REFERENCE] or finding.rows
    asked_by = ASKED_BY.get(finding.cause.partition(": ")[0])
    evidence = {_key(row): row for row in rows_of(tables, "evidence", str(backend))}
    shown = [evidence[_key(row)] for row in documented if _key(row) in evidence]
    # What says it plainest goes first: the clause that asks for it, or the case that takes the fewest words.
    shown.sort(key=lambda row: (row["clause"] != asked_by, not row["script"], len(row["least"])))
    least = shown[0] if shown else {}
    clauses = [*dict.fromkeys(row["clause"] for row in [*shown, *documented])]
    return {
        **{column.name: first[column.name] for column in ABOUT},
        "kind": finding.kind,
        "cause": finding.cause,
        "sentence": _sentence(str(backend), finding, clauses, tables),
        "clauses": "; ".join(clauses),
        "dtypes": "; ".join(dict.fromkeys(row["dtype"] for row in documented)),
        "rows": len(finding.rows),
        **_counted(documented, tables),
        "worst_ratio": max((r for row in documented if pd.notna(r := row["worst_ratio"])), default=None),
        "least": least.get("least", ""),
        "effect": effect(str(backend), finding.cause, tables),
        "owner": "; ".join(dict.fromkeys(pin["owner"] for pin in finding.pins)),
        "versions": "; ".join(dict.fromkeys(pin["versions"] for pin in finding.pins)),
        "witness": "; ".join(pin["pin"] for pin in finding.pins) or least.get("trace", ""),
        "script": least.get("script", "")
        or "; ".join(f"reproducers/{pin['pin']}.{backend}.py" for pin in finding.pins[:1]),
    }


def _counted(documented: list[Row], tables: dict[str, pd.DataFrame]) -> Row:
    """Of a campaign: how many cases differ where a finding shows, and of how many."""
    cells = {_cell(row) for row in documented}
    counted = [row for row in rows_of(tables, "campaign") if _cell(row) in cells]
    if not counted:
        return {"shown": None, "tried": None}
    return {"shown": sum(row["shown"] for row in counted), "tried": sum(row["cases"] for row in counted)}


def _cell(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("backend", "device", "dtype", "clause"))


def _sentence(backend: str, finding: Finding, clauses: list[str], tables: dict[str, pd.DataFrame]) -> str:
    if finding.pins:
        return " ".join(dict.fromkeys(pin["sentence"] for pin in finding.pins))
    if finding.kind == Kind.DOCUMENTED:
        return "It differs from LazyAdam as its documentation says, or was not claimed."
    verdicts = tables["verdicts"]
    judged = verdicts[verdicts["backend"] == backend]["clause"].nunique()
    where = places(clauses, tables, judged)
    axis, _, value = finding.cause.partition(": ")
    meaning = {(row["axis"], row["value"]): row["meaning"] for row in rows_of(tables, "axes")}
    if (axis, value) in meaning:
        promised = next(
            (row["documented"] for row in rows_of(tables, "dialects", backend) if row["axis"] == axis), ""
        )
        held = f", but it is held to: {meaning.get((axis, promised), spaced(promised))}" if promised else ""
        return f"{spaced(axis)}: {meaning[axis, value]}{held}; it shows {where}."
    at = f" Look at {look_at(finding.cause)}." if look_at(finding.cause) else ""
    return f"{finding.cause}, {where}.{at}"


def _key(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("backend", "dtype", "clause", "against"))
