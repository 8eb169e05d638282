"""The gate: a backend as it is and as somebody changed it, interleaved in one job.

Slower is what is slower by more than a threshold (10 %) and more than two equal processes seem to differ,
significantly; not slower is where a slowdown of the threshold can be excluded. Where neither can be said it
can't tell, and says why.
Exit status: 1 where something is slower; else 2 where it can't tell or something did not run; else 0.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from lazyadam.reports.schema.table import as_it_is
from lazyadam.reports.tables import frame, write
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.configuration import STANDARD, Configuration
from lazyadam.suites.performance.arms import Arm, Arms, measure
from lazyadam.suites.performance.statistics import (
    LEAST,
    Median,
    apart,
    compare,
    corrected,
    percent,
    slowdown,
    spread,
)
from lazyadam.suites.performance.table import Row, about, failed
from lazyadam.suites.run.machine import all_threads
from lazyadam.suites.run.steps import Steps

FINE = ("faster", "not slower")
GATED = (
    *STANDARD,
    Configuration(1000, 16, 100),
    Configuration(100_000, 16, 10_000),
    Configuration(100_000, 16, 10_000, "zipf"),
    Configuration(10_000, 128, 10_000, "dense"),
)


@dataclass(frozen=True)
class Question:
    """What is asked of a candidate.

    candidate: the interpreter that has it; '' for the base's own. threshold: the slowdown that has to be
    seen, slowdown: one to be wasted in the candidate on purpose, each as a share of the time.
    """

    candidate: str
    threshold: float = LEAST
    slowdown: float = 0.0


def start(
    context: Arms, backend: type[Backend], device: str, question: Question, threads: int = 1
) -> list[Arm]:
    """Base, base again, and candidate: each in a process of its own."""
    changed = {"python": question.candidate, "slowdown": question.slowdown}
    settings: tuple[dict[str, Any], ...] = ({}, {}, changed)
    return context.start([(backend, {"judged": False, **s}) for s in settings], device, threads)


def row(
    arms: Sequence[Arm], configuration: Configuration, rng: np.random.Generator, threshold: float = LEAST
) -> Row:
    """Measure a configuration, longer where that may tell. `with_verdicts` corrects `p_value`."""
    base, control, candidate = arms
    seen: Row = {}

    def enough() -> bool:
        seen.update(_compared(base, control, candidate))
        return "control" not in seen or verdict(seen, threshold)[0] != "can't tell"

    measure(arms, configuration, rng, enough)
    return {**about(base, configuration), "candidate": candidate.process.version, "note": "", **seen}


def _compared(base: Arm, control: Arm, candidate: Arm) -> Row:
    """How the candidate compares with the base, and the base with itself; or why they don't."""
    for name, arm in (("the base", base), ("the candidate", candidate)):
        if arm.failure is not None:
            return {"verdict": Verdict.NOT_RUN, "note": f"{name}: {failed(arm.failure)}"}
    other = compare(base.seconds, candidate.seconds)
    found = {
        "seconds_median": float(np.median(base.seconds)),
        "ratio": other.ratio.value,
        "ci_low": other.ratio.low,
        "ci_high": other.ratio.high,
        "p_value": other.p,
    }
    if control.failure is not None:
        return {**found, "note": f"no A/A pair: {failed(control.failure)}"}
    return {**found, "control": spread(compare(base.seconds, control.seconds))}


def verdict(row: Row, threshold: float = LEAST) -> tuple[str, str]:
    """A word for a row that was compared, and what there is to say to it."""
    if "control" not in row:
        return "can't tell", row["note"]
    ratio, control = Median(row["ratio"], row["ci_low"], row["ci_high"]), row["control"]
    if found := apart(ratio, row["p_value"], max(threshold, control)):
        return found, ""
    if not control <= threshold:
        return "can't tell", f"the A/A pair shows {percent(control)}, and {percent(threshold)} has to be seen"
    most = slowdown(ratio, control)
    if not most <= threshold:
        return (
            "can't tell",
            f"a slowdown of {percent(most)} is possible: the A/A pair shows {percent(control)}",
        )
    return "not slower", f"no slowdown beyond {percent(max(0.0, most))}"


def with_verdicts(rows: list[Row], threshold: float = LEAST) -> list[Row]:
    """The rows with p corrected for all of them, and what each comes to."""
    compared = [r for r in rows if "p_value" in r]
    for r, p in zip(compared, corrected([r["p_value"] for r in compared]), strict=True):
        r["p_value"] = float(p)
        r["verdict"], r["note"] = verdict(r, threshold)
    return rows


def status(rows: Sequence[Row]) -> int:
    """The exit status that the rows come to."""
    words = {row["verdict"] for row in rows}
    return 1 if "slower" in words else 0 if words and words <= {*FINE} else 2


def summary(rows: Sequence[Row]) -> str:
    """How many rows came to what, in a line."""
    words = [row["verdict"] for row in rows]
    counts = {word: words.count(word) for word in ("slower", "can't tell", "not run")}
    said = [
        *(f"{count} {word}" for word, count in counts.items()),
        f"{len(words) - sum(counts.values())} fine",
    ]
    return ", ".join(said)


def run(
    backends: Sequence[type[Backend]],
    device: str,
    threads: Sequence[int],
    configurations: Sequence[Configuration],
    question: Question,
    out: Path,
) -> int:
    """Measure backends beside a candidate, and write and print what was found; the exit status."""
    console, rows, before = Console(width=180), list[Row](), os.getloadavg()[0]
    asked = list(places(backends, threads, configurations))
    with Steps(sum(len(part) for *_, part in asked), "the backends start") as steps:
        for backend, count, part in asked:
            for found in measured(backend, device, count, part, question, steps):
                rows.append(found)
    if steps.interrupted:
        console.print(f"interrupted: {len(rows)} rows were measured; {out} has what is done", soft_wrap=True)
    table = frame("performance_gate", with_verdicts(rows, question.threshold))
    write(table, out / "performance_gate.csv")
    as_it_is("gate: the candidate beside the base")(table, console)
    if not steps.interrupted and not any("ratio" in r for r in rows):
        why = "; ".join(dict.fromkeys(r["note"] for r in rows)) or "no backend here takes these gradients"
        print(f"nothing was compared: {why}", file=sys.stderr)
    load = f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after, on {all_threads()} threads"
    console.print(f"{summary(rows)}; {load}")
    return 130 if steps.interrupted else status(rows)


def places(
    backends: Sequence[type[Backend]], threads: Sequence[int], configurations: Sequence[Configuration]
) -> Iterator[tuple[type[Backend], int, list[Configuration]]]:
    """Each backend and number of threads with the configurations that it takes."""
    for backend, count in product(backends, threads):
        yield backend, count, [c for c in configurations if c.layout in backend.layouts]


def measured(
    backend: type[Backend],
    device: str,
    threads: int,
    configurations: Sequence[Configuration],
    question: Question,
    steps: Steps,
) -> Iterator[Row]:
    """A row for each configuration, as it is done."""
    rng = np.random.default_rng(0)
    with Arms() as context:
        arms = start(context, backend, device, question, threads)
        for configuration in configurations:
            where = f"{backend.name}, {configuration}; threads: {threads}"
            steps.begin(where)
            found = row(arms, configuration, rng, question.threshold)
            ratio = found.get("ratio")
            said = found["note"] if ratio is None else f"{ratio:.3f} of the time of the base"
            steps.say(f"{where}: {said}")
            yield found
