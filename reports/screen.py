"""The last screen of a run: what is wrong, where, how much, and what to do next, in 80 columns."""

import shlex
from collections.abc import Iterable, Iterator, Sized
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd

from lazyadam.reports.tables import records
from lazyadam.reports.told import (
    WIDTH,
    declared_in,
    findings_in_lines,
    how_often,
    is_meaning,
    option,
    wrapped,
)
from lazyadam.reports.vocabulary import LOST, Against, Kind, Verdict
from lazyadam.reports.words import spaced

Row = dict[str, Any]
Tables = dict[str, pd.DataFrame]
DTYPES = ("float16", "bfloat16", "float32", "float64")
MOST_KNOWN, MOST_BESIDE = 6, 3
# Of new findings that are told, and of clauses that show one: as much as leaves the screen this short.
DETAIL = ((3, 3), (3, 2), (3, 1), (3, 0), (2, 2), (2, 1), (1, 2), (1, 1))
SHORT, LONG = 40, 60  # lines, of one backend and of many


def screen(tables: Tables, out: Path, seconds: float, status: int, target: str = "") -> list[str]:
    """What to print at the end of a run of one backend or of many.

    tables: of the run, by name, findings among them. out: where they lie. status: with which the run exits.
    target: of one's own, as it is named to be checked.
    """
    verdicts = tables["verdicts"]
    documented = verdicts[verdicts["against"] == Against.DOCUMENTED]
    backends = list(documented["backend"].unique())
    found = records(tables["findings"])
    # Several axes at once may be all that there is: they are named before what none explains alone.
    several = sum(is_meaning(row) and row["kind"] == Kind.NEW for row in found) > 1
    found.sort(key=lambda row: (is_meaning(row) != several, -row["rows"]))
    new = [row for row in found if row["kind"] == Kind.NEW]
    above = [*_answer(tables, documented, found, out, seconds, target)]
    below = [*_elsewhere(tables, bool(new)), "", *_next(new, out, backends, target)]
    below.append(f"exit {status}; all: {out / 'findings.csv'}")
    room = (SHORT if len(backends) == 1 else LONG) - len(above) - len(below)
    for detail in DETAIL:
        told = [*findings_in_lines(new, tables, out, len(backends) > 1, *detail)]
        if len(told) <= room:
            break
    return [*above, *told, *below]


def _answer(
    tables: Tables, documented: pd.DataFrame, found: list[Row], out: Path, seconds: float, target: str
) -> Iterator[str]:
    """What was judged, and the answer; of one backend also what is known of it."""
    new = [row for row in found if row["kind"] == Kind.NEW]
    settings = {str(row["item"]): str(row["value"]) for row in records(tables["run"])}
    ended = settings.get("ended", "whole")
    so_far = "" if ended == "whole" else f"{ended[:1].upper()}{ended[1:]}; of these alone: "
    if documented["backend"].nunique() > 1:
        yield from _each(documented, found)
        yield ""
        yield from wrapped(so_far + _verdict_of_all(documented, new, found, seconds))
        return
    yield _head(documented, settings.get("seed", "?"), seconds)
    yield ""
    failed = "" if new or not _beside(tables, False) else "NOT AS BEFORE, see below. "
    word = _verdict(documented, new, found)
    rest = "" if word.startswith("NOT RUN") else _not_tried(tables, out, target) + _lost(tables)
    yield from wrapped(so_far + failed + word + rest)
    for finding in [row for row in found if row["kind"] == Kind.KNOWN][:MOST_KNOWN]:
        often = f" ({counted})" if (counted := how_often(finding)) else ""
        of = f"{spaced(finding['cause'])}{often}: {finding['sentence']}"
        yield from wrap(
            of, WIDTH, initial_indent="  · ", subsequent_indent="    ", max_lines=2, placeholder=" …"
        )


def _head(documented: pd.DataFrame, seed: str, seconds: float) -> str:
    first = documented.iloc[0]
    what = ", ".join(str(first[name]) for name in ("version", "mode", "device") if first[name])
    return (
        f"{first['backend']}   {what}   "
        f"{documented['cases'].sum():,} cases, {_duration(seconds)}, seed {seed}"
    )


def _verdict(documented: pd.DataFrame, new: list[Row], found: list[Row]) -> str:
    """The first word, and how many clauses fail."""
    ran = documented[(documented["verdict"] != Verdict.NOT_RUN) & (documented["cases"] > 0)]
    if ran.empty:
        why = "; ".join(dict.fromkeys(documented["explained_by"]))
        return f"NOT RUN: {why}."
    known = [row for row in found if row["kind"] == Kind.KNOWN]
    failing, judged = _clauses(new), _judged(ran)
    fine = judged - failing - _clauses(known)
    passing = ran[ran["clause"].isin(fine) & (ran["verdict"] == Verdict.CONFORMS)]
    within = f", all within {passing['worst_ratio'].max():.2f} of the bound" if len(passing) else ""
    said = [f"{_number(fine, 'clause')} hold{'s' if len(fine) == 1 else ''}{within}"] if fine else []
    sure_known = _clauses(row for row in known if not is_meaning(row)) - failing
    if but_for := _clauses(known) - failing - sure_known:
        axes = " and ".join(
            dict.fromkeys(spaced(row["cause"].partition(":")[0]) for row in known if is_meaning(row))
        )
        said.append(f"{len(but_for)} hold{'s' if len(but_for) == 1 else ''} but for {axes}")
    if sure_known:
        said.append(f"{len(sure_known)} fail{'s' if len(sure_known) == 1 else ''} as is known")
    rest = f" {'; '.join(said)}." if said else ""
    if not new and not known and passing.empty:
        return "NOTHING COMPARED. It refuses whatever it was given, and may."
    if not new and not known:
        dtypes = [dtype for dtype in DTYPES if dtype in set(passing["dtype"])]
        return f"RIGHT in {', '.join(dtypes)}.{rest}"
    if not new:
        return f"AS KNOWN, {_number(known, 'finding')}.{rest}"
    sure = _clauses(row for row in new if not is_meaning(row))
    maybe = failing - sure
    if sure:
        more = (
            f"; {len(maybe)} more differ{'s' if len(maybe) == 1 else ''} in what may be meant"
            if maybe
            else ""
        )
        return f"WRONG. {_of(sure, judged, 'fail')}{more}.{rest}"
    return f"NOT AS DOCUMENTED. {_of(maybe, judged, 'differ')} in what may be meant.{rest}"


def _not_tried(tables: Tables, out: Path, target: str) -> str:
    """Which layouts and hyperparameters nothing was tried with, since they were not declared."""
    coverage = records(tables["coverage"]) if "coverage" in tables else []
    reasons = [row["reason"].partition("does not take: ")[2] for row in coverage]
    named = {word for reason in reasons for word in reason.split(", ") if word.isidentifier()}
    declared = declared_in(out, target)
    how = f" (to try them, copy {declared} and declare them there)" if target and declared.exists() else ""
    return f" Not declared, so not tried: {', '.join(sorted(named))}{how}." if named else ""


def _lost(tables: Tables) -> str:
    """Which bad input it does not survive."""
    rows = records(tables["bad_input"]) if "bad_input" in tables else []
    inputs = [row["input"] for row in rows if row["outcome"] in LOST]
    return f" Of bad input it does not survive {', '.join(sorted({*inputs}))}." if inputs else ""


def _verdict_of_all(documented: pd.DataFrame, new: list[Row], found: list[Row], seconds: float) -> str:
    known = [row for row in found if row["kind"] == Kind.KNOWN]
    cases = f"{documented['cases'].sum():,} cases, {_duration(seconds)}"
    word = f"{_number(new, 'NEW FINDING')}" if new else "NOTHING NEW"
    return f"{word}; {_number(known, 'finding')} known ({cases})."


def _each(documented: pd.DataFrame, found: list[Row]) -> Iterator[str]:
    """A line for each backend; those that were not run together, by why."""
    lacking: dict[str, list[str]] = {}
    for (backend, version, device), part in documented.groupby(["backend", "version", "device"], sort=False):
        of_it = [row for row in found if row["backend"] == backend]
        new, known = (sum(row["kind"] == kind for row in of_it) for kind in (Kind.NEW, Kind.KNOWN))
        if (part["verdict"] == Verdict.NOT_RUN).all():
            lacking.setdefault(str(part.iloc[0]["explained_by"]), []).append(str(backend))
            continue
        words = [f"{new} NEW"] if new else []
        words += [f"{known} known"] if known else [] if new else ["as documented"]
        mark = "✗" if new else "✓"
        yield f"  {mark} {backend} {version}, {device}: {', '.join(words)}"
    for why, names in lacking.items():
        yield from wrap(
            f"– not run ({why}): {', '.join(names)}", WIDTH, initial_indent="  ", subsequent_indent="    ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip


def _beside(tables: Tables, told: bool) -> list[Row]:
    """Tests that failed and whose reason no verdict shows. told: whether something not known was."""
    failures = records(tables["failures"]) if "failures" in tables else []
    return [row for row in failures if row["kind"] == "failed" or not told]


def _elsewhere(tables: Tables, told: bool) -> Iterator[str]:
    """Those tests, in lines: known failures first."""
    others = sorted(_beside(tables, told), key=lambda row: "witness" not in row["test"])
    if others:
        yield ""
        yield f"{_number(others, 'test')} failed beside:"
        for row in others[:MOST_BESIDE]:
            test, of, what = str(row["test"]).rpartition("::")[2].partition("[")
            known = f"what is known is no longer so: {what.rstrip(']')}"
            yield from wrap(
                f"✗ {known if 'witness' in test else test + of + what}: "
                f"{str(row['message']).removeprefix('AssertionError: ')}",
                WIDTH,
                initial_indent="  ",
                subsequent_indent="    ",
                max_lines=2,
            )


def _next(new: list[Row], out: Path, backends: list[str], target: str) -> Iterator[str]:
    """What to paste where."""
    if not new:
        return
    first = new[0]
    clauses = str(first["clauses"]).split("; ")
    named = (clause for clause in clauses if Path(first["script"]).name.startswith(f"{clause}."))
    clause = next(named, clauses[0])
    of = f" --backend {shlex.quote(str(first['backend']))}" if len(backends) > 1 else ""
    of += option(out)
    script = f", and {out / str(first['script'])}" if first["script"] else ""
    yield from wrap(
        f"see it           lazyadam show {clause}{of}{script}", WIDTH, subsequent_indent=" " * 19,
        initial_indent="  ", break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    trace = str(first["witness"])
    fails = str(first["cause"]).partition(":")[0] in (Verdict.REFUSES, *LOST)
    if trace.endswith(".json") and not fails:  # of a failure a replay can't say that it diverges
        yield "  find the commit  git bisect start HEAD GOOD, and"
        yield f"                   git bisect run lazyadam replay {shlex.quote(str(out / trace))}"
    yield f"  in CI            lazyadam init github {shlex.quote(target)}".removesuffix(" ''")
    yield f"  known to you     lazyadam accept{option(out)} --reason '…'"


def _clauses(found: Iterable[Row]) -> set[str]:
    return {
        clause
        for row in found
        for clause in str(row["clauses"]).split("; ")
        if row["kind"] != Kind.DOCUMENTED
    }


def _judged(ran: pd.DataFrame) -> set[str]:
    """The clauses that say something: not those about what is not claimed and not taken."""
    unclaimed = (ran["verdict"] == Verdict.REFUSES) & (ran["witness"] == "")
    return set(ran[~unclaimed]["clause"])


def _of(some: Sized, judged: Sized, verb: str) -> str:
    return f"{len(some)} of {_number(judged, 'clause')} {verb}{'s' if len(some) == 1 else ''}"


def _number(rows: Sized, what: str) -> str:
    return f"{len(rows)} {what}{'' if len(rows) == 1 else 'S' if what.isupper() else 's'}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
