"""On a worker: a backend's process, kept from unit to unit, and what is known of it."""

import platform
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import NAMED
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.campaign.unit import Result, Unit, done, lost
from lazyadam.suites.divergences import pin
from lazyadam.suites.run.journal import code

SECONDS = 5.0  # after which a batch of units takes no more
TRIES = 3
KEPT = 2  # processes: a framework takes up to a gigabyte


@dataclass(frozen=True)
class Orders:
    """What all units of a campaign have in common. files: of backends; python: the interpreter of theirs.

    suite: a digest of the code (suites/run/journal.py) that whoever does them has to have too.
    """

    seed: int
    device: str
    python: str = ""
    files: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    suite: str = ""


def work(unit: Unit, orders: Orders) -> Result:
    """Do a unit in this process; anew where the backend's process was lost, as it may have been killed."""
    backend = backends(orders)[unit.backend]
    for _ in range(TRIES):
        process = _process(backend, orders)
        result = done(unit, process, orders.seed)
        if not (process.not_run or process.given_up or lost(result)):
            break
        _forget(backend, orders)
    return result


def batch(
    units: list[Unit], orders: Orders, do: Callable[[Unit, Orders], Result] = work
) -> list[Result | Exception]:
    """What units came to, or the error in the way; those that are left after some seconds are not begun.

    Raises:
        RuntimeError: this is another version of the suite, which might come to something else.
    """
    if orders.suite not in ("", suite()):
        raise RuntimeError(f"the worker on {platform.node()} has another lazyadam, or a changed one")
    ends, found = time.monotonic() + SECONDS, list[Result | Exception]()
    for unit in units:
        try:
            found.append(do(unit, orders))
        except Exception as error:
            found.append(error)
        if time.monotonic() > ends:
            break
    return found


suite = cache(code)


@lru_cache(maxsize=1)  # what is known is that of one campaign
def backends(orders: Orders) -> dict[str, type[Backend]]:
    """By name, all that a campaign may name; what is known of them is taken."""
    own = select([], [Path(file) for file in orders.files], orders.python) if orders.files else []
    usual = select([*{b.name: b for b in select([])}, *NAMED], (), orders.python)
    known = {backend.name: backend for backend in (*usual, *own)}
    declared = {Path(file).name: [b.name for b in own if b.file == file] for file in orders.files}
    pin.use([Path(folder) for folder in orders.pins], [b.name for b in usual], declared)
    return known


_processes: OrderedDict[tuple[type[Backend], str], Process] = OrderedDict()


def _process(backend: type[Backend], orders: Orders) -> Process:
    key = backend, orders.device
    found = _processes.pop(key, None)
    if found is None:
        while len(_processes) >= KEPT:
            _processes.popitem(last=False)[1].__exit__(None, None, None)
        found = Process(backend, orders.device).__enter__()
    _processes[key] = found
    return found


def _forget(backend: type[Backend], orders: Orders) -> None:
    _processes.pop((backend, orders.device)).__exit__(None, None, None)


def leave() -> None:
    """End the backends' processes."""
    while _processes:
        _processes.popitem()[1].__exit__(None, None, None)
