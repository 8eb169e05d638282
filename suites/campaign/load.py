"""What carries many units: python -m lazyadam.suites.campaign.load

Units that only sleep, on 200 simulated workers in this process: the share of the time that they are busy,
and the memory of client, scheduler and workers as units go by. Then units that do nothing, on one worker:
as many as a million cases have where a unit has few. Results are kept as a campaign keeps them.
"""

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dask
import psutil
from distributed import Client, LocalCluster
from rich.console import Console
from rich.table import Table

from lazyadam.suites.campaign.crew import Orders
from lazyadam.suites.campaign.running import SETTINGS, done_by
from lazyadam.suites.campaign.store import Store
from lazyadam.suites.campaign.unit import CASES, Result, Unit

WORKERS = 200
SECONDS = (5.0, 30.0)  # what a unit is to take
SLEEPING = 4000, (20, 200, 400, 1000, 2000, 3600)  # in the last ones there is not enough left for all
IDLE = 120_000, (1_000, 10_000, 60_000, 120_000)


def seconds_of(unit: Unit) -> float:
    return random.Random(unit.block).uniform(*SECONDS)


def sleep(unit: Unit, orders: Orders) -> Result:
    time.sleep(seconds_of(unit))
    return nothing(unit, orders)


def nothing(unit: Unit, orders: Orders) -> Result:
    return {"verdicts": [], "covered": {f"circumstance {i}": unit.block for i in range(60)}}


def carried(workers: int, count: int, told: Sequence[int], do: Callable[[Unit, Orders], Result]) -> Table:
    """So many units on so many workers; a row after each of those told."""
    shown = Table("units", "cases", "minutes", "busy since", "MB", title=f"{workers} workers")
    cluster = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=False,
        memory_limit=0,
        dashboard_address=":0",
        silence_logs=50,
    )
    units = (Unit(i, "none", "float32", "update-rule", CASES) for i in range(count))
    with tempfile.TemporaryDirectory() as folder, cluster, Client(cluster) as client:
        store, begun = Store(Path(folder), {}, again=False), time.monotonic()
        last, slept, done = begun, 0.0, 0
        for unit, result in done_by(client, units, Orders(0, "cpu"), {}, do):
            assert not isinstance(result, Exception)
            store.add(unit.key, result)
            slept, done = slept + (seconds_of(unit) if do is sleep else 0), done + 1
            if done in told:
                now = time.monotonic()
                busy, memory = slept / (now - last) / workers, psutil.Process().memory_info().rss / 2**20
                times = f"{(now - begun) / 60:.1f}", f"{busy:.1%}" if slept else "", f"{memory:.0f}"
                shown.add_row(f"{done:,}", f"{done * CASES:,}", *times)
                last, slept = now, 0.0
        store.close()
    return shown


def main() -> None:
    dask.config.set(SETTINGS)
    Console().print(carried(WORKERS, *SLEEPING, sleep))
    Console().print(carried(1, *IDLE, nothing))


if __name__ == "__main__":
    main()
