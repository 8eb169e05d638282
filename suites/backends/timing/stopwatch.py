"""The worker's side of a measurement: the instances of a configuration, and the time of their steps."""

import gc
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.errors import refusal
from lazyadam.suites.backends.timing.memory import Memory, give_back
from lazyadam.suites.cases import configuration as sizes
from lazyadam.suites.cases.case import Case, Failure, Gradient, Manner, Parameter, Step, Trajectory
from lazyadam.suites.cases.configuration import INSTANCES, Configuration

SAMPLE_SECONDS = 0.008
SHARED_SAMPLE_SECONDS = 0.032  # of several threads: when the others wake is chance
JUDGED_STEPS, JUDGED_NUMBERS = 2, 2**17


@dataclass
class Opened:
    """A configuration that is ready to be timed, or why it is not.

    first_steps: seconds of the first step of each instance, compilation included. peak_bytes: of one
    instance, its first step included; None where the system does not say. case, trajectory: its first steps,
    cut down to rows that are judged.
    """

    failure: Failure | None = None
    first_steps: tuple[float, ...] = ()
    peak_bytes: int | None = None
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

    def open(self, configuration: Configuration, judged: bool = True, slowdown: float = 0.0) -> Opened:
        """Make the instances; compile, warm up, and take the steps that are judged."""
        self.slowdown, self.gradients = slowdown, configuration.gradients
        gc.freeze()  # what was imported stays: to look through it for what can go takes longer than the rest
        memory = self.backend.device_memory()
        own = None if type(memory) is Memory else memory.free()
        if why := sizes.refusal(configuration, Memory().free(), own):
            return Opened(Failure(Verdict.REFUSES, 0, why))
        case = configuration.case()
        if Manner.COLD in self.backend.manners:  # what compiles is timed as part of the first step
            case = replace(case, manner=frozenset({Manner.COLD}))
        opened = Opened()
        for number in range(INSTANCES):
            if number == 0:
                memory.start()
            opened.first_steps += (self._add(case),)
            if number == 0:
                opened.peak_bytes = memory.peak()
                if judged:
                    opened.case, opened.trajectory = _judged_steps(self.instances[0], case)
        self.steps = [instance.steps_ahead(case) for instance in self.instances]
        del case
        give_back()
        gc.disable()
        for number in range(INSTANCES):  # to warm up
            self.sample(number)
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
        """Seconds a step, and in all: steps one after another until the sample is long enough."""
        instance, step = self.instances[number], self.steps[number]
        enough = SAMPLE_SECONDS if self.threads == 1 else SHARED_SAMPLE_SECONDS
        spent, count = 0.0, 0
        while spent < enough:
            self.taken += 1
            call = step(self.taken % self.gradients)
            spent += instance.seconds(self._slowed(call) if self.slowdown else call)
            count += 1
        return spent / count, spent

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


def _judged_steps(instance: Backend, case: Case) -> tuple[Case, Trajectory]:
    """The first steps, the first taken already, cut down to the rows they touched or changed."""
    (p,) = case.parameters
    steps = [case.steps[i % len(case.steps)] for i in range(JUDGED_STEPS)]
    states = [instance.state()]
    for step in steps[1:]:
        instance.step_function(case, step)()
        states.append(instance.state())
    named, changed = np.zeros(len(p.w), bool), np.zeros(len(p.w), bool)
    before = [p.w, p.m, p.v]
    for step, state in zip(steps, states, strict=True):
        rows = step.gradients[0].rows if step.gradients[0] else None
        named[slice(None) if rows is None else rows] = True
        after = [tables[0] for tables in state[:3]]
        for old, new in zip(before, after, strict=True):
            changed |= (old != new).any(axis=1)
        before = after
    most = max(1, JUDGED_NUMBERS // p.w.shape[1])
    chosen = _chosen(named, changed, most)
    place = np.full(len(p.w), -1)
    place[chosen] = np.arange(len(chosen))
    small = replace(
        case,
        parameters=(Parameter(p.w[chosen], p.m[chosen], p.v[chosen]),),
        steps=tuple(Step((_part(s.gradients[0], chosen, place),)) for s in steps),
        observed=tuple(range(1, JUDGED_STEPS + 1)),
    )
    w, m, v = (
        np.stack([tables[0][chosen] for tables in quantity])
        for quantity in list(zip(*states, strict=True))[:3]
    )
    t = np.array([state[3] for state in states])
    return small, Trajectory([w], [m], [v], t, path=instance.path())


def _chosen(named: np.ndarray, changed: np.ndarray, most: int) -> np.ndarray:
    """The rows to judge: those that changed unnamed, and half or more of those that a gradient named.

    No sample may miss a row that changed and should not have; of a backend that moves all rows there are so
    many that none would be left of those with gradients.
    """
    rng = np.random.default_rng(0)
    touched, others = (rng.permutation(np.flatnonzero(x)) for x in (named, changed & ~named))
    touched = touched[: max(most - len(others), (most + 1) // 2)]
    return np.sort(np.r_[touched, others[: most - len(touched)]])


def _part(gradient: Gradient | None, chosen: np.ndarray, place: np.ndarray) -> Gradient:
    """What of a gradient falls on the chosen rows, by their new places."""
    assert gradient is not None
    if gradient.rows is None:
        return Gradient(gradient.values[chosen])
    at = np.flatnonzero(place[gradient.rows] >= 0)
    return Gradient(gradient.values[at], place[gradient.rows[at]])
