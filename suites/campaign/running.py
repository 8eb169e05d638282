"""Units on the workers of a Dask cluster, a bounded number under way."""

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dask
import dask.utils
from dask.base import tokenize
from distributed import Client, LocalCluster, Worker, WorkerPlugin, as_completed
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker
from distributed.utils import silence_logging_cmgr

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.campaign.crew import Orders, batch, work
from lazyadam.suites.campaign.unit import Result, Unit, not_done
from lazyadam.suites.run.machine import CARDS

AHEAD = 2  # batches under way for each worker's thread: one is done, one waits
LARGEST = 64  # units of a batch
LOOKED_EVERY = 5.0  # seconds
DEATHS = 3  # of workers, until a unit is said to kill them
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS - 1,
    # Without MALLOC_TRIM_THRESHOLD_: to give back at once what is freed takes half as long as all the rest.
    "distributed.nanny.pre-spawn-environ": dict.fromkeys(THREADS, 1),
    "distributed.worker.profile.enabled": False,  # it would stop a worker a hundred times a second
    "distributed.admin.low-level-log-length": 5,  # of each worker: messages stay in it
    "distributed.admin.system-monitor.log-length": 100,  # of each worker two numbers a second for hours
}


class Cards(WorkerPlugin):  # type: ignore[misc]
    """Each worker, and one that takes the place of a lost one, sees one card alone."""

    name = "cards"

    def __init__(self, cards: Sequence[str]) -> None:
        self.cards = cards

    def setup(self, worker: Worker) -> None:
        os.environ[CARDS] = self.cards[int(worker.name)]


@contextmanager
def cluster(address: str, workers: int, cards: Sequence[str] = ()) -> Iterator[Client]:
    """A cluster that is there, by its address, or a local one that goes with the context.

    cards: one for each worker of a local one; none where they are not on a card.

    Raises:
        OSError: nothing answers at the address.
    """
    with dask.config.set(SETTINGS):
        if address:
            # what is told of a lost scheduler, a line of ours tells
            with silence_logging_cmgr("critical"), Client(address, timeout="30s") as client:
                yield client
            return
        local = LocalCluster(
            n_workers=workers, threads_per_worker=1, memory_limit=0, dashboard_address=":0", silence_logs=50
        )
        with local, Client(local) as client:
            if cards:
                client.register_plugin(Cards(cards))
            yield client


def done_by(
    client: Client,
    units: Iterable[Unit],
    orders: Orders,
    backends: Mapping[str, type[Backend]],
    do: Callable[[Unit, Orders], Result] = work,
) -> Iterator[tuple[Unit, Result | Exception]]:
    """Each unit with what it came to, as they end; one that kills every worker that it meets is a verdict.

    An error is one of the suite's own: the unit is not done, and the others are. Units go to the workers in
    batches of some seconds (crew.batch). Those of a batch that kills every worker go again one by one.

    On a cluster whose workers state resources, a unit goes to those that have one by its backend's name.

    Raises:
        ConnectionError: the scheduler is gone.
    """
    waiting, ended, of_these = Waiting(units), as_completed(), tokenize(orders)
    under_way: dict[Any, list[Unit]] = {}
    crew = Crew(client)

    def submit() -> None:
        while len(under_way) < max(1, AHEAD * crew.threads()) and (these := waiting.next()):
            where = {these[0].backend: 1} if these[0].backend in crew.resources else None
            key = ("units", waiting.given, of_these)
            future = client.submit(batch, these, orders, do, key=key, pure=False, resources=where)
            under_way[future] = these
            ended.add(future)

    submit()
    for future in ended:
        these = under_way.pop(future)
        try:
            found = future.result()
            waiting.back(these, len(found))
            yield from zip(these, found, strict=False)
        except KilledWorker:
            if len(these) == 1:
                why = f"{DEATHS} workers died of it, one after another"
                yield (
                    these[0],
                    not_done(these[0], backends[these[0].backend], orders.device, Verdict.DIES, why),
                )
            else:
                waiting.alone.extend(these)
        except FutureCancelledError:
            raise ConnectionError("the connection to the scheduler is lost; --resume goes on") from None
        except Exception as error:  # of Dask, or of what a worker lacks
            yield from ((unit, error) for unit in these)
        future.release()
        submit()


class Waiting:
    """Units that wait, to be given out in batches, each of one backend.

    given: how many batches were. size: of the next; twice the last one's, or what that came to in its time.
    alone: those that go one by one.
    """

    def __init__(self, units: Iterable[Unit]) -> None:
        self.units, self.given, self.size = iter(units), 0, 1
        self.again: deque[Unit] = deque()
        self.alone: deque[Unit] = deque()

    def next(self) -> list[Unit]:
        """A batch; none where nothing is left."""
        self.given += 1
        if self.alone:
            return [self.alone.popleft()]
        found: list[Unit] = []
        while len(found) < self.size and (unit := self._one()):
            if found and unit.backend != found[0].backend:
                self.again.appendleft(unit)
                break
            found.append(unit)
        return found

    def _one(self) -> Unit | None:
        return self.again.popleft() if self.again else next(self.units, None)

    def back(self, batch: list[Unit], done: int) -> None:
        """A batch of which so many are done: the others wait again."""
        self.again.extendleft(reversed(batch[done:]))
        self.size = done if done < len(batch) else min(max(self.size, 2 * done), LARGEST)


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
            dask.utils.key_split.cache_clear()  # it keeps a hundred thousand keys
        return self.count
