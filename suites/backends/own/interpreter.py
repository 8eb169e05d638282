"""An interpreter that somebody names, to run a worker in."""

import os
import shlex
import subprocess

from lazyadam.suites.backends.workers import guard
from lazyadam.suites.backends.workers.log import Log
from lazyadam.suites.backends.workers.patience import output
from lazyadam.suites.backends.workers.start import NEEDED

START_SECONDS = 60.0
OLDEST = (3, 10)  # that a worker's part of the suite is written for
OLDER = f"import sys; sys.version_info < {OLDEST} and sys.exit('it is older than 3.10')"


def refusal(command: str) -> str:
    """Why a command is no Python that a worker can run in, in a line; '' where it is."""
    needed, log, mark = ", ".join(NEEDED), Log(), guard.new_mark()
    try:
        started = [*shlex.split(command), "-c", f"{OLDER}; import {needed}; print({needed!r})"]
        with open(log.path, "wb") as printed:
            process = subprocess.Popen(
                started,
                env=os.environ | {guard.MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                start_new_session=True,
            )
        output(process, START_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        return f"{command} does not start: {error}"
    finally:
        guard.end(mark)
        log.close()
    lines = [line.strip() for line in log.lines() if line.strip()] or ["it prints no error"]
    if lines[-1] != needed:
        return f"{command} is no Python interpreter that has {needed}: {lines[-1][:200]}"
    return f"{command} prints {lines[0][:200]!r} before it runs what it is given" if lines[1:] else ""
