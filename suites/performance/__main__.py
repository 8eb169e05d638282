"""How fast the backends are, how far from what the memory allows, and whether the fast ones are right.

python -m suites.performance --help
"""

import argparse
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from reports import performance as report
from reports.command import status_of
from reports.tables import frame, write, write_text
from suites import command_line
from suites.backends.base import Backend
from suites.backends.registry import BESIDE
from suites.machine import all_threads, machine, shared_core
from suites.performance.arms import ALLOCATOR, Arm, Arms, measure
from suites.performance.configuration import DUPLICATES, FULL, QUICK, STANDARD, USUAL, Configuration, grid
from suites.performance.table import Row, rows, with_claims

SHARED_BYTES = 2**22  # steps that move less are measured on one thread: there is nothing to share


def parser() -> argparse.ArgumentParser:
    p = command_line.parser("suites.performance", __doc__)
    p.add_argument(
        "--threads", type=_number, action="append", metavar="N", help="repeatable; default: 1 and all"
    )
    sizes = p.add_argument_group("sizes", "some, the usual ones, or all; or every combination of those given")
    some = sizes.add_mutually_exclusive_group()
    some.add_argument("--quick", action="store_true")
    some.add_argument("--full", action="store_true")
    for name in ("table-rows", "width", "touched-rows"):
        sizes.add_argument(f"--{name}", type=_number, action="append", metavar="N", help="repeatable")
    sizes.add_argument("--duplicates", choices=DUPLICATES, action="append", help="repeatable")
    return p


def _number(text: str) -> int:
    """Also 1e6."""
    number = float(text)
    if not number.is_integer() or number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 1 on")
    return int(number)


def configurations(options: argparse.Namespace) -> list[Configuration]:
    """The sizes that were asked for; a line and exit status 2 where there are none."""
    given = (options.table_rows, options.width, options.touched_rows, options.duplicates)
    if any(given):
        usual, _ = STANDARD
        n, d, k, kinds = given
        n, d, k = n or [usual.table_rows], d or [usual.width], k or [usual.touched_rows]
        try:
            chosen = grid(n, d, k, kinds or [usual.duplicates])
            moved = [c.step_bytes for c in chosen]
        except (ValueError, MemoryError) as error:
            command_line.ends(f"nothing was measured: {error}")
        if not moved:
            command_line.ends("nothing was measured: no table has so many rows as a gradient is to touch")
        return chosen
    return FULL if options.full else QUICK if options.quick else USUAL


def wanted(
    backends: Sequence[type[Backend]], layouts: Sequence[str]
) -> Iterator[tuple[type[Backend], dict[str, Any]]]:
    """The arms: the backends, the first of each layout once more, and what is measured beside them."""
    taking = [b for b in backends if b.layouts & set(layouts)]
    for backend in taking:
        yield backend, {}
    for layout in layouts:
        for backend in [b for b in taking if layout in b.layouts][:1]:
            yield backend, {"twin": layout}
    for name, backend in BESIDE.items():
        yield backend, {"judged": not name.startswith("floor.")}


def takes_part(arm: Arm, configuration: Configuration, named: bool) -> bool:
    """Whether an arm is measured. One that runs another's operators is, where usual or where it was named."""
    if configuration.layout not in arm.backend.layouts or arm.twin not in ("", configuration.layout):
        return False
    return named or configuration in STANDARD or not arm.backend.repeats


def run(options: argparse.Namespace, console: Console, table: list[Row]) -> None:
    """Measure what was asked for; rows are added as they are done."""
    chosen = configurations(options)
    backends = command_line.backends(options)
    rng = np.random.default_rng(0)
    start, measured = time.perf_counter(), 0.0
    for threads in options.threads or sorted({1, all_threads()}):
        part = [c for c in chosen if threads == 1 or options.threads or c.step_bytes >= SHARED_BYTES]
        with Arms() as context:
            layouts = sorted({c.layout for c in part}, reverse=True)
            taking = [b for b in backends if options.backend or threads == 1 or not b.repeats]
            arms = context.start(wanted(taking, layouts), options.device, threads)
            for configuration in track(part, f"threads: {threads}", console=console):
                these = [arm for arm in arms if takes_part(arm, configuration, bool(options.backend))]
                measure(these, configuration, rng)
                table += rows(these, configuration)
            measured += sum(arm.measured for arm in arms)
    wall = time.perf_counter() - start
    console.print(
        f"{wall:.0f} s, of which {measured:.0f} s in measured steps: harness {1 - measured / wall:.0%}"
    )


def not_measured(table: Sequence[Row]) -> str:
    """Why none of the backends under test was measured; '' where one was."""
    under_test = [row for row in table if row["backend"] not in BESIDE]
    if any("seconds_median" in row for row in under_test):
        return ""
    return "; ".join(dict.fromkeys(row["note"] for row in under_test)) or "no backend takes these gradients"


def main() -> int:
    options = parser().parse_args()
    console = Console(width=180)
    done: list[Row] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(options, console, done)
        status = 0
    except KeyboardInterrupt:
        console.print(f"interrupted: {len(done)} rows were measured, and the tables lack the rest")
        status = 130
    if why := not_measured(done):
        print(f"nothing was measured: {why}", file=sys.stderr)
        status = status or 2
    if not done:
        return status
    table = frame("performance", with_claims(done))
    write(table, options.out / "performance.csv")
    core = shared_core()
    facts = machine() | {
        "allocator": ", ".join(ALLOCATOR),
        "on one thread": "not held to a core here" if core is None else f"held to core {core}",
    }
    write_text("".join(f"{name}: {fact}\n" for name, fact in facts.items()), options.out / "machine.txt")
    report.publish(table, options.out, console)
    return status


if __name__ == "__main__":
    sys.exit(status_of(main))
