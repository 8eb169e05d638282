"""Systems: Linux, what stands in elsewhere for what only Linux has, and Windows, which is refused."""

import os
import sys
from pathlib import Path

import pytest

from lazyadam.suites.backends.timing import memory
from lazyadam.suites.backends.timing.by_hand import NumPyByHand
from lazyadam.suites.backends.timing.stopwatch import Stopwatch
from lazyadam.suites.cases.configuration import Configuration
from lazyadam.suites.commands import app
from lazyadam.suites.instrument.published import Ran, lazyadam
from lazyadam.suites.performance import arms
from lazyadam.suites.run import machine

SMALL = Configuration(50, 4, 20, "zipf")


def test_a_system_without_affinity_has_threads_and_no_core(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.shared_core() in os.sched_getaffinity(0)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine.shared_core() is None
    assert machine.all_threads() == os.cpu_count()
    assert machine.unsupported() == ""
    with arms.Arms() as context:
        (arm,) = context.start([(NumPyByHand, {})], "cpu", 1)
        arm.open(SMALL)
        arm.sample(0)
        assert arm.failure is None


def test_a_system_without_proc_has_no_peak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "Path", lambda name: tmp_path / "not" / name.lstrip("/"))
    opened = Stopwatch(NumPyByHand("cpu")).open(SMALL)
    assert opened.failure is None
    assert opened.peak_bytes is None


def test_facts_of_a_machine_without_proc_and_sys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "Path", lambda name: tmp_path / name.lstrip("/"))
    monkeypatch.setenv("PATH", "")
    assert {"threads at hand", "memory", "system", "python"} <= set(machine.machine())


@pytest.mark.parametrize("arguments", ["bench", "builds --candidate python", "page", "--help"])
def test_windows_is_one_line(arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "unsupported", lambda: "Windows is not supported: so and so")
    assert lazyadam(*arguments.split()) == Ran(2, "", "Windows is not supported: so and so\n")


def test_windows_is_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.unsupported() == ""
    monkeypatch.setattr(sys, "platform", "win32")
    assert machine.unsupported().startswith("Windows is not supported")
    assert len(machine.unsupported().splitlines()) == 1
