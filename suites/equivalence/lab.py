"""Where claims are tried: any backend, each in a process that is kept, and scripts of their own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import execnet

from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.peers import made_by
from lazyadam.suites.backends.registry import BACKENDS, NAMED
from lazyadam.suites.backends.workers import patience
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.start import ENVIRONMENT, ROOT
from lazyadam.suites.cases.case import Case, Trajectory
from lazyadam.suites.conformance.fingerprint import Fingerprint, fingerprint
from lazyadam.suites.judge.verdict import wrong_path

SAMPLES = Path(__file__).parent / "samples"
SCRIPT_SECONDS = 120.0


def ran(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A script in a folder of its own: MindSpore's graph compiler reads its source."""
    (folder / "script.py").write_text(code)
    return patience.run([sys.executable, "script.py", *arguments], SCRIPT_SECONDS, cwd=folder)


@dataclass(frozen=True)
class Ran:
    """A script that ran: what it printed, and the last line of its error, empty where it ended well."""

    output: str
    error: str


class Lab:
    """Runs cases and scripts. Use as a context manager. selected: the names of the backends it may run."""

    def __init__(self, selected: Collection[str]) -> None:
        self.selected = selected
        self.processes: dict[tuple[str, str], Process] = {}
        self.scripts: dict[str, Ran] = {}
        self.fingerprints: dict[str, Fingerprint] = {}
        self.stack = ExitStack()

    def __enter__(self) -> "Lab":
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def backend(self, name: str) -> type[Backend]:
        return (BACKENDS | NAMED)[name]

    def run(self, name: str, cases: list[Case], device: str = "cpu") -> list[Trajectory]:
        """The trajectories of the cases, up to the first that fails: a refusal can cost seconds.

        Raises:
            NotRun: the backend is not selected, or its framework or device isn't there.
        """
        if name not in self.selected:
            raise NotRun(f"{name} is not selected")
        process = self.processes.get((name, device))
        if process is None:
            process = self.stack.enter_context(Process(self.backend(name), device))
            self.processes[name, device] = process
        if process.not_run:
            raise NotRun(process.not_run)
        trajectories: list[Trajectory] = []
        for case in cases:
            trajectories += process.run([case])
            if trajectories[-1].failure:
                break
        path = wrong_path(self.backend(name), device, cases[0].dtype, trajectories)
        assert path is None, path
        return trajectories

    def fingerprint(self, name: str, seed: int) -> Fingerprint:
        """What is observed of a backend. Raises as `run` does."""
        if name not in self.fingerprints:
            run = partial(self.run, name)
            self.fingerprints[name] = fingerprint(self.backend(name), run, seed)
        return self.fingerprints[name]

    def script(self, name: str) -> Ran:
        """A script of `samples/`, NAME_FRAMEWORK.py, run as it stands.

        Raises:
            NotRun: no backend of the framework is selected, or the framework isn't there.
        """
        framework = name.rpartition("_")[2]
        known = [
            b for b in (BACKENDS | NAMED).values() if b.name in self.selected and b.framework == framework
        ]
        if not known:
            raise NotRun(f"no backend of {framework} is selected")
        if name in self.scripts:
            return self.scripts[name]
        python = execnet.XSpec(known[0].spec).python or sys.executable
        if shutil.which(python) is None:
            raise NotRun(f"there is no {python}; {made_by(python)} makes it")
        ran = patience.run(
            [python, SAMPLES / f"{name}.py"],
            SCRIPT_SECONDS,
            cwd=ROOT,
            env=os.environ | dict(x.split("=") for x in ENVIRONMENT),
        )
        error = (ran.stderr.strip().splitlines() or [""])[-1] if ran.returncode else ""
        if error.startswith(("ImportError", "ModuleNotFoundError")):
            raise NotRun(f"{framework} cannot be imported: {error.partition(': ')[2]}")
        self.scripts[name] = Ran(ran.stdout, error)
        return self.scripts[name]
