"""How fast the backends are, how far from what the memory allows, and whether the fast ones are right."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from lazyadam.reports import performance as report
from lazyadam.reports.tables import frame, write, write_text
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import BESIDE
from lazyadam.suites.backends.timing.memory import Memory
from lazyadam.suites.cases.configuration import INSTANCES, STANDARD, Configuration
from lazyadam.suites.performance.arms import ALLOCATOR, Arm, Arms, measure
from lazyadam.suites.performance.room import KEPT_FREE, Batch, Known, batches, needs
from lazyadam.suites.performance.table import Row, correctness_of, rows, with_claims
from lazyadam.suites.run.machine import all_threads, busy, machine, shared_core
from lazyadam.suites.run.steps import Steps

SHARED_BYTES = 2**22  # steps that move less are measured on one thread: there is nothing to share


def wanted(
    backends: Sequence[type[Backend]], layouts: Sequence[str], device: str
) -> Iterator[tuple[type[Backend], dict[str, Any]]]:
    """The arms: the backends, and what is measured beside them on that device."""
    for backend in backends:
        if backend.layouts & set(layouts):
            yield backend, {}
    for name, backend in BESIDE.items():
        if backend.device_of(device) not in backend.devices:
            continue
        yield backend, {"judged": not name.startswith("floor.")}


def twins(
    arms: Sequence[Arm], configurations: Sequence[Configuration], known: dict[str, type[Backend]]
) -> Iterator[tuple[type[Backend], dict[str, Any]]]:
    """The first backend of each layout that is right in it, once more; where none is, the first.

    Tried in one size of each pattern of repeats: nothing is compared with one that is wrong. known: which
    these were on another number of threads; added to.
    """
    for layout in dict.fromkeys(c.layout for c in configurations):
        taking = [a for a in arms if layout in a.backend.layouts and a.backend.name not in BESIDE]
        asked = {c.duplicates: c for c in reversed(configurations) if c.layout == layout}
        right = (arm for arm in taking if all(_is_right(arm, c) for c in asked.values()))
        if taking and known.get(layout) not in [arm.backend for arm in taking]:
            known[layout] = next(right, taking[0]).backend
        if taking:
            yield known[layout], {"twin": layout}


def _is_right(arm: Arm, configuration: Configuration) -> bool:
    arm.open(configuration, instances=1)
    found = correctness_of(arm, configuration)
    arm.close()
    return arm.failure is None and found is not None and not found.divergence


def takes_part(arm: Arm, configuration: Configuration, named: bool) -> bool:
    """Whether an arm is measured. One that runs another's operators is, where usual or where it was named."""
    if configuration.layout not in arm.backend.layouts or arm.twin not in ("", configuration.layout):
        return False
    return named or configuration in STANDARD or not arm.backend.repeats


def run(
    backends: Sequence[type[Backend]],
    named: bool,
    device: str,
    threads: Sequence[int],
    chosen: Sequence[Configuration],
    out: Path,
) -> int:
    """Measure backends, and write and print what was found; the exit status.

    named: the backends were asked for by name, so that those which run another's operators are measured
    throughout. threads: empty for one, and all where there is something to share.
    """
    console, table = Console(width=180), list[Row]()
    parts = _parts(threads, chosen, device)
    with Steps(sum(len(part) for _, part in parts), "the backends start") as steps:
        _measure(backends, named, device, parts, table, steps)
    if steps.interrupted:
        kept = f"the tables in {out} have what is done" if table else "no table is written"
        console.print(f"interrupted: {len(table)} rows were measured; {kept}", soft_wrap=True)
    why = "" if steps.interrupted else not_measured(table)
    if why:
        print(f"nothing was measured: {why}", file=sys.stderr)
    if table:
        _write(table, out, console)
    return 130 if steps.interrupted else 2 if why else 0


def _measure(
    backends: Sequence[type[Backend]],
    named: bool,
    device: str,
    parts: Sequence[tuple[int, Sequence[Configuration]]],
    table: list[Row],
    steps: Steps,
) -> None:
    """Measure what was asked for; rows are added as they are done."""
    rng, told = np.random.default_rng(0), set[tuple[str, str]]()
    start, measured = time.perf_counter(), 0.0
    paired: dict[str, type[Backend]] = {}
    known: Known = {}
    if why := busy():
        steps.say(f"the machine is {why}; times are longer, and less can be told")
    for threads, part in parts:
        with Arms() as context:
            layouts = sorted({c.layout for c in part}, reverse=True)
            usual = threads == 1 and not set(STANDARD).isdisjoint(part)
            taking = [b for b in backends if named or usual or not b.repeats]
            arms = context.start(wanted(taking, layouts, device), device, threads)
            arms += context.start(twins(arms, part, paired), device, threads)
            for configuration in part:
                steps.begin(f"{configuration}; threads: {threads}")
                these = [arm for arm in arms if takes_part(arm, configuration, named)]
                done = _of(these, configuration, rng, known, steps)
                table += done
                for row in filter(_worth_saying, done):
                    if (row["backend"], row["note"]) not in told:
                        told.add((row["backend"], row["note"]))
                        steps.say(f"{row['backend']}, {configuration}: {row['note']}")
            measured += sum(arm.measured for arm in arms)
    wall = time.perf_counter() - start
    steps.say(f"{wall:.0f} s, of which {measured:.0f} s in measured steps: harness {1 - measured / wall:.0%}")


def _of(
    arms: Sequence[Arm], configuration: Configuration, rng: np.random.Generator, known: Known, steps: Steps
) -> list[Row]:
    """The rows of a configuration: of all arms in the same rounds, or of as many as fit."""
    free = (1 - KEPT_FREE) * Memory().free()
    planned = batches(arms, configuration, needs(arms, configuration, free, known), free)
    if why := _for_memory(planned):
        steps.say(f"{configuration}: {why}")
    found: dict[Arm, Row] = {}
    for batch in planned:
        if batch.instances:
            measure(batch.arms, configuration, rng, instances=batch.instances)
        for arm, row in zip(batch.arms, rows(batch.arms, configuration), strict=True):
            found.setdefault(arm, row)
    return [found[arm] for arm in arms]


def _for_memory(planned: Sequence[Batch]) -> str:
    """What there is less of than usual, in words; '' where nothing is."""
    if len(planned) > 1:
        return "backends are measured one after another, each beside the A/A pair and the floor: memory"
    least = min((batch.instances for batch in planned), default=INSTANCES)
    return f"{least} of each backend, not {INSTANCES}: memory" if least < INSTANCES else ""


def _parts(
    threads: Sequence[int], chosen: Sequence[Configuration], device: str
) -> list[tuple[int, Sequence[Configuration]]]:
    """What is measured on how many threads. Empty: on one, and on all what the host has to share."""
    if threads:
        return [(count, chosen) for count in threads]
    shared = [c for c in chosen if c.step_bytes >= SHARED_BYTES and device == "cpu"]
    return [(1, chosen), *([(all_threads(), shared)] if all_threads() > 1 and shared else [])]


def _worth_saying(row: Row) -> bool:
    """Whether a row says that something is wrong, or was not measured."""
    return row["note"].startswith(Verdict.DIVERGES) or "seconds_median" not in row


def not_measured(table: Sequence[Row]) -> str:
    """Why none of the backends under test was measured; '' where one was."""
    under_test = [row for row in table if row["backend"] not in BESIDE]
    if any("seconds_median" in row for row in under_test):
        return ""
    return "; ".join(dict.fromkeys(row["note"] for row in under_test)) or "no backend takes these gradients"


def _write(rows: list[Row], out: Path, console: Console) -> None:
    table = frame("performance", with_claims(rows))
    write(table, out / "performance.csv")
    core = shared_core()
    facts = machine() | {
        "allocator": ", ".join(ALLOCATOR),
        "on one thread": "not held to a core here" if core is None else f"held to core {core}",
    }
    write_text("".join(f"{name}: {fact}\n" for name, fact in facts.items()), out / "machine.txt")
    report.publish(table, out, console)
