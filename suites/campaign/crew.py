"""On a worker: a backend's process, kept from unit to unit, and what is known of it."""

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.registry import NAMED
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.campaign.unit import Result, Unit, done
from lazyadam.suites.divergences import pin

KEPT = 2  # processes: a framework takes up to a gigabyte


@dataclass(frozen=True)
class Orders:
    """What all units of a campaign have in common. files: of backends; python: the interpreter of theirs."""

    seed: int
    device: str
    python: str = ""
    files: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()


def work(unit: Unit, orders: Orders) -> Result:
    """Do a unit in this process."""
    return done(unit, _process(backends(orders)[unit.backend], orders), orders.seed)


@lru_cache(maxsize=4)
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


def leave() -> None:
    """End the processes of this one."""
    while _processes:
        _processes.popitem()[1].__exit__(None, None, None)
