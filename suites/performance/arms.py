"""Arms: what is measured side by side. Rounds in random order, one worker at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.timing.stopwatch import Opened
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.sound import Lost
from lazyadam.suites.cases.case import Failure
from lazyadam.suites.cases.configuration import INSTANCES, Configuration
from lazyadam.suites.run.machine import all_threads, shared_core

ROUNDS = 62
LOOKS = 4  # so many times these rounds at most, where they are not enough
ANSWER_SECONDS = 120.0
MOST_KEPT = 2**28  # bytes
LARGE, MEMORY = 2**26, Path("/dev/shm")  # tables of so many bytes are shared there
TINY = {"sparse": Configuration(8, 4, 2), "dense": Configuration(8, 4, 8, "dense")}
# The allocator keeps what is freed, or the system's page faults are measured; and asks for huge pages, or it
# is chance how a table's pages share the caches, and equal processes differ by up to 16 %.
ALLOCATOR = (
    "MALLOC_TRIM_THRESHOLD_=8000000000",
    "MALLOC_MMAP_THRESHOLD_=8000000000",
    "GLIBC_TUNABLES=glibc.malloc.hugetlb=1",
)


@dataclass(eq=False)
class Arm:
    """A backend in a process of its own, in one configuration after another.

    twin: the layout in which it is there to be the same as the base; empty: a backend among others.
    judged: its results are compared with the reference. slowdown: a share of each step's time that is
    wasted on purpose. seconds: of its steps, one sample a round. measured: seconds in samples and first
    steps. failure: why it is not measured, or not to the end.
    """

    process: Process
    threads: int
    twin: str = ""
    judged: bool = True
    slowdown: float = 0.0
    seconds: list[float] = field(default_factory=list)
    measured: float = 0.0
    opened: Opened = field(default_factory=Opened)
    failure: Failure | None = None
    idle: int = 0

    @property
    def backend(self) -> type[Backend]:
        return self.process.backend

    def fail(self, failure: Failure | None) -> None:
        """It is not measured; None: nothing is known against it."""
        self.seconds, self.failure, self.opened = [], failure, Opened()

    def open(
        self,
        configuration: Configuration,
        instances: int = INSTANCES,
        tables: str = "",
    ) -> None:
        """Make the instances of a configuration, or say why not. tables: a file that has its tables."""
        self.fail(Failure(Verdict.NOT_RUN, 0, self.process.not_run) if self.process.not_run else None)
        if self.failure is not None:
            return
        opened = self._ask("open", configuration, self.judged, self.slowdown, instances, tables)
        if opened is not None:
            self.opened = opened
            self.measured += sum(opened.first_steps)

    def warm_up(self) -> None:
        """Have the process import and compile what is imported and compiled late."""
        for layout in sorted(self.backend.layouts & TINY.keys()):
            self.open(TINY[layout])
            self.close()
        self.measured, self.idle = 0.0, self.resident

    def renew(self) -> None:
        """Another process, where this one has kept what it was given: some frameworks give nothing back."""
        if self.resident - self.idle > MOST_KEPT:
            measured = self.measured
            self.process.restart()
            self.warm_up()
            self.measured = measured

    @property
    def resident(self) -> int:
        """Bytes of the process; 0 where there is none."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss) if self.process.pid else 0
        except psutil.NoSuchProcess:
            return 0

    def sample(self, instance: int) -> None:
        taken = self._ask("sample", instance)
        if taken is not None:
            self.seconds.append(taken[0])
            self.measured += taken[1]

    def close(self) -> None:
        if self.failure is None:
            self._ask("close")

    def _ask(self, *request: Any) -> Any:
        """The answer, or None where there is a failure instead."""
        try:
            answer = self.process.time(*request)
        except Lost as lost:
            self.failure = Failure(lost.kind, 0, str(lost))
            return None
        if isinstance(answer, Opened) and answer.failure is not None:
            self.failure = answer.failure
            return None
        return answer


class Arms(ExitStack):
    """Starts the processes of arms, some at a time, and ends them with its context."""

    def start(
        self, wanted: Iterable[tuple[type[Backend], dict[str, Any]]], device: str, threads: int
    ) -> list[Arm]:
        """An arm for each backend, with settings of `Arm` and, as 'python', its interpreter.

        On one thread all keep to the same core: cores differ, and a process stays where it started, so that
        equal processes seemed to differ by up to 10 %.
        """
        environment = (f"OMP_NUM_THREADS={threads}", "GLOG_v=4", *ALLOCATOR)
        core = shared_core() if threads == 1 else None
        arms = []
        for backend, settings in wanted:
            process = Process(
                backend,
                device,
                ANSWER_SECONDS,
                environment=environment,
                python=settings.pop("python", ""),
                core=core,
            )
            arms.append(Arm(process, threads, **settings))
        with ThreadPoolExecutor(all_threads()) as pool:
            list(pool.map(self._start, arms))
        return arms

    def _start(self, arm: Arm) -> None:
        self.enter_context(arm.process)
        arm.warm_up()


@contextmanager
def shared(configuration: Configuration) -> Iterator[str]:
    """A file in memory with the tables of a configuration, for all arms to read; '' where it is no use.

    Memory that nobody has had before is slow to get, in a virtual machine by seconds a gigabyte.
    """
    size = 3 * 4 * configuration.table_rows * configuration.width
    if size < LARGE or not MEMORY.is_dir() or disk_usage(MEMORY).free < 2 * size:
        yield ""
        return
    with TemporaryDirectory(dir=MEMORY) as folder:
        file = Path(folder) / "tables.npy"
        np.save(file, configuration.tables())
        yield str(file)


def measure(
    arms: Sequence[Arm],
    configuration: Configuration,
    rng: np.random.Generator,
    enough: Callable[[], bool] = lambda: True,
    instances: int = INSTANCES,
) -> None:
    """Time the arms in a configuration; one that fails is left out from there on.

    enough: asked after every `ROUNDS` whether they are; at most `LOOKS` times.
    """
    with shared(configuration) as tables:
        for i in rng.permutation(len(arms)):  # the first to ask for memory does not always get the best
            arms[i].open(configuration, instances=instances, tables=tables)
    for _ in range(LOOKS):
        for number in range(ROUNDS):
            alive = [arm for arm in arms if arm.failure is None]
            for i in rng.permutation(len(alive)):
                alive[i].sample(number % instances)
        if enough():
            break
    for arm in arms:
        arm.close()
