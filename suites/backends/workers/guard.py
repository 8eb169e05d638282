"""Nothing outlives a run: what a worker has started ends with it, and what a run has left ends with the run.

Whoever is started by a worker inherits its environment, and with it the mark; whoever sheds that is found as
a descendant of the worker while that lives, and then as a child of the run, which adopts it. The guard is a
process that waits for the end of the run, however that comes, ends what carries a mark of the run, and
removes its folder.
"""

import atexit
import ctypes
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import count
from pathlib import Path
from signal import Signals

with suppress(ImportError):  # the suite has it, and a worker need not
    import psutil

MARK = "LAZYADAM_WORKER"
ENDING_SECONDS = 5.0
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_numbers = count()


@lru_cache(maxsize=1)
def _run() -> tuple[str, Path]:
    """The beginning of every mark of this run, and the run's folder; the guard starts with it."""
    adopt()
    run, folder = f"{os.getpid()}.{secrets.token_hex(4)}.", tempfile.mkdtemp(prefix="lazyadam-")
    command = [sys.executable, str(Path(__file__).resolve()), run, folder]
    try:
        guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    except OSError as error:
        os.rmdir(folder)
        raise OSError(f"no process starts with {sys.executable}: {error.strerror}") from None
    atexit.register(_release, guard, os.getpid())
    return run, Path(folder)


def _release(guard: "subprocess.Popen[bytes]", owner: int) -> None:
    if os.getpid() == owner:  # and not a fork of it
        with suppress(subprocess.TimeoutExpired):
            guard.communicate(timeout=ENDING_SECONDS)


def new_mark() -> str:
    """A mark for a worker."""
    return f"{_run()[0]}{next(_numbers)}."


def folder() -> Path:
    """A folder that goes with the run."""
    return _run()[1]


def end(mark: str) -> None:
    """Kill every process whose mark begins so, and what it has started."""
    found = True
    while found:  # whoever was starting another while we looked
        ending = [*_marked(mark)]
        for process in ending:
            with suppress(psutil.Error):
                end_children(process)
                process.kill()
        for process in ending:
            _await_end(process)
        found = _end_adopted() or bool(ending)


def _marked(mark: str) -> "Iterator[psutil.Process]":
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(mark):
                yield process


def _await_end(process: "psutil.Process") -> None:
    """Wait until what it leaves has been adopted; its status is for whoever started it to read."""
    end = time.monotonic() + ENDING_SECONDS
    with suppress(psutil.Error):
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
            time.sleep(0.001)


def _end_adopted() -> bool:
    """Kill daemons: they shed the mark, and lost whoever started them. Whether there was any.

    What this process starts itself is of its session, or leads one of its own; a daemon does neither.
    """
    found = False
    for child in psutil.Process().children():
        with suppress(psutil.Error, OSError):
            daemon = os.getsid(child.pid) not in (os.getsid(0), child.pid)
            if daemon and child.status() != psutil.STATUS_ZOMBIE:
                end_children(child)
                child.kill()
                found = True
    return found


def end_children(process: "psutil.Process | None" = None) -> None:
    """Kill what a process has started; None: this one, as far as it can look."""
    if "psutil" not in globals():  # the suite ends whatever carries the mark
        return
    for child in (process or psutil.Process()).children(recursive=True):
        with suppress(psutil.Error):
            child.kill()


def ended(code: int) -> str:
    """How a process has ended: of which signal, or with which status."""
    if code >= 0:
        return f"with {code}"
    return f"of {Signals(-code).name}" if -code in set(Signals) else f"of signal {-code}"


def adopt() -> None:
    """Stay the ancestor of whatever this process starts, when who started it has ended (on Linux)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    sys.stdin.read()
    end(sys.argv[1])
    shutil.rmtree(sys.argv[2], ignore_errors=True)
