"""What a run found, by its tables: which divergence is meant, and where its trace and script are."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lazyadam.reports.tables import read as read_table
from lazyadam.reports.tables import records
from lazyadam.reports.vocabulary import FAILING, Against, Kind, Verdict
from lazyadam.suites.backends.typed import UnknownName, begun, near, one
from lazyadam.suites.cases import trace
from lazyadam.suites.clauses import CLAUSES, carried
from lazyadam.suites.divergences.pin import PINS

Row = dict[str, Any]
KEYS = ("backend", "dtype", "clause", "against")
AGAINST = (Against.DOCUMENTED, Against.EXPLAINED, Against.REFERENCE)  # as they are looked through
DTYPES = ("float32", "float64", "bfloat16", "float16")
SENTENCES = {clause.id: clause.sentence for clause in (*CLAUSES.values(), *carried.CLAUSES)}
PIN_NAMES = sorted(path.stem for path in PINS.glob("*.json"))


@dataclass(frozen=True)
class Found:
    """A divergence to be shown.

    backend: as it was asked for, or its name; '' where the trace says which. asked: what it is to show, in
    words. others: where the same shows too. dead_end: why there is nothing to show; the rest is then empty.
    """

    trace: Path = Path()
    backend: str = ""
    device: str = "cpu"
    against: str = "documented"
    asked: str = ""
    script: Path | None = None
    others: list[str] = field(default_factory=list)
    dead_end: str = ""


def chosen(out: Path, word: str, backend: str) -> Found:
    """What is meant by a clause or a pin and a backend, both of which may be left out.

    backend: a name, or a file that declares the one that is to run instead.

    Raises:
        UnknownName: nothing is called so.
        TableError: a table of the run can't be read.
    """
    pinned = begun(word, PIN_NAMES) if word and not begun(word, SENTENCES) else []
    if pinned:
        return replace(of_pin(one("pin", word, PIN_NAMES)), backend=backend)
    if word and not begun(word, SENTENCES):
        raise UnknownName(f"no clause {word!r}{near(word, [*SENTENCES, *PIN_NAMES])}")
    if not (out / "verdicts.csv").exists():
        raise UnknownName(f"{out} holds no run: lazyadam check FILE or --out DIR, or name a trace or a pin")
    verdicts, found = (records(read_table(name, out)) for name in ("verdicts", "findings"))
    clauses = list(dict.fromkeys(row["clause"] for row in verdicts))
    names = list(dict.fromkeys(row["backend"] for row in verdicts))
    file = backend if backend.endswith(".py") else ""
    backends = begun(backend, names) if backend and not file else names
    if not backends:
        raise UnknownName(f"{out} has no backend {backend!r}{near(backend, names)}")
    if word:
        return _of_clause(out, _meant(word, clauses, verdicts), backends, verdicts, file)
    return _of_finding(out, backends, verdicts, found, file)


def _meant(word: str, clauses: list[str], verdicts: list[Row]) -> str:
    """The clause that a word stands for: of several the one that fails."""
    of_run = begun(word, clauses)
    failing = [c for c in of_run if any(row["clause"] == c and row["verdict"] in FAILING for row in verdicts)]
    for names in (failing, of_run):
        if len(names) == 1:
            return names[0]
    return one("clause", word, failing or of_run or SENTENCES)


def _of_finding(out: Path, backends: list[str], verdicts: list[Row], found: list[Row], file: str) -> Found:
    """The first finding of a run: a new one, and the one with the most rows, as on its last screen."""
    order = (Kind.NEW, Kind.KNOWN)
    ours = [row for row in found if row["backend"] in backends and row["kind"] != Kind.DOCUMENTED]
    if not ours:
        ran = any(row["backend"] in backends and row["verdict"] != Verdict.NOT_RUN for row in verdicts)
        told = "nothing diverges from what is documented" if ran else "nothing was run"
        return Found(dead_end=f"{out}: {told} ({', '.join(backends[:3])}{', …' if backends[3:] else ''})")
    first = min(ours, key=lambda row: (order.index(row["kind"]), -row["rows"]))
    clause = str(first["clauses"]).partition("; ")[0]
    return _of_clause(out, clause, [first["backend"]], verdicts, file, str(first["sentence"]))


def _of_clause(
    out: Path, clause: str, backends: list[str], verdicts: list[Row], file: str, said: str = ""
) -> Found:
    """The worst that a run has of a clause: what is new, from what is documented, in the usual type."""
    asked = f"{clause}: {SENTENCES.get(clause, '')}".rstrip(": ")
    tried = [row for row in verdicts if row["clause"] == clause and row["backend"] in backends]
    of = f"{', '.join(backends[:3])}{', …' if backends[3:] else ''}"
    if not tried:
        return Found(dead_end=f"{out}: {clause} was not tried on {of}")
    failing = sorted((row for row in tried if row["verdict"] in FAILING), key=_rank)
    if not failing:
        words = ", ".join(dict.fromkeys(row["verdict"] for row in tried))
        return Found(
            dead_end=f"{out}: {clause} {words} on {of}: nothing to show ({SENTENCES.get(clause, '')})"
        )
    evidence = {tuple(row[key] for key in KEYS): row for row in records(read_table("evidence", out))}
    for row in failing:
        shown = evidence.get(tuple(row[key] for key in KEYS), {})
        others = list(_others(row, failing))
        why = said or _why(row)
        if shown.get("trace"):
            return Found(
                out / shown["trace"],
                file,
                device=row["device"],
                against=row["against"],
                asked=f"{asked}. {why}".rstrip(". ") + ".",
                script=_script(out, row, shown["script"]),
                others=others,
            )
        pins = [name for name in str(row["witness"]).split("; ") if name in PIN_NAMES]
        if pins:
            return replace(
                of_pin(pins[0]),
                backend=row["backend"],
                device=row["device"],
                script=_script(out, row),
                others=others,
            )
    first = failing[0]
    why = f"known: {first['witness']}" if first["witness"] else "it does not claim to take that"
    told = f"{first['verdict']} on {first['backend']}, and there is no trace of it ({why})"
    return Found(dead_end=f"{out}: {clause} {told}")


def _script(out: Path, row: Row, named: str = "") -> Path | None:
    """The script that a run wrote of a row, or else of the known divergence that accounts for it."""
    of_pins = [f"reproducers/{pin}.{row['backend']}.py" for pin in str(row["witness"]).split("; ")]
    return next((out / name for name in (named, *of_pins) if name and (out / name).is_file()), None)


def _why(row: Row) -> str:
    """What the run said of it."""
    explained = str(row["explained_by"])
    return f"Explained by {explained}" if ": " in explained else "No axis explains it" if explained else ""


def of_trace(path: Path, backend: str) -> Found:
    """A trace as a run wrote it, whose name ends with what it was judged against."""
    against = path.stem.rpartition(".")[2]
    return Found(path, backend, against=against if against in AGAINST else AGAINST[0])


def of_pin(name: str) -> Found:
    """A known divergence of the suite."""
    path = PINS / f"{name}.json"
    return Found(path, asked=f"{name}: {trace.about(path).get('sentence', '')}")


def _rank(row: Row) -> tuple[Any, ...]:
    known = not str(row["witness"]).endswith(".json")
    dtype = DTYPES.index(row["dtype"]) if row["dtype"] in DTYPES else len(DTYPES)
    return row["against"] == Against.REFERENCE, known, AGAINST.index(row["against"]), dtype, row["backend"]


def _others(row: Row, failing: list[Row]) -> Iterator[str]:
    """In which other types, and on which other backends, the same clause fails against the same."""
    alike = [other for other in failing if other["against"] == row["against"]]
    yield from dict.fromkeys(
        r["dtype"] for r in alike if r["backend"] == row["backend"] and r["dtype"] != row["dtype"]
    )
    yield from dict.fromkeys(r["backend"] for r in alike if r["backend"] != row["backend"])
