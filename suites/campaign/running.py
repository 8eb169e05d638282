"""Units on the workers of a Dask cluster, a bounded number under way."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import dask
from dask.base import tokenize
from distributed import Client, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.campaign.crew import Orders, work
from lazyadam.suites.campaign.unit import Result, Unit, not_done

AHEAD = 2  # units under way for each worker's thread: one is done, one waits
LOOKED_EVERY = 5.0  # seconds
DEATHS = 3  # of workers, until a unit is said to kill them
SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    "distributed.worker.profile.enabled": False,  # it would stop a worker a hundred times a second
    "distributed.admin.low-level-log-length": 50,  # results of units would stay in it
}


@contextmanager
def cluster(address: str, workers: int) -> Iterator[Client]:
    """A cluster that is there, by its address, or a local one that goes with the context.

    Raises:
        OSError: nothing answers at the address.
    """
    with dask.config.set(SETTINGS):
        if address:
            with Client(address, timeout="30s") as client:
                yield client
            return
        local = LocalCluster(
            n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address=":0", silence_logs=50
        )
        with local, Client(local) as client:
            yield client


def done_by(
    client: Client,
    units: Iterable[Unit],
    orders: Orders,
    backends: Mapping[str, type[Backend]],
    do: Callable[[Unit, Orders], Result] = work,
) -> Iterator[tuple[Unit, Result | Exception]]:
    """Each unit with what it came to, as they end; one that kills every worker that it meets is a verdict.

    An error is one of the suite's own: the unit is not done, and the others are.

    On a cluster whose workers state resources, a unit goes to those that have one by its backend's name.
    """
    left, ended, of_these = iter(units), as_completed(), tokenize(orders)
    under_way: dict[Any, Unit] = {}
    crew = Crew(client)

    def submit() -> None:
        for unit in islice(left, max(1, AHEAD * crew.threads() - len(under_way))):
            where = {unit.backend: 1} if unit.backend in crew.resources else None
            future = client.submit(
                do, unit, orders, key=("unit", unit.key, of_these), pure=False, resources=where
            )
            under_way[future] = unit
            ended.add(future)

    submit()
    for future in ended:
        unit = under_way.pop(future)
        try:
            yield unit, future.result()
        except KilledWorker:
            why = f"{DEATHS} workers died of it, one after another"
            yield unit, not_done(unit, backends[unit.backend], orders.device, Verdict.DIES, why)
        except Exception as error:
            yield unit, error
        future.release()
        submit()


class Crew:
    """The workers of a cluster, which come and go. resources: what some of them say they have, by name."""

    def __init__(self, client: Client) -> None:
        self.client, self.looked, self.count = client, -math.inf, 0
        self.resources: set[str] = set()

    def threads(self) -> int:
        """Of all of them. Asked for now and then: of hundreds it takes a while."""
        if time.monotonic() - self.looked > LOOKED_EVERY:
            workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
            self.count = sum(worker["nthreads"] for worker in workers)
            self.resources = {name for worker in workers for name in worker.get("resources", {})}
            self.looked = time.monotonic()
        return self.count
