"""How long a process is waited for: its own processor time and its standing still count, load does not."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.workers import patience
from lazyadam.suites.backends.workers.patience import POLL_SECONDS, Patience, Times
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.run.machine import all_threads

BUSY = "while True: pass"


@contextmanager
def running(*programs: str) -> Iterator[list["subprocess.Popen[bytes]"]]:
    processes = [subprocess.Popen([sys.executable, "-c", program]) for program in programs]
    try:
        yield processes
    finally:
        for process in processes:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait()


def waited_for(pid: int, seconds: float) -> str:
    """Why a process was given up."""
    wait = Patience(pid, seconds)
    while not (why := wait.lost()):
        time.sleep(POLL_SECONDS / 5)
    return why


@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "why"),
    [
        pytest.param(BUSY, "no answer in 2 s of processor time", id="busy"),
        pytest.param("import time; time.sleep(1000)", "no answer, and stood still for 2 s", id="asleep"),
        pytest.param(
            "import threading; x = threading.Lock(); x.acquire(); x.acquire()", "still", id="at a lock"
        ),
        pytest.param(
            "import subprocess; subprocess.run(['sleep', '1000'])", "still", id="waits for one asleep"
        ),
        pytest.param(
            f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{BUSY}'])",
            "processor time",
            id="waits for one busy",
        ),
    ],
)
def test_what_it_does_itself_counts(program: str, why: str) -> None:
    with running(program) as (process,):
        assert why in waited_for(process.pid, 2)


@pytest.mark.slow
def test_load_does_not_count() -> None:
    """Of eight times as many busy processes as processors, each runs an eighth of the time."""
    with running(*[BUSY] * (8 * all_threads())) as (process, *_):
        assert waited_for(process.pid, 1) == "no answer in 1 s of processor time"


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ([(0.5, 0.5, 0.0)] * 20, "no answer in 5 s of processor time"),
        ([(0.5, 0.0, 0.0)] * 20, "no answer, and stood still for 5 s"),
        ([(0.5, 0.1, 0.4)] * 20, ""),
        ([(0.5, 0.0, 0.0), (0.5, 0.1, 0.9)] * 10, ""),  # a wait that is known when it has ended
        ([(0.5, 4.0, 0.0)] * 9, ""),  # eight threads at once are no eightfold time
        ([(3600.0, 0.0, 0.0)] * 2, ""),  # who asks has been stopped itself
        ([(0.5, 0.05, None)] * 20, ""),  # nothing is known of waiting: it has run
        ([(0.5, 0.0, None)] * 20, "no answer, and stood still for 5 s"),
        ([(0.5, -3.0, -9.0)] * 20, "no answer, and stood still for 5 s"),  # a thread has ended
    ],
    ids=["busy", "still", "loaded", "late", "threads", "stopped", "unknown", "unknown, still", "ended"],
)
def test_time_is_counted(
    seen: list[tuple[float, float, float | None]], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0, 0.0, 0.0]

    def times(_: Patience) -> Times:
        return Times(now[0], now[1], None if any(x[2] is None for x in seen) else now[2])

    monkeypatch.setattr(patience.Patience, "_times", times)
    wait = Patience(1, 5)
    said = wait.lost()
    for passed in seen:
        now = [x + (y or 0.0) for x, y in zip(now, passed, strict=True)]
        said = said or wait.lost()
    assert said == told


@pytest.mark.slow
def test_a_right_file_is_right_on_a_machine_where_sixteen_others_run(tmp_path: Path) -> None:
    """Its limit is 3 s of its own: reading it, starting it and 60 cases take more of the clock's."""
    path = tmp_path / "mine.py"
    path.write_text(f"{TEMPLATES['numpy']}    case_seconds = 3\n")
    with running(*[BUSY] * (8 * all_threads())), Process(read(path)[0]) as process:
        assert process.not_run is None
        trajectories = process.run([sample(number=n) for n in range(60)])
    assert [t.failure for t in trajectories] == [None] * 60
