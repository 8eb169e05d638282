"""A run of pytest on the suites, as a command starts it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import typer

from lazyadam.suites.commands.options import one_of, pins_in, seed_of

OTHERS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")  # of somebody's own tests


@dataclass(frozen=True)
class Asked:
    """What a run is asked for, beside what it judges."""

    pins: list[Path]
    device: str
    profile: str
    seed: str | None
    processes: int | None
    show: list[str]
    resume: bool
    out: Path


def judge(suites: tuple[str, ...], given: list[str], asked: Asked) -> int:
    """Run pytest on the suites; its exit status as that of a command."""
    from lazyadam.reports.schema import SHOWN
    from lazyadam.reports.tables import foreign, try_to_write
    from lazyadam.suites.backends.base import DEVICES
    from lazyadam.suites.backends.workers.start import ROOT
    from lazyadam.suites.conformance.budget import BUDGETS
    from lazyadam.suites.run.machine import all_threads

    device = one_of(asked.device, DEVICES, "--device")
    profile = one_of(asked.profile, BUDGETS, "--profile")
    show = [one_of(table, (*SHOWN, "all"), "--show") for table in asked.show]
    pins, seed, processes, out = pins_in(asked.pins), asked.seed, asked.processes, asked.out
    if seed is not None:
        seed_of(seed)
    few = "quick" in given or any(option.startswith("--only=") for option in given)
    several = processes if processes is not None else 1 if few else all_threads()
    # Each backend keeps to one process; fewer than there are processes are spread.
    count = sum(option.startswith("--backend=") for option in given)
    spread = "worksteal" if 0 < count < several else "loadgroup"
    options = [
        *("-c", os.devnull, f"--rootdir={ROOT}", "--import-mode=importlib"),  # and nobody's settings
        *("-p", "no:cacheprovider", "-p", "no:terminalreporter"),
        # A signal that falls into a callback of Python's is heeded later, and there told in words.
        *("-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
        *(("-n", several, "--dist", spread) if several > 1 else ()),
        *(ROOT / suite for suite in suites),
        *(f"--pins={folder.absolute()}" for folder in pins),
        *(f"--show={table}" for table in show),
        *(f"--device={device}", f"--profile={profile}", f"--out={out.absolute()}"),
        *((f"--seed={seed}",) if seed is not None else ()),
        *(["--resume"] if asked.resume else []),
        *given,
    ]
    try_to_write(out)
    if foreign(out):
        raise typer.TyperException(f"{out / 'verdicts.csv'} is no table of a run; another folder: --out DIR")
    return started([*map(str, options)])


def started(options: list[str]) -> int:
    """Run pytest; its exit status as that of a command."""
    import pytest

    from lazyadam.suites.backends.workers import guard
    from lazyadam.suites.run.progress import EXIT, Teller

    for name in OTHERS:
        os.environ.pop(name, None)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(guard.folder())  # goes with the run, however that ends
    teller = Teller()
    status = int(pytest.main(options, plugins=[teller]))
    if status == pytest.ExitCode.INTERRUPTED and not teller.ended:
        raise KeyboardInterrupt
    return EXIT.get(status, status)


def as_it_is(out: Path) -> int:
    """The tables of a run that was ended, of what it had done."""
    from lazyadam.suites.run.journal import ARGUMENTS, JournalError, settings_of

    try:
        arguments = json.loads(settings_of(out)[ARGUMENTS])
    except JournalError as error:
        raise typer.BadParameter(str(error), param_hint="--from") from None
    return started([*arguments, "-n", "0", "--resume", "--as-it-is", f"--out={out.absolute()}"])
