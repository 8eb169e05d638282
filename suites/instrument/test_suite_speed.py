"""Where the time of a run goes: phases are functions that are there, and a sample belongs to one of them."""

import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from pyinstrument import Profiler

from lazyadam.reports.tables import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.performance.suite import PHASES, REST, phases


@pytest.mark.parametrize(("file", "function"), PHASES, ids=lambda x: x)
def test_a_phase_is_a_function_that_is_there(file: str, function: str) -> None:
    (path,) = [
        x for part in ("suites", "reports") for x in (ROOT / part).rglob("*.py") if str(x).endswith(file)
    ]
    assert f"def {function}(" in path.read_text()


def named(file: str, function: str, body: Callable[[], None]) -> Callable[[], None]:
    """A function that calls another, under the name of one of a file."""
    text = f"def {function}():\n    body()\n"
    found: dict[str, Any] = {"body": body}
    exec(compile(text, file, "exec"), found)
    assert isinstance(found[function], FunctionType)
    return found[function]


def test_a_sample_belongs_to_the_outermost_phase() -> None:
    def spin() -> None:
        end = time.perf_counter() + 0.1
        while time.perf_counter() < end:
            pass

    judging = named("/x/judge/trial.py", "judge", spin)
    with Profiler(interval=0.001) as profiler:
        spin()
        judging()
        named("/x/conformance/tell.py", "_tell_row", judging)()
    assert profiler.last_session is not None
    found = phases(profiler.last_session)
    assert set(found) == {REST, "judging", "making smaller, and scripts"}
    assert all(0.05 < seconds < 1 for seconds in found.values())
    assert sum(found.values()) == pytest.approx(profiler.last_session.duration, rel=0.2)


@pytest.mark.slow
def test_a_run_is_told_by_its_phases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_optimizer.py").write_text(TEMPLATES["numpy"])
    ran = lazyadam("bench", "--suite", "my_optimizer.py")
    assert ran.returncode == 0, ran.stderr
    table = read("suite_speed", tmp_path / "lazyadam-out")
    assert {"cases", "judging", "steps, compilations and the pipe"} <= {*table["phase"]}
    assert table["share"].sum() == pytest.approx(1)
