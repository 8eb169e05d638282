"""How long to wait for a process: its own time counts, and not that of others on the same machine.

A limit is of processor time, and of standing still: neither running nor waiting for a processor, as a
process does that sleeps, or waits for a lock. Linux says how long its threads have waited for a processor
(/proc/PID/task/TID/schedstat: Documentation/scheduler/sched-stats.rst); elsewhere whoever has run at all
does not stand still.
"""

import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

POLL_SECONDS = 0.5
RUNS = 0.01  # the share of its time that shows that a process runs, where nothing else is known


class Times(NamedTuple):
    """Seconds: of the clock, of processors, and of waiting for one (None: not known)."""

    wall: float
    busy: float
    waited: float | None


class Patience:
    """Waits for a process, and what it has started, for so many seconds. pid: None where it is elsewhere."""

    def __init__(self, pid: int | None, seconds: float) -> None:
        self.pid, self.seconds = pid, seconds
        self.busy = self.still = 0.0
        self.last: Times | None = None

    def lost(self) -> str:
        """Why to wait no longer; '' while there is no reason. To be asked every POLL_SECONDS.

        Counted is from the first time on: most answers come before it, and to look costs milliseconds.
        """
        now, last = self._times(), self.last
        self.last = now
        if last is None:
            return ""
        # Who asks may have stood still itself, and the process with it.
        passed = min(now.wall - last.wall, 4 * POLL_SECONDS)
        busy = min(passed, max(0.0, now.busy - last.busy))
        if now.waited is None or last.waited is None:
            waited = passed - busy if busy > RUNS * passed else 0.0
        else:
            waited = max(0.0, now.waited - last.waited)
        self.busy += busy
        # A wait is known when it has ended, and may be longer than what has passed since we last asked.
        self.still = max(0.0, self.still + passed - busy - waited)
        if self.busy >= self.seconds:
            return f"no answer in {self.seconds:g} s of processor time"
        if self.still >= self.seconds:
            return f"no answer, and stood still for {self.seconds:g} s"
        return ""

    def _times(self) -> Times:
        busy, waited = 0.0, None
        if self.pid is not None:
            with suppress(psutil.Error):
                process = psutil.Process(self.pid)
                for each in (process, *process.children(recursive=True)):
                    with suppress(psutil.Error):
                        busy += sum(each.cpu_times()[:4])  # of those that ended too
                        for path in Path(f"/proc/{each.pid}/task").glob("*/schedstat"):
                            with suppress(OSError, ValueError):
                                waited = (waited or 0.0) + int(path.read_text().split()[1]) / 1e9
        return Times(time.monotonic(), busy, waited)


def output(process: "subprocess.Popen[Any]", seconds: float) -> tuple[Any, Any]:
    """What a process has printed when it ends: its output and its errors.

    Raises:
        TimeoutError: it was given up; the message says why.
    """
    patience = Patience(process.pid, seconds)
    while True:
        try:
            return process.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            if why := patience.lost():
                raise TimeoutError(why) from None


def run(command: list[Any], seconds: float, **options: Any) -> "subprocess.CompletedProcess[str]":
    """As subprocess.run, its text captured, in so many seconds of the command's own. Raises as `output`."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    ) as process:
        try:
            printed, errors = output(process, seconds)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, printed, errors)
