"""What a run is at, on standard error: a bar on a terminal, else a line every half minute."""

import re
import sys
import time
from typing import Any

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS = 30.0  # between lines where there is no terminal


class Shown(Progress):
    """A bar, and what is tried."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )


class Teller:
    """A plugin of pytest in the place of its own reporter; a divergence that is not known is told at once."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.began = self.last = time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.bar = Shown()
        self.task: Any = None

    def begin(self, total: int) -> None:
        if self.total:
            return
        self.total, self.began = total, time.monotonic()
        if self.terminal:
            self.bar.start()
            self.task = self.bar.add_task("", total=total)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:
            self.begin(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.begin(len(ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        what = name(report.nodeid)
        if report.failed:
            self.say(f"✗ {what}")
        if report.when == "teardown":
            self.done += 1
            self.advance(what)

    def advance(self, what: str) -> None:
        now = time.monotonic()
        if self.terminal:
            self.bar.update(self.task, completed=self.done, description=what[:40].ljust(40))
        elif now - self.last > SECONDS:
            self.last = now
            left = (now - self.began) / self.done * (self.total - self.done)
            self.say(f"{self.done} of {self.total}, about {left / 60:.0f} min left: {what}")

    def say(self, line: str) -> None:
        if self.terminal:
            self.bar.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=sys.stderr, flush=True)

    def pytest_sessionfinish(self) -> None:
        self.bar.stop()


def name(nodeid: str) -> str:
    """A test in a few words: what is judged, where it says so."""
    of = re.search(r"\[(.*?)(@[^\]]*)?\]$", nodeid)
    test = nodeid.rpartition("::")[2].partition("[")[0].removeprefix("test_").replace("_", " ")
    return of[1] if of and test == "conformance" else f"{test}: {of[1]}" if of else test
