"""The worker's side of a measurement: the instances of a configuration, and the time of their steps."""

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.errors import refusal
from lazyadam.suites.backends.states import stack
from lazyadam.suites.backends.timing.memory import Memory, give_back, resident
from lazyadam.suites.cases import configuration as sizes
from lazyadam.suites.cases.case import Case, Failure, Gradient, Manner, Parameter, Step, Trajectory
from lazyadam.suites.cases.configuration import INSTANCES, Configuration

SAMPLE_SECONDS = 0.008
SHARED_SAMPLE_SECONDS = 0.032  # of several threads: when the others wake is chance
ALONE = 32  # steps that are given to an idle device
JUDGED_STEPS, JUDGED_NUMBERS = 2, 2**17


@dataclass
class Opened:
    """A configuration that is ready to be timed, or why it is not.

    first_steps: seconds of the first step of each instance, compilation included. alone: seconds of a step
    that an idle device is given, its launch included; None where steps don't queue. peak_bytes: of one
    instance, its first step included. resident: bytes of the whole process between steps, and at most until
    then. None where the system does not say. case, trajectory: its first steps, cut down to rows that are
    judged.
    """

    failure: Failure | None = None
    first_steps: tuple[float, ...] = ()
    alone: float | None = None
    peak_bytes: int | None = None
    resident: tuple[int, int] | None = None
    case: Case | None = None
    trajectory: Trajectory | None = None


class Stopwatch:
    """Times a backend's steps. slowdown: a share of each step's time that is wasted after it."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.instances: list[Backend] = []
        self.steps: list[Callable[[int], Callable[[], object]]] = []
        self.taken = 0
        self.threads = int(os.environ.get("OMP_NUM_THREADS", "1"))

    def answer(self, request: str, *arguments: Any) -> Any:
        """'open' a configuration, take a 'sample', 'close' it; an error of the backend is an answer too."""
        try:
            return getattr(self, request)(*arguments)
        except Exception as error:
            failure = refusal(error, self.taken, self.backend.file)
            self.close()
            return Opened(failure)

    def open(
        self,
        configuration: Configuration,
        judged: bool = True,
        slowdown: float = 0.0,
        instances: int = INSTANCES,
        tables: str = "",
    ) -> Opened:
        """Make the instances; compile, warm up, and take the steps that are judged.

        tables: the file that has the tables of the configuration, if one has.
        """
        self.slowdown, self.gradients = slowdown, configuration.gradients
        gc.freeze()  # what was imported stays: to look through it for what can go takes longer than the rest
        memory = self.backend.device_memory()
        own = None if type(memory) is Memory else memory.free()
        if why := sizes.refusal(configuration, Memory().free(), own, instances):
            return Opened(Failure(Verdict.REFUSES, 0, why))
        case = configuration.case(tables)
        _fetch(case)
        if Manner.COLD in self.backend.manners:  # what compiles is timed as part of the first step
            case = replace(case, manner=frozenset({Manner.COLD}))
        opened = Opened()
        for number in range(instances):
            if number == 0:
                memory.start()
            opened.first_steps += (self._add(case),)
            if number == 0:
                opened.peak_bytes = memory.peak()
            self.steps.append(self.instances[number].steps_ahead(case))
            if number == 0 and judged:
                opened.case, opened.trajectory = _judged_steps(self.instances[0], self.steps[0], case)
        del case
        gc.collect()
        give_back()
        gc.disable()
        for number in range(instances):  # to warm up
            self.sample(number)
        if self.instances[0].at_once > 1:
            opened.alone = self._alone()
        opened.resident = resident()
        return opened

    def _add(self, case: Case) -> float:
        """One more instance; seconds of its first step, from the gradient on."""
        instance = type(self.backend)(self.backend.device)
        instance.prepare()
        instance.use_threads(self.threads)
        instance.build(case)
        self.instances.append(instance)
        self.taken = 1
        return instance.seconds(lambda: instance.step_function(case, case.steps[0])())

    def sample(self, number: int) -> tuple[float, float]:
        """Seconds a step, and in all: steps one after another until the sample is long enough.

        Where a device takes them from a queue so many are given to it before one waits, as in a training.
        """
        instance = self.instances[number]
        enough = SAMPLE_SECONDS if self.threads == 1 else SHARED_SAMPLE_SECONDS
        spent, count = 0.0, 0
        while spent < enough:
            call = self._next(number) if instance.at_once == 1 else partial(self._several, number)
            spent += instance.seconds(self._slowed(call) if self.slowdown else call)
            count += instance.at_once
        return spent / count, spent

    def _next(self, number: int) -> Callable[[], object]:
        self.taken += 1
        return self.steps[number](self.taken % self.gradients)

    def _several(self, number: int) -> None:
        for _ in range(self.instances[number].at_once):
            self._next(number)()

    def _alone(self) -> float:
        return float(np.median([self.instances[0].seconds(self._next(0)) for _ in range(ALONE)]))

    def _slowed(self, call: Callable[[], object]) -> Callable[[], None]:
        def slowed() -> None:
            start = time.perf_counter()
            call()
            self.backend.synchronize()
            end = time.perf_counter()
            while time.perf_counter() < end + self.slowdown * (end - start):
                pass

        return slowed

    def close(self) -> None:
        """Drop the instances."""
        self.instances, self.steps, self.taken = [], [], 0
        gc.enable()
        gc.collect()
        give_back()


def _fetch(case: Case) -> None:
    """Read the tables once: what is mapped is there before an instance's memory is counted."""
    for p in case.parameters:
        for x in (p.w, p.m, p.v):
            x.max()


def _judged_steps(
    instance: Backend, ready: Callable[[int], Callable[[], object]], case: Case
) -> tuple[Case, Trajectory]:
    """The first steps, cut down to rows that they touched or changed.

    The first is taken already; the others are as they are timed, as `steps_ahead` has them ready.

    One state at a time is looked at whole: of a large table several, in float64, would not fit.
    """
    (p,) = case.parameters
    first = p.w, p.m, p.v
    steps = [case.steps[i % len(case.steps)] for i in range(JUDGED_STEPS)]
    most, rng = max(1, JUDGED_NUMBERS // p.w.shape[1]), np.random.default_rng(0)
    known = np.zeros(len(p.w), bool)
    for step in steps:
        given = step.gradients[0].rows if step.gradients[0] else None
        known[slice(None) if given is None else given] = True
    rows = rng.permutation(np.flatnonzero(known))[:most]
    touched, counts = len(rows), []
    seen: list[list[np.ndarray]] = []  # of each step, in these rows
    for number in range(len(steps)):
        if number:
            ready(number % len(case.steps))()
        looked = instance.look()
        tables, t = [x for (x,) in looked[:3]], looked[3]
        changed = np.zeros(len(p.w), bool)
        for old, new in zip(first, tables, strict=True):
            changed |= (old != new).any(axis=1)
        strayed = rng.permutation(np.flatnonzero(changed & ~known))[:most]
        known |= changed
        seen = [[np.r_[x, old[strayed]] for x, old in zip(now, first, strict=True)] for now in seen]
        rows = np.r_[rows, strayed]
        seen.append([x[rows] for x in tables])
        counts.append(t)
        del looked, tables, new  # before the next is there
    at = _chosen(touched, len(rows), most)
    at = at[np.argsort(rows[at])]
    chosen = rows[at]
    place = np.full(len(p.w), -1)
    place[chosen] = np.arange(len(chosen))
    small = replace(
        case,
        parameters=(Parameter(*(x[chosen].astype(np.float64) for x in first)),),
        steps=tuple(Step((_part(s.gradients[0], chosen, place),)) for s in steps),
        observed=tuple(range(1, JUDGED_STEPS + 1)),
    )
    tables_of = [[[x[at].astype(np.float64)] for x in now] for now in seen]
    of_rows = [[x[chosen] if isinstance(x, np.ndarray) else x for x in t] for t in counts]
    states = [(*now, t) for now, t in zip(tables_of, of_rows, strict=True)]
    return small, stack(small, states, 0.0, None, instance.path(), 1)


def _chosen(touched: int, found: int, most: int) -> np.ndarray:
    """Which to judge of the rows that were found: those after the first, touched ones, changed unnamed.

    No sample may miss a row that changed and should not have; of a backend that moves all rows there are so
    many that none would be left of those with gradients: half or more are of these.
    """
    named = min(touched, max(most - (found - touched), (most + 1) // 2))
    return np.r_[:named, touched : min(found, touched + most - named)]


def _part(gradient: Gradient | None, chosen: np.ndarray, place: np.ndarray) -> Gradient:
    """What of a gradient falls on the chosen rows, by their new places."""
    assert gradient is not None
    if gradient.rows is None:
        return Gradient(gradient.values[chosen].astype(np.float64))
    at = np.flatnonzero(place[gradient.rows] >= 0)
    return Gradient(gradient.values[at].astype(np.float64), place[gradient.rows[at]])
