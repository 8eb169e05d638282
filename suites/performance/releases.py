"""From release to release: the speed and the bits of a backend, of one interpreter and of others."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from lazyadam.reports.performance import SIZE
from lazyadam.reports.schema.table import as_it_is
from lazyadam.reports.tables import frame, write
from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.cases.configuration import Configuration
from lazyadam.suites.equivalence import builds
from lazyadam.suites.performance.candidate import Question, measured, places, summary, with_verdicts
from lazyadam.suites.performance.table import Row
from lazyadam.suites.run.steps import Steps

SHOWN = ("backend", *SIZE, "threads", "candidate", "ratio", "ci_low", "ci_high", "verdict", "note")


def run(
    backends: Sequence[type[Backend]],
    device: str,
    threads: Sequence[int],
    configurations: Sequence[Configuration],
    questions: Sequence[Question],
    out: Path,
) -> int:
    """Measure and compare backends beside each candidate; the exit status: 2 where nothing was measured."""
    console, rows, parted = Console(width=180), list[Row](), list[Row]()
    asked = list(places(backends, threads, configurations))
    each = sum(len(part) for *_, part in asked) + sum(len(builds.places(backend)) for backend in backends)
    with Steps(each * len(questions), "the releases start") as steps:
        for question in questions:
            tallies = {backend: builds.Tally() for backend in backends}
            bits = {b: same_bits(b, device, question, out, tally, steps) for b, tally in tallies.items()}
            parted += (row for tally in tallies.values() for row in tally.rows)
            for backend, count, part in asked:
                for found in measured(backend, device, count, part, question, steps):
                    rows.append({**found, "bits": bits[backend]})
    builds.written(parted, out)
    table = frame("performance_releases", with_verdicts(rows, questions[0].threshold))
    write(table, out / "performance_releases.csv")
    as_it_is("releases: each beside the first")(table[[*SHOWN]], console)
    print("\n".join(told(rows)))
    print(f"{summary(rows)}; performance_releases.csv in {out}")
    return 130 if steps.interrupted else 0 if any("ratio" in row for row in rows) else 2


def same_bits(
    backend: type[Backend], device: str, question: Question, out: Path, tally: builds.Tally, steps: Steps
) -> str:
    """Whether the cases of the ci profile have the same results in both, and what differs most."""
    try:
        builds.beside(backend, device, question.candidate, "ci", 0, out, tally, steps)
    except NotRun as error:
        return f"not compared: {error}"
    if not tally.rows:
        return f"{'not compared' if tally.status() else 'same'}: {tally.told()}"
    worst = max(tally.rows, key=lambda row: row["max_ulp"])
    apart = f"{worst['quantity']} by {worst['max_ulp']:.3g} ulp in {worst['clause']}, {worst['dtype']}"
    return f"apart: at most {apart}; {tally.told()}"


def told(rows: Sequence[Row]) -> Iterator[str]:
    """A line for each backend and release."""
    for key in dict.fromkeys((row["backend"], row["version"], row["candidate"], row["bits"]) for row in rows):
        name, base, candidate, bits = key
        of_it = [row for row in rows if (row["backend"], row["candidate"]) == (name, candidate)]
        words = [f"{row['verdict']} at {row['ratio']:.2f} of the time" for row in of_it if "ratio" in row]
        speed = "; ".join(f"{words.count(word)} × {word}" for word in dict.fromkeys(words))
        yield f"{name}, {base} to {candidate}: {speed or of_it[0]['note']}. Bits: {bits}."
