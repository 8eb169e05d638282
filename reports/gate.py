"""A run against an accepted one: what got worse, changed or disappeared."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lazyadam.reports.accepted import KEYED, SPEED, Row, Run, comparable, seen
from lazyadam.reports.tables import TableError, read, records
from lazyadam.reports.vocabulary import FAILING, Against, Kind, Outcome, StateAfter, Verdict

MARGIN, ULPS = 0.10, 2.0  # a drift figure grew where it is beyond both: other orders of sums round otherwise
FINE = ("faster", "not slower")
HARM = (
    "none",
    StateAfter.PARTLY_WRITTEN,
    StateAfter.NON_FINITE,
    Outcome.HANGS,
    Outcome.DIES,
)  # that bad input does, from little to much


@dataclass(frozen=True)
class Change:
    """One thing that differs: its kind, where it was seen, what it was and is, and what shows it.

    fails: whether it fails the gate; what can only be for the better doesn't.
    """

    kind: str
    where: str
    before: str
    after: str
    witness: str = ""
    fails: bool = True


def changes(before: Run, after: Run) -> Iterator[Change]:
    """What of a run differs from an accepted one.

    Raises:
        TableError: the two runs did not try the same, or are one.
    """
    accepted, run = before.folder, after.folder
    if accepted.resolve() == run.resolve():
        raise TableError(f"{accepted} and {run} are the same folder: nothing is compared with itself")
    comparable(before, after)
    if lacking := sorted(after.there - before.there):
        raise TableError(f"{accepted}: has no {lacking[0]}.csv, which the run has: accept a run anew")
    for name in sorted(before.there - after.there):
        yield Change("disappeared", f"{name}.csv", f"{len(before.rows[name])} rows", "not there")
    for name, table in KEYED.items():
        if table.outcome and name in after.there:
            yield from _gone(name, before, after)
    if "findings" in after.there:
        yield from _findings(before, after)
    yield from _verdicts(before, after)
    yield from _verdicts_elsewhere(before, after)
    for where, was, now in _both("dialects", before, after):
        if was["observed"] != now["observed"]:
            yield Change("dialect drift", where, was["observed"], now["observed"])
    if "coverage" in after.there:
        yield from _coverage(before, after)
    yield from _bad_input(before, after)
    if "tolerance" in after.there:
        yield from _tolerance(before, after)
    yield from _failures(before, after)
    if (run / f"{SPEED}.csv").exists() or (accepted / f"{SPEED}.csv").exists():
        accepted_speed = read(SPEED, accepted) if (accepted / f"{SPEED}.csv").exists() else None
        yield from _speed(accepted_speed, read(SPEED, run))


def _gone(name: str, before: Run, after: Run) -> Iterator[Change]:
    for key, was in before.rows[name].items():
        now = after.rows[name].get(key)
        if seen(was, name) and (now is None or not seen(now, name)):
            word = KEYED[name].outcome
            yield Change("disappeared", _where(name, key), was[word], now[word] if now else "not there")


def _both(name: str, before: Run, after: Run) -> Iterator[tuple[str, Row, Row]]:
    for key, was in before.rows[name].items():
        now = after.rows[name].get(key)
        if now is not None and seen(was, name) and seen(now, name):
            yield _where(name, key), was, now


def _where(name: str, key: tuple[str, ...]) -> str:
    return ", ".join(key if name in ("verdicts", "dialects") else (name.replace("_", " "), *key))


def _findings(before: Run, after: Run) -> Iterator[Change]:
    """Causes that came or went; of a backend that was not there before only those that are not known."""
    was, is_now = before.rows["findings"], after.rows["findings"]
    there = {row["backend"] for row in before.rows["verdicts"].values()}
    for key, row in is_now.items():
        if key not in was and (row["backend"] in there or row["kind"] == Kind.NEW):
            where, told = _told(row)
            yield Change("new finding", where, "not there", told, row["witness"])
    tried = {row["backend"] for row in after.rows["verdicts"].values()}
    for key, row in was.items():
        if key not in is_now and row["backend"] in tried:  # of a backend that is gone its rows say so
            where, told = _told(row)
            yield Change("vanished finding", where, told, "not there")


def _told(finding: Row) -> tuple[str, str]:
    """Where it was seen, and what it is."""
    return f"{finding['backend']}, {finding['cause']}", f"{finding['kind']}: {finding['sentence']}"


def _coverage(before: Run, after: Run) -> Iterator[Change]:
    """Clauses that are no longer tried, or for another reason: verdicts.csv has no row of what never was."""
    for key, row in before.rows["coverage"].items():
        now = after.rows["coverage"].get(key)
        where = ", ".join(("coverage", *key))
        if now is None:
            yield Change("disappeared", where, f"{row['cases']} cases", "not there")
        elif now["cases"] < row["cases"]:
            old, new = (f"{r['cases']} cases {r['reason']}".strip() for r in (row, now))
            yield Change("less was judged", where, old, new)
        elif now["reason"] != row["reason"] and not now["cases"]:
            yield Change("another reason why not", where, row["reason"], now["reason"])


def _verdicts(before: Run, after: Run) -> Iterator[Change]:
    for where, row, now in _both("verdicts", before, after):
        was, is_now = (f"{r['verdict']} {r['explained_by']}".strip() for r in (row, now))
        if was != is_now:
            yield Change(_kind(row["verdict"], now["verdict"]), where, was, is_now, now["witness"])
        else:
            yield from _fewer(where, row, now, ("cases", "steps"))
    for key, row in after.rows["verdicts"].items():
        old = before.rows["verdicts"].get(key)
        fails = row["verdict"] in FAILING and not row["known"] and row["against"] != Against.REFERENCE
        if fails and (old is None or not seen(old, "verdicts")):
            yield Change("new divergence", ", ".join(key), "not there", row["verdict"], row["witness"])


def _verdicts_elsewhere(before: Run, after: Run) -> Iterator[Change]:
    for name in ("training", "carried", "claims"):
        for where, was, now in _both(name, before, after):
            old, new = (" ".join(filter(None, (r["verdict"], r.get("explained_by")))) for r in (was, now))
            if old != new:
                kind = "claim changed" if name == "claims" else _kind(was["verdict"], now["verdict"])
                yield Change(kind, where, old, new)
            elif name == "training":
                yield from _fewer(where, was, now, ("steps",))


def _fewer(where: str, was: Row, now: Row, columns: tuple[str, ...]) -> Iterator[Change]:
    """The same verdict on less."""
    if any(now[column] < was[column] for column in columns):
        old, new = (", ".join(f"{r[c]:g} {c}" for c in columns) for r in (was, now))
        yield Change("less was judged", where, old, new)


def _kind(before: str, after: str) -> str:
    if after == Verdict.DIVERGES != before:
        return "new divergence"
    if before == Verdict.DIVERGES and after == Verdict.CONFORMS:
        return "vanished divergence"
    return "verdict changed" if before != after else "explanation changed"


def _bad_input(before: Run, after: Run) -> Iterator[Change]:
    """More harm fails, and less doesn't. Where the harm is the same, another answer fails.

    Some of what is tried is a limit that is allowed: whether it is for the better that an input is refused
    from now on, or taken, a table can't say.
    """
    for where, was, now in _both("bad_input", before, after):
        old, new = (", ".join(filter(None, (r["outcome"], r["state"]))) for r in (was, now))
        more = harm(now) - harm(was)
        if more > 0:
            yield Change("bad input does more harm", where, old, new)
        elif more < 0:
            yield Change("bad input does less harm", where, old, new, fails=False)
        elif old != new:
            yield Change("bad input is answered otherwise", where, old, new)


def harm(row: Row) -> int:
    """How much harm bad input did, as its place in HARM."""
    outcome, state = row["outcome"], row["state"]
    if outcome in HARM:
        return HARM.index(outcome)
    return HARM.index(state) if state in HARM else 0


def _tolerance(before: Run, after: Run) -> Iterator[Change]:
    there = after.rows["tolerance"]
    for key, row in there.items():
        if not row["max_ratio"] <= 1:
            yield Change("ratio above 1", ", ".join(key[:-1]), "at most 1", f"{row['max_ratio']:.3g}")
    for key, was in before.rows["tolerance"].items():
        if was["way"] != "free":  # of single steps verdicts.csv says how many were judged
            continue
        where, now = ", ".join(key[:-1]), there.get(key)
        old, new = (f"{r['max_abs']:.3g} after {r['steps']} steps" if r else "not there" for r in (was, now))
        if now is None:
            yield Change("disappeared", where, old, new)
        elif not _within(was, now):
            yield Change("drift grew", where, old, new)


def _within(was: Row, now: Row) -> bool:
    margins = (("max_abs", 0.0), ("max_ulp", ULPS))
    return any(now[name] <= (1 + MARGIN) * was[name] + more for name, more in margins)


def _failures(before: Run, after: Run) -> Iterator[Change]:
    """Tests that fail, for whatever reason: the other tables need not show it."""
    for key, row in after.rows["failures"].items():
        if key not in before.rows["failures"]:
            yield Change("a test fails", row["test"], "not so", row["message"])
    for key, row in before.rows["failures"].items():
        if key not in after.rows["failures"]:
            yield Change("a test no longer fails so", row["test"], row["message"], "not so", fails=False)


def _speed(accepted: pd.DataFrame | None, gate: pd.DataFrame) -> Iterator[Change]:
    """What is slower, and what was not told to be no slower: that its speed is not known is no pass."""

    def where_of(row: dict[str, Any]) -> str:
        size = f"{row['table_rows']} × {row['width']}, {row['touched_rows']} rows, {row['duplicates']}"
        return f"{row['backend']}, {size}"

    if gate.empty:
        yield Change("speed not known", f"{SPEED}.csv", "measured", "nothing compared")
    measured = {where_of(row) for row in records(gate)}
    for row in () if accepted is None else records(accepted):
        if where_of(row) not in measured:
            yield Change("disappeared", where_of(row), row["verdict"], "not measured")
    for row in records(gate[~gate["verdict"].isin(FINE)]):
        where = where_of(row)
        if row["verdict"] == "slower":
            yield Change("slower", where, "1", f"{row['ratio']:.3f}")
        else:
            yield Change("speed not known", where, "known", f"{row['verdict']}: {row['note']}")


def told(found: list[Change]) -> Iterator[str]:
    """The changes in Markdown: those that fail, and those that can only be for the better."""
    failing, better = ([c for c in found if c.fails is fails] for fails in (True, False))
    if not found:
        yield "Nothing that was accepted has changed."
    for part, title in ((failing, "changes fail the gate"), (better, "changes for the better, which do not")):
        if part:
            yield f"{len(part)} {title}:"
            yield ""
            yield "| kind | where | accepted | now | witness |"
            yield "|---|---|---|---|---|"
            for change in part:
                cells = (change.kind, change.where, change.before, change.after, change.witness)
                yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
            yield ""
