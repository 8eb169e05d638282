"""What carries many units: python -m lazyadam.suites.campaign.load

Units that only sleep, on 200 simulated workers in this process: the share of the time that they are busy,
and the memory of client, scheduler and workers as units go by. Results are kept as a campaign keeps them.
"""

import random
import tempfile
import time
from collections.abc import Iterator
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
UNITS = 4000
TOLD = (20, 200, 400, 1000, 2000, 3600)  # in the last ones there is not enough left for all


def seconds_of(unit: Unit) -> float:
    return random.Random(unit.block).uniform(*SECONDS)


def sleep(unit: Unit, orders: Orders) -> Result:
    time.sleep(seconds_of(unit))
    return {"verdicts": [], "covered": {f"circumstance {i}": unit.block for i in range(60)}}


def units() -> Iterator[Unit]:
    yield from (Unit(i, "none", "float32", "update-rule", CASES) for i in range(UNITS))


def main() -> None:
    shown = Table("units", "cases", "minutes", "busy since", "MB")
    dask.config.set(SETTINGS)
    cluster = LocalCluster(
        n_workers=WORKERS,
        threads_per_worker=1,
        processes=False,
        memory_limit=0,
        dashboard_address=":0",
        silence_logs=50,
    )
    with tempfile.TemporaryDirectory() as folder, cluster, Client(cluster) as client:
        store, begun = Store(Path(folder), {}, again=False), time.monotonic()
        last, slept, done = begun, 0.0, 0
        for unit, result in done_by(client, units(), Orders(0, "cpu"), {}, sleep):
            assert not isinstance(result, Exception)
            store.add(unit.key, result)
            slept, done = slept + seconds_of(unit), done + 1
            if done in TOLD:
                now = time.monotonic()
                busy, memory = slept / (now - last) / WORKERS, psutil.Process().memory_info().rss / 2**20
                times = f"{(now - begun) / 60:.1f}", f"{busy:.1%}", f"{memory:.0f}"
                shown.add_row(f"{done:,}", f"{done * CASES:,}", *times)
                last, slept = now, 0.0
        store.close()
    Console().print(shown)


if __name__ == "__main__":
    main()
