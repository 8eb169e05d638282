"""The suite's side: a backend in a process of its own, started lazily, kept, and replaced if lost."""

import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import execnet
import psutil

from lazyadam.reports.vocabulary import LOST, Verdict
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.backends.peers import made_by
from lazyadam.suites.backends.states import stack
from lazyadam.suites.backends.workers import guard
from lazyadam.suites.backends.workers.answers import ANSWERS
from lazyadam.suites.backends.workers.log import Log
from lazyadam.suites.backends.workers.patience import POLL_SECONDS, Patience
from lazyadam.suites.backends.workers.runs import about
from lazyadam.suites.backends.workers.sound import Lost, sound, sound_state
from lazyadam.suites.backends.workers.start import BOOTSTRAP, ENVIRONMENT, ROOT, SAFE, started_with
from lazyadam.suites.backends.workers.writing import written
from lazyadam.suites.cases.case import Case, Failure, Trajectory
from lazyadam.suites.cases.pickled import Unreadable, dumps, loads
from lazyadam.suites.cases.training import Layer, Trained, Training

START_SECONDS = 180.0
STEP_SECONDS = 0.02
END_SECONDS = 1.0
BATCH = 32
HOPELESS = 3  # runs one after another of which no case was done
GROWN = 2**30  # bytes by which a worker may grow: each optimizer costs MindSpore half a megabyte for good


class Process:
    """A backend in a process of its own.

    Use as a context manager. `not_run` says why the backend can't run, or is None. `case_seconds`
    is how long a case may take, with `step_seconds` more for each step; or a step of a case run alone: of the
    processor time of the process, and of its standing still (suites/backends/workers/patience.py).
    `python` is the interpreter of the process, where that is not the one the backend asks for, and `core` the
    one it keeps to. A backend that is lost in every case of several runs is given up, and not run from there
    on.
    """

    def __init__(
        self,
        backend: type[Backend],
        device: str = "cpu",
        case_seconds: float | None = None,
        step_seconds: float = STEP_SECONDS,
        environment: Sequence[str] = ENVIRONMENT,
        python: str = "",
        core: int | None = None,
    ) -> None:
        self.backend, self.device = backend.on(device), backend.device_of(device)
        self.environment, self.core = environment, core
        self.spec = f"popen//python={python}" if python else backend.spec
        self.case_seconds = backend.case_seconds if case_seconds is None else case_seconds
        self.step_seconds = step_seconds
        self.hopeless = 0
        self.replayed = 0  # divergences that a fresh worker showed too
        self.shrunk: Counter[tuple[str, ...]] = Counter()  # divergences that were made small, by cause
        self.given_up: Failure | None = None
        self.version, self.pid, self.taken = "", 0, 0
        self.not_run: str | None = None
        self.lacking_types: dict[str, str] = {}
        self.group: execnet.Group | None = None
        self.channel: Any = None
        self.mark = ""
        self.log: Log | None = None

    def __enter__(self) -> "Process":
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def local(self) -> bool:
        """Whether its process id is one of this machine."""
        return self.spec.startswith("popen")

    @property
    def about(self) -> dict[str, str]:
        """What was run: the first columns of every table."""
        return about(self.backend, self.version, self.device)

    def not_run_in(self, dtype: str) -> str | None:
        """Why the backend can't run cases of a type, or None."""
        return self.not_run or self.lacking_types.get(dtype)

    def _start(self) -> None:
        if self.device not in self.backend.devices:
            self.not_run = f"{self.backend.framework} has no device {self.device} here"
            return
        python = execnet.XSpec(self.spec).python or sys.executable
        if self.local and shutil.which(shlex.split(python)[0]) is None:
            made = f"; {made_by(python)} makes it" if made_by(python) else ""
            self.not_run = f"no worker starts with {self.spec}: there is no {python}{made}"
            return
        self.group, self.mark = execnet.Group(), guard.new_mark()
        self.log = Log() if self.local else None
        try:
            spec = started_with(self.spec, (*self.environment, SAFE, f"{guard.MARK}={self.mark}"))
            gateway = self.group.makegateway(f"{spec}//chdir={ROOT}")
        except Exception as error:  # of execnet, or of what it was given
            self.not_run = f"no worker starts with {self.spec}: {type(error).__name__}: {in_a_line(error)}"
            self._stop()
            return
        self.channel, self.pid = gateway.remote_exec(BOOTSTRAP), 0
        log = str(self.log.path) if self.log else ""
        self.channel.send((str(ROOT), self.core, self.backend.name, self.backend.file, self.device, log))
        try:
            self.pid = self._received(START_SECONDS)
            kind, text, *lacking = self._answer(START_SECONDS)
        except Lost as lost:
            kind, text, lacking = "not run", f"the worker {lost.kind} at its start: {lost}", []
        if kind == "ready":
            self.version, self.not_run = text, None
            (self.lacking_types,) = lacking
            self.taken = self._memory()
        else:
            self.not_run = text
            self._stop()

    def _stop(self) -> None:
        if self.group is not None:
            self.group.terminate(timeout=0.5)
            self.group = None
            if self.local:
                guard.end(self.mark)
        if self.log is not None:
            self.log.close()

    def _received(self, seconds: float) -> Any:
        """The next message as it came. seconds: how long to wait for it."""
        patience = Patience(self.pid if self.local and self.pid else None, seconds)
        while True:
            try:
                return self.channel.receive(timeout=POLL_SECONDS)
            except self.channel.TimeoutError:
                if why := patience.lost():
                    raise Lost(Verdict.HANGS, f"{why}{self._where()}") from None
            except (EOFError, OSError):
                raise Lost(Verdict.DIES, self._end()) from None
            except self.channel.RemoteError as error:
                lines, file = str(error).strip().splitlines(), self.backend.file
                at = [line.strip() for line in lines if file and file in line][-1:]
                raise Lost(Verdict.DIES, ": ".join(["the worker failed", lines[-1], *at])) from None

    def _answer(self, seconds: float, asked: str = "") -> Any:
        """The next answer, if it is one of the worker to the case that was asked, by its digest."""
        try:
            pid, digest, answer = loads(self._received(seconds), ANSWERS)
        except (Unreadable, TypeError, ValueError) as error:
            raise Lost(Verdict.DIES, f"its answer can't be read: {error}") from None
        if pid != self.pid:
            raise Lost(Verdict.DIES, f"process {pid} answered, and not {self.pid}, which was asked")
        if digest != asked:
            raise Lost(Verdict.DIES, f"it answered case {digest}, but was asked {asked}")
        return answer

    def printed(self) -> list[str]:
        """What a backend of one's own has printed since its process started."""
        return self.log.lines() if self.backend.file and self.log else []

    def _end(self) -> str:
        """That the process ended, its last words, and how: by which signal, or with which status."""
        words = self.log.last_words(self.backend.file) if self.log else "not known"
        code = None
        with suppress(psutil.Error, ValueError):
            code = psutil.Process(self.pid).wait(END_SECONDS) if self.local else None
        how = "nobody knows how" if code is None else guard.ended(code)
        return f"the process ended; its last words: {words}; it ended {how}"

    def _where(self) -> str:
        """The line of its file in which a backend of one's own is, where it says so."""
        asked = self.log if self.backend.file and self.pid else None
        return asked.where(self.pid, self.backend.file) if asked else ""

    def run(self, cases: list[Case]) -> list[Trajectory]:
        """The trajectories of the cases, in order; a worker that is lost is replaced.

        Several cases go in one message, and every trajectory comes back as it is done. The case during
        which a worker is lost is run again step by step, so that only the step that caused it is missing.
        A worker that has grown too large is replaced before.
        """
        if self._memory() > self.taken + GROWN:
            self.restart()
        trajectories: list[Trajectory] = []
        while len(trajectories) < len(cases) and self.given_up is None:
            batch = cases[len(trajectories) : len(trajectories) + BATCH]
            try:
                self._send(("run", batch))
                for case in batch:
                    seconds = self.case_seconds + self.step_seconds * len(case.steps)
                    trajectories.append(sound(case, self._answer(seconds, case.digest)))
            except Lost as lost:
                self.restart()
                trajectories.append(self._again(cases[len(trajectories)], lost))
        self._give_up_where_hopeless(trajectories)
        missing = cases[len(trajectories) :]
        return trajectories + [
            stack(case, [], 0.0, self.given_up, {}, len(case.parameters)) for case in missing
        ]

    def _memory(self) -> int:
        """How many bytes the worker takes, where that can be told; else none."""
        with suppress(psutil.Error):
            return int(psutil.Process(self.pid).memory_info().rss) if self.local and self.pid else 0
        return 0

    def _give_up_where_hopeless(self, trajectories: list[Trajectory]) -> None:
        """A backend that hangs in whatever it is given would hold up a run for hours."""
        failures = [t.failure for t in trajectories if t.failure and t.failure.kind in LOST]
        if not failures or len(failures) < len(trajectories):
            self.hopeless = 0
            return
        self.hopeless += 1
        if self.hopeless == HOPELESS:
            kind, why = failures[-1].kind, failures[-1].message
            self.not_run = f"given up: it {kind} in whatever it is given ({why})"
            self.given_up = Failure(kind, 0, self.not_run)
            self._stop()

    def _again(self, case: Case, lost: Lost) -> Trajectory:
        """The case that was running when the worker was lost, once more."""
        trajectory = self.stream(case)
        if trajectory.failure is None:
            trajectory.failure = Failure(lost.kind, 0, f"{lost} (not so when run again)")
        return trajectory

    def stream(self, case: Case) -> Trajectory:
        """The trajectory of one case, received step by step."""
        seen: list[Any] = []
        at, digest = 0, case.digest
        try:
            self._send(("stream", case))
            while True:
                kind, *rest = self._answer(self.case_seconds, digest)
                if kind == "done":
                    return sound(case, rest[0])
                at, state = rest
                if state is not None:
                    seen.append(sound_state(state, case))
        except Lost as lost:
            self.restart()
            failure = Failure(lost.kind, at, str(lost))
            return stack(case, seen, 0.0, failure, {}, len(case.parameters))

    def train(self, training: Training, layer: Layer) -> Trained:
        """What came of a training; nothing where the worker is lost during it."""
        try:
            self._send(("train", training, layer))
            trained: Trained = self._answer(self.case_seconds + self.step_seconds * len(training.batches))
            return trained
        except Lost as lost:
            self.restart()
            failure = Failure(lost.kind, 0, str(lost))
            return Trained(training.start, stack(training.start, [], 0.0, failure, {}, 1), [])

    def time(self, *request: Any) -> Any:
        """What the worker's stopwatch answers (suites/backends/timing/stopwatch.py).

        Raises:
            Lost: the worker is gone, and was replaced.
        """
        try:
            self._send(("time", *request))
            return self._answer(self.case_seconds)
        except Lost:
            self.restart()
            raise

    def _send(self, message: Any) -> None:
        if self.group is None:
            raise Lost(Verdict.DIES, self.not_run or "the worker could not be started again")
        patience = Patience(self.pid if self.local else None, self.case_seconds)
        if not written(self.channel, dumps(message), patience):
            raise Lost(Verdict.DIES, self._end())

    def restart(self) -> None:
        """Replace the worker by a fresh one."""
        if self.pid and self.local:
            guard.end(self.mark)  # first, or the farewell of `_stop` might block like any message
        self._stop()
        self._start()
