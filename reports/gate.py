"""A run against an accepted one: what got worse, changed or disappeared; and the accepting of a run."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from reports.export import FAILING, is_known
from reports.tables import TableError, read, records

MARGIN, ULPS = 0.10, 2.0  # a drift figure grew where it is beyond both: other orders of sums round otherwise
TABLES = ("verdicts", "tolerance", "dialects", "pins", "run")
SPEED = "performance_gate"  # where somebody measured it
FINE = ("faster", "not slower")
SAME = ("profile", "seed", "device", "selection")  # settings without which runs can't be compared


@dataclass(frozen=True)
class Change:
    """One thing that fails the gate: its kind, where it was seen, what it was and is, and what shows it."""

    kind: str
    where: str
    before: str
    after: str
    witness: str = ""


def changes(accepted: Path, run: Path) -> Iterator[Change]:
    """What of a run fails against an accepted one.

    Raises:
        TableError: a table can't be read or lacks something, or the two runs did not try the same.
    """
    before, after = ({name: read(name, folder) for name in TABLES} for folder in (accepted, run))
    _whole(after["run"], run)
    _comparable(before["run"], after["run"], run)
    yield from _verdicts(before["verdicts"], after["verdicts"], after["pins"])
    yield from _dialects(before["dialects"], after["dialects"])
    yield from _tolerance(before["tolerance"], after["tolerance"])
    if (run / f"{SPEED}.csv").exists() or (accepted / f"{SPEED}.csv").exists():
        yield from _speed(read(SPEED, run))


def _whole(table: pd.DataFrame, run: Path) -> None:
    ended = str(dict(zip(table["item"], table["value"], strict=True)).get("ended", ""))
    if ended.startswith("interrupted"):
        raise TableError(f"{run}: the run was {ended}, and its tables lack the rest")


def _comparable(before: pd.DataFrame, after: pd.DataFrame, run: Path) -> None:
    for item in SAME:
        was, is_now = (dict(zip(t["item"], t["value"], strict=True)).get(item, "") for t in (before, after))
        if str(was) != str(is_now):
            raise TableError(f"{run}/run.csv: {item} {is_now}, but the accepted run had {was}")


def _verdicts(before: pd.DataFrame, after: pd.DataFrame, pins: pd.DataFrame) -> Iterator[Change]:
    accepted, seen = _by_key(before), _by_key(after.assign(known=is_known(after, pins)))
    for key, row in accepted.items():
        where, now = ", ".join(key), seen.get(key)
        if now is None:
            yield Change("disappeared", where, row["verdict"], "not there")
            continue
        was, is_now = (f"{r['verdict']} {r['explained_by']}".strip() for r in (row, now))
        if was != is_now:
            yield Change(_kind(row["verdict"], now["verdict"]), where, was, is_now, now["witness"])
    for key, row in seen.items():
        fails = row["verdict"] in FAILING and not row["known"] and row["against"] != "reference"
        if key not in accepted and fails:
            yield Change("new divergence", ", ".join(key), "not there", row["verdict"], row["witness"])


def _by_key(verdicts: pd.DataFrame) -> dict[tuple[str, ...], dict[str, Any]]:
    return {(row["backend"], row["dtype"], row["clause"], row["against"]): row for row in records(verdicts)}


def _kind(before: str, after: str) -> str:
    if after == "not run":
        return "disappeared"
    if after == "diverges" and before != "diverges":
        return "new divergence"
    if before == "diverges" and after == "conforms":
        return "vanished divergence"
    return "verdict changed" if before != after else "explanation changed"


def _dialects(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Change]:
    seen = {(r["backend"], r["axis"]): r["observed"] for r in after.to_dict("records")}
    for row in before.to_dict("records"):
        now = seen.get((row["backend"], row["axis"]), "not there")
        if now != row["observed"]:
            kind = "disappeared" if now.startswith("not ") else "dialect drift"
            yield Change(kind, f"{row['backend']}, {row['axis']}", row["observed"], now)


def _tolerance(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Change]:
    keys = ["backend", "dtype", "quantity", "way"]
    accepted = {
        (*(r[k] for k in keys), r["steps"]): r for r in before[before["way"] == "free"].to_dict("records")
    }
    for row in after.to_dict("records"):
        where = ", ".join(str(row[k]) for k in keys)
        if row["max_ratio"] > 1:
            yield Change("ratio above 1", where, "at most 1", f"{row['max_ratio']:.3g}")
        was = accepted.get((*(row[k] for k in keys), row["steps"]))
        if was is not None and all(
            row[name] > (1 + MARGIN) * was[name] + more
            for name, more in (("max_abs", 0.0), ("max_ulp", ULPS))
        ):
            said = (f"{r['max_abs']:.3g} after {r['steps']} steps" for r in (was, row))
            yield Change("drift grew", where, *said)


def _speed(gate: pd.DataFrame) -> Iterator[Change]:
    """What is slower, and what was not told to be no slower: that its speed is not known is no pass."""
    if gate.empty:
        yield Change("speed not known", f"{SPEED}.csv", "measured", "nothing compared")
    for row in gate[~gate["verdict"].isin(FINE)].to_dict("records"):
        size = f"{row['table_rows']} × {row['width']}, {row['touched_rows']} rows, {row['duplicates']}"
        where = f"{row['backend']}, {size}"
        if row["verdict"] == "slower":
            yield Change("slower", where, "1", f"{row['ratio']:.3f}")
        else:
            yield Change("speed not known", where, "known", f"{row['verdict']}: {row['note']}")


def told(found: list[Change]) -> Iterator[str]:
    """The changes in Markdown."""
    if not found:
        yield "Nothing that was accepted has changed."
        return
    yield f"{len(found)} changes fail the gate:"
    yield ""
    yield "| kind | where | accepted | now | witness |"
    yield "|---|---|---|---|---|"
    for change in found:
        yield f"| {change.kind} | {change.where} | {change.before} | {change.after} | {change.witness} |"


def accept(run: Path, baseline: Path) -> None:
    """Make a run the accepted one.

    Raises:
        TableError: a table can't be read or lacks something, has a divergence that no pin explains, or a
            ratio above 1; or there is an accepted run that tried something else.
    """
    tables = {name: read(name, run) for name in TABLES}
    _whole(tables["run"], run)
    verdicts = tables["verdicts"]
    unknown = verdicts[verdicts["verdict"].isin(FAILING) & ~is_known(verdicts, tables["pins"])]
    unknown = unknown[unknown["against"] != "reference"]
    if len(unknown):
        first = unknown.iloc[0]
        where = f"{first['clause']}, {first['backend']}, {first['dtype']}, against {first['against']}"
        raise TableError(f"{run}: {len(unknown)} divergences that no pin explains can't be accepted: {where}")
    above = tables["tolerance"][tables["tolerance"]["max_ratio"] > 1]
    if len(above):
        first = above.iloc[0]
        where = f"{first['backend']}, {first['dtype']}, {first['quantity']}, {first['way']}"
        raise TableError(f"{run}: a ratio of {first['max_ratio']:.3g} can't be accepted: {where}")
    if (baseline / "run.csv").exists():
        _comparable(read("run", baseline), tables["run"], run)
    baseline.mkdir(parents=True, exist_ok=True)
    for name in (*TABLES, SPEED):
        if (run / f"{name}.csv").exists():
            part = baseline / f"{name}.csv.part"
            shutil.copyfile(run / f"{name}.csv", part)
            part.replace(baseline / f"{name}.csv")
