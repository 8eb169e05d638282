"""Known failures of one's own: what a run found new becomes pins, in a folder beside the optimizer.

A run takes such a folder by itself, and is strict both ways: what is new fails, and what no longer shows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from lazyadam.reports.tables import TableError, read, records
from lazyadam.reports.vocabulary import FAILING, Against
from lazyadam.suites.backends.own.class_file import DECLARED
from lazyadam.suites.backends.typed import UnknownName, near
from lazyadam.suites.cases import trace
from lazyadam.suites.divergences.pin import OWNERS

FOLDER = "lazyadam-expected"  # beside the file that declares the backend
Row = dict[str, Any]


# What a trace says of a divergence where it is ready to be pinned.
READY: dict[str, Any] = {
    **dict.fromkeys(("backends", "clauses", "dtypes", "layouts", "quantities"), list),
    **{"explained_by": dict, "verdict": str, "path": str | None},
}


@dataclass
class Found:
    """Rows of one backend that an axis explains, or of one type that nothing does: they become one pin."""

    trace: Path
    about: Row
    dtypes: set[str] = field(default_factory=set)
    clauses: set[str] = field(default_factory=set)
    quantities: set[str] = field(default_factory=set)


def beside(file: str) -> Path:
    """Where the known failures of the backends of a file are: those of what is named alone lie here."""
    folder = Path(file).parent
    return (Path.cwd() if folder.name == DECLARED else folder) / FOLDER


def accept(
    out: Path, what: list[str], reason: str, owner: str, versions: str, until: str, folder: Path | None
) -> list[str]:
    """Write a pin of what a run found new; lines that say which, and where.

    what: clauses, or axis=value, that are meant; none: all. until: a date on which to look again, or ''.
    folder: where they go, if that is not beside the file.

    Raises:
        TableError, TraceError: a table or trace can't be read, or a file not be written.
        UnknownName: the run found nothing new, or nothing of a name; or an option is none.
    """
    _check(owner, versions, until)
    if folder and folder.exists() and not folder.is_dir():
        raise UnknownName(f"--pins: {folder} is no folder")
    found = _found(out, what)
    told = []
    for pin in found:
        into = folder or (beside(pin.about["path"]) if pin.about.get("path") else None)
        if into is None:
            raise UnknownName(f"{pin.about['backends'][0]} is of no file: --pins DIR says where they go")
        about = pin.about | {"sentence": reason, "owner": owner}
        parts = {"dtypes": pin.dtypes, "clauses": pin.clauses, "quantities": pin.quantities}
        about |= {name: sorted(part) for name, part in parts.items()}
        about |= {"versions": versions} if versions else {}
        about |= {"until": until} if until else {}
        file = into / f"{_name(about)}.json"
        shows = ", ".join(about["explained_by"] or about["clauses"])
        told.append(f"{file}: {shows}{', in the place of what was there' if file.exists() else ''}")
        trace.save(trace.load(pin.trace), file, about)
    return [*told, f"accepted: {len(told)}; to be tried: lazyadam check again, which takes them by itself"]


def _check(owner: str, versions: str, until: str) -> None:
    if owner not in OWNERS:
        raise UnknownName(f"--owner: {owner!r}{near(owner, OWNERS)}")
    try:
        SpecifierSet(versions)
        passed = bool(until) and date.fromisoformat(until) < date.today()
    except InvalidSpecifier:
        raise UnknownName(f"--versions: {versions!r} is none, such as '>=2.13,<2.16'") from None
    except ValueError:
        raise UnknownName(f"--until: {until!r} is no date, such as 2027-01-31") from None
    if passed:
        raise UnknownName(f"--until: {until} has passed")


def _found(out: Path, what: list[str]) -> list[Found]:
    """What a run found new, by what explains it."""
    new = [
        (row["backend"], row["dtype"], row["clause"], row["witness"])
        for row in records(read("verdicts", out))
        if row["against"] == Against.DOCUMENTED and str(row["witness"]).startswith("traces/")
    ]
    new += [  # of some cases, in a row that says something else of others
        (row["backend"], row["dtype"], row["clause"], row["trace"])
        for row in records(read("evidence", out))
        if row["against"] in FAILING
    ]
    if not new:
        raise UnknownName(f"{out}: nothing is new there that could be accepted")
    found: dict[tuple[Any, ...], Found] = {}
    named = set()
    for backend, dtype, clause, file in new:
        about = trace.about(out / file)
        if lacking := [part for part, kind in READY.items() if not isinstance(about.get(part), kind)]:
            raise TableError(f"{out / file}: no trace of a divergence, ready to pin: {lacking[0]} in about")
        axes = about["explained_by"]
        names = {clause, *axes, *(f"{axis}={value}" for axis, value in axes.items())} & {*what}
        if what and not names:
            continue
        named |= names
        for axis in axes:
            # A witness tells an axis from others, and a trace may be too small for that.
            witness = out / "witnesses" / f"{backend}.{axis}.json"
            shown = witness if witness.exists() else out / file
            found.setdefault((backend, axis), Found(shown, trace.about(shown))).dtypes.add(dtype)
        for shown in _each(out / file) if not axes else ():
            about = trace.about(shown)
            key = backend, dtype, about["verdict"], *about["layouts"]
            pin = found.setdefault(key, Found(shown, about))
            pin.dtypes.add(dtype)
            pin.clauses.add(clause)
            pin.quantities |= {*about["quantities"]}
    if lost := [name for name in what if name not in named]:
        known = sorted({clause for _, _, clause, _ in new})
        raise UnknownName(f"nothing new is named {lost[0]!r}{near(lost[0], known)}")
    return _folded(found.values())


def _folded(found: Iterable[Found]) -> list[Found]:
    """Without those whose layouts the witness of another shows beside more: it states all that they do."""
    left: list[Found] = []
    for pin in sorted(found, key=lambda pin: -len(pin.about["layouts"])):
        if wider := next((other for other in left if _covers(other, pin)), None):
            wider.clauses |= pin.clauses
            wider.quantities |= pin.quantities
        else:
            left.append(pin)
    return left


def _covers(other: Found, pin: Found) -> bool:
    of = ("backends", "verdict", "explained_by")
    alike = not pin.about["explained_by"] and all(other.about[x] == pin.about[x] for x in of)
    return alike and set(other.about["layouts"]) >= set(pin.about["layouts"]) and pin.dtypes == other.dtypes


def _each(file: Path) -> list[Path]:
    """A trace, and those beside it that show the same at gradients of other layouts."""
    return [file, *sorted(file.parent.glob(f"{file.stem}.*.json"))]


def _name(about: Row) -> str:
    of = about["explained_by"] or [*about["clauses"][:1], *about["dtypes"], *about["layouts"]]
    return re.sub(r"[^\w.-]+", "-", "-".join([*about["backends"], *of, about["verdict"]]))


def folders_of(files: Iterable[str]) -> list[Path]:
    """The folders beside files that are there."""
    return [folder for folder in dict.fromkeys(beside(file) for file in files if file) if folder.is_dir()]
