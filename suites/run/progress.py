"""What a run is at, in the place of pytest's own reporter; what is not known is told at once."""

import re
from contextlib import ExitStack
from typing import Any

import pytest

from lazyadam.suites.run.steps import Steps

EXIT = {2: 130, 3: 2, 4: 2, 5: 2}  # of pytest's that mean another thing to a shell


class Teller:
    """A plugin of pytest, for a command that ends as `EXIT` says."""

    def __init__(self) -> None:
        self.steps: Steps | None = None
        self.open = ExitStack()
        self.ended = False  # it has been told how; pytest says nothing of a session that didn't start

    def begin(self, total: int) -> None:
        if self.steps is None and total:
            self.steps = self.open.enter_context(Steps(total))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.begin(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.begin(len(ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        assert self.steps is not None
        if report.failed:
            self.steps.say(f"✗ {name(report.nodeid)}")
        if report.when == "teardown":
            self.steps.begin(name(report.nodeid)[:40])

    def pytest_sessionfinish(self) -> None:
        self.open.close()
        self.ended = True


def name(nodeid: str) -> str:
    """A test in a few words: what is judged, where it says so."""
    of = re.search(r"\[(.*?)(@[^\]]*)?\](@.*)?$", nodeid)
    test = nodeid.rpartition("::")[2].partition("[")[0].removeprefix("test_").replace("_", " ")
    return of[1] if of and test == "conformance" else f"{test}: {of[1]}" if of else test
