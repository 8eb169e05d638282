"""An interpreter that somebody names, to run a worker in."""

import shlex
import subprocess

from lazyadam.suites.backends.process import NEEDED, START_SECONDS


def refusal(command: str) -> str:
    """Why a command is no Python that a worker can run in, in a line; '' where it is."""
    needed = ", ".join(NEEDED)
    try:
        started = [*shlex.split(command), "-c", f"import {needed}; print({needed!r})"]
        ran = subprocess.run(
            started, capture_output=True, text=True, errors="replace", timeout=START_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"{command} does not start: {error}"
    if ran.stdout.strip().endswith(needed):
        return ""
    last = (ran.stderr.strip().splitlines() or ["it prints no error"])[-1]
    return f"{command} is no Python interpreter that has {needed}: {last}"
