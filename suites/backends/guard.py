"""Nothing outlives a run: what a worker has started ends with it, and what a run has left ends with the run.

Whoever is started by a worker inherits its environment, and with it the mark. The guard is a process that
waits for the end of the run, however that comes, ends what carries a mark of the run, and removes its folder.
"""

import atexit
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from itertools import count
from pathlib import Path

import psutil

MARK = "LAZYADAM_WORKER"
ENDING_SECONDS = 5.0
_numbers = count()


@lru_cache(maxsize=1)
def _run() -> tuple[str, Path]:
    """The beginning of every mark of this run, and the run's folder; the guard starts with it."""
    run, folder = f"{os.getpid()}.{secrets.token_hex(4)}.", tempfile.mkdtemp(prefix="lazyadam-")
    command = [sys.executable, str(Path(__file__).resolve()), run, folder]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
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
    """Kill every process whose mark begins so."""
    found = True
    while found:  # whoever was starting another while we looked
        found = False
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK, "").startswith(mark):
                    process.kill()
                    found = True


if __name__ == "__main__":
    sys.stdin.read()
    end(sys.argv[1])
    shutil.rmtree(sys.argv[2], ignore_errors=True)
