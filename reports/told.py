"""New findings in lines of the screen: the cause, what shows it, how much it matters, what to declare."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import shorten, wrap
from typing import Any

import pandas as pd

from lazyadam.reports.tables import records
from lazyadam.reports.vocabulary import FAILING, Against
from lazyadam.reports.words import number

Row = dict[str, Any]
Tables = dict[str, pd.DataFrame]
WIDTH = 80
USUAL = "lazyadam-out"  # where a run writes to, unless told


def findings_in_lines(
    new: list[Row], tables: Tables, out: Path, name: bool, causes: int, clauses: int
) -> Iterator[str]:
    """What is new, so many causes of it, and so many clauses of each. name: say of which backend."""
    for finding in new[:causes]:
        yield ""
        yield from _told(finding, tables, out, name, clauses)
    if rest := new[causes:]:
        yield ""
        said = "; ".join(
            str(row["sentence"]).partition(", but it is held to: ")[0].rstrip(".") for row in rest
        )
        yield from wrap(
            f"And {len(rest)} more: {said}", WIDTH, max_lines=3, placeholder=" …", break_long_words=False
        )


def _told(finding: Row, tables: Tables, out: Path, name: bool, most: int) -> Iterator[str]:
    """A finding in words, with so many of the clauses that show it, and the least case of each."""
    of = f"{finding['backend']}: " if name else ""
    whole = wrapped(f"{of}{finding['sentence']}")
    yield from whole if most else wrap(" ".join(whole), WIDTH, max_lines=2, placeholder=" …")
    of_it = [row for row in records(tables["evidence"]) if row["backend"] == finding["backend"]]
    failed = [row for row in of_it if row["against"] == str(finding["cause"]).partition(":")[0]]
    evidence = failed or [row for row in of_it if row["against"] == Against.DOCUMENTED]
    sentences = {row["clause"]: row["sentence"] for row in records(tables["clauses"])}
    clauses = str(finding["clauses"]).split("; ")
    mark = "?" if is_meaning(finding) else "✗"
    wide = max([20, *map(len, clauses[:most])])
    for clause in clauses[:most]:
        shown = [row for row in evidence if row["clause"] == clause]
        dtypes = ", ".join(dict.fromkeys(row["dtype"] for row in shown)) or finding["dtypes"]
        demanded = shorten(sentences.get(clause, ""), 55 - wide, placeholder="…")
        yield f"  {mark} {clause:{wide}} {demanded:{55 - wide}} {dtypes}"[:WIDTH].rstrip()
        if shown and shown[0]["least"]:
            yield from wrap(
                str(shown[0]["least"]), WIDTH, max_lines=2, placeholder=" …",
                initial_indent=" " * 6, subsequent_indent=" " * 6,
            )  # fmt: skip
    if len(clauses) > most:
        rest = ", ".join(clauses[most:])
        yield from wrap(
            f"{mark} {'and ' if most else ''}{rest}", WIDTH, max_lines=2 if most else 1,
            initial_indent="  ", subsequent_indent="    ",
        )  # fmt: skip
    if counted := how_often(finding):
        yield f"      how often: {counted}"
    if finding["effect"]:
        alone = f"how much: {finding['effect']} (in the reference)"
        yield from wrap(alone, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
    if is_meaning(finding):
        axes = dict(axis.split(": ") for axis in str(finding["cause"]).split("; "))
        kinds = {axis: "".join(word.capitalize() for word in axis.split("_")) for axis in axes}
        file = "a copy" if declared_in(out, str(finding["backend"])).exists() else "its file"
        values = ", ".join(f"{axis}={kinds[axis]}.{value.upper()}" for axis, value in axes.items())
        declared = f"in {file}: documented = Dialect({values})"
        if not most:
            yield f"      meant? {declared}"
            return
        meant = " ".join(f"{axis}={value}" for axis, value in axes.items())
        yield f"      meant? lazyadam accept {meant}{option(out)} --reason '…'"
        yield f"      or {declared}"
        yield f"      with: from lazyadam.reference.dialect import Dialect, {', '.join(kinds.values())}"


def how_often(finding: Row) -> str:
    """In how many cases of a campaign it shows; '' where it is of none."""
    if pd.isna(finding["tried"]):
        return ""
    return f"{number(finding['shown'])} of {number(finding['tried'])} cases of these clauses"


def is_meaning(finding: Row) -> bool:
    """Whether an axis explains it: it may be meant, and only be documented otherwise."""
    axis, _, value = str(finding["cause"]).partition(": ")
    return bool(value) and " " not in axis and axis not in FAILING


def declared_in(out: Path, target: str) -> Path:
    """The declaration of a class, program or library that was named alone."""
    return out / "declared" / f"{target}.py"


def option(out: Path) -> str:
    """The option that names a run, where it isn't the one that commands take."""
    usual = out.name == USUAL and out.parent == Path.cwd()
    return "" if usual else f" --out {shlex.quote(str(out))}"


def wrapped(text: str) -> list[str]:
    """A text in lines of the screen."""
    return wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
