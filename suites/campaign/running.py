"""Units on the workers of a Dask cluster, a bounded number under way."""

from collections.abc import Iterable, Iterator, Mapping
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
DEATHS = 3  # of workers, until a unit is said to kill them


@contextmanager
def cluster(address: str, workers: int) -> Iterator[Client]:
    """A cluster that is there, by its address, or a local one that goes with the context.

    Raises:
        OSError: nothing answers at the address.
    """
    settings = {
        "distributed.scheduler.allowed-failures": DEATHS - 1,
        "distributed.worker.profile.enabled": False,  # it would stop a worker a hundred times a second
    }
    with dask.config.set(settings):
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
    client: Client, units: Iterable[Unit], orders: Orders, backends: Mapping[str, type[Backend]]
) -> Iterator[tuple[Unit, Result | Exception]]:
    """Each unit with what it came to, as they end; one that kills every worker that it meets is a verdict.

    An error is one of the suite's own: the unit is not done, and the others are.

    On a cluster whose workers state resources, a unit goes to those that have one by its backend's name.
    """
    left, ended, of_these = iter(units), as_completed(), tokenize(orders)
    under_way: dict[Any, Unit] = {}

    def submit(most: int) -> None:
        for unit in islice(left, most):
            where = {unit.backend: 1} if _named(client, unit.backend) else None
            future = client.submit(
                work, unit, orders, key=f"{unit.key} {of_these}", pure=False, resources=where
            )
            under_way[future] = unit
            ended.add(future)

    submit(AHEAD * max(1, sum(client.nthreads().values())))
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
        submit(max(1, AHEAD * sum(client.nthreads().values()) - len(under_way)))


def _named(client: Client, backend: str) -> bool:
    """Whether some worker states that it has a backend."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return any(backend in worker.get("resources", {}) for worker in workers)
