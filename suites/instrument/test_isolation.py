"""Nothing of anybody's reaches the judge: what a file patches, sets, starts or prints stays outside."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.workers import guard
from lazyadam.suites.backends.workers import process as suites_process
from lazyadam.suites.backends.workers.log import KEPT_BYTES
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run

NUMPY = TEMPLATES["numpy"]


def file_with(folder: Path, top: str = "", step: str = "") -> Path:
    """The template, with lines at the top of its module and at the start of its update."""
    path = folder / "mine.py"
    body = NUMPY.replace("        rows, index", f"        {step}\n        rows, index")
    path.write_text(body.replace("import math\n", f"import math\nimport os\nimport sys\n\n{top}\n"))
    return path


def backend_with(folder: Path, top: str = "", step: str = "") -> type[Backend]:
    (backend,) = read(file_with(folder, top, step))
    return backend


def alive(marker: str) -> list[int]:
    """Processes that have this text among their arguments or in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if marker in " ".join((*process.cmdline(), *process.environ().values())):
                found.append(process.pid)
        except psutil.Error:
            pass
    return [pid for pid in found if pid != os.getpid()]


def test_a_root_patched_in_the_file_is_red(tmp_path: Path) -> None:
    top = "import numpy\nroot = numpy.sqrt\nnumpy.sqrt = lambda x, *a, **k: 1.5 * root(x, *a, **k)"
    chosen = ("suites/conformance", "-k", "update-rule and float32")
    result = pytest_run(*chosen, f"--backend-file={file_with(tmp_path, top)}", "--out", tmp_path)
    assert result.returncode == 1, result.stdout
    assert "update-rule, mine.LazyAdam, float32, against documented (unexplained)" in result.stdout


EVERYTHING = """
import signal, threading, time, numpy
numpy.seterr(all="raise")
numpy.sqrt = numpy.float64 = None
os.chdir("/")
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
sys.setrecursionlimit(77)
sys.path.insert(0, "/no/such/folder")
os.environ["LAZYADAM_TEST"] = "reached"
sys.stdout = sys.stderr = None
os.umask(0o777)
"""


def test_what_a_file_sets_does_not_reach_the_judge(tmp_path: Path) -> None:
    def settings() -> tuple[object, ...]:
        umask = os.umask(0o22)
        os.umask(umask)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
        return (
            (np.sqrt, np.float64, np.geterr(), os.getcwd(), umask, list(sys.path), sys.getrecursionlimit()),
            ([signal.getsignal(x) for x in numbers], threading.active_count(), sys.stdout, sys.stderr),
            (os.environ.get("LAZYADAM_TEST"), [x for x in sys.modules if x.startswith("mine")]),
        )

    before = settings()
    backend = backend_with(tmp_path, EVERYTHING)
    with Process(backend) as process:
        process.run([sample()])
    assert settings() == before


def test_a_worker_that_keeps_memory_is_replaced_between_runs_and_answers_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(suites_process, "GROWN", 2**26)
    backend, case = backend_with(tmp_path, "kept = []", "kept.append(b'x' * 2**24)"), sample(steps=2)
    pids, answers = [], []
    with Process(backend) as process:
        for _ in range(6):
            answers.append(process.run([case])[0])
            pids.append(process.pid)
    assert 1 < len(set(pids)) < 6
    assert all(np.array_equal(a.w[0], answers[0].w[0]) and a.failure is None for a in answers)


@pytest.mark.parametrize(
    "step",
    ["os.killpg(0, 9)", "os.killpg(os.getpgrp(), 15)", "sys.exit(3)", "os._exit(0)"],
    ids=["SIGKILL to its group", "SIGTERM to its group", "exit", "exit at once"],
)
def test_a_worker_that_ends_itself_ends_nobody_else(step: str, tmp_path: Path) -> None:
    with Process(backend_with(tmp_path, step=step)) as process:
        (trajectory,) = process.run([sample()])
    assert trajectory.failure
    assert trajectory.failure.kind == "dies"


@pytest.mark.slow
@pytest.mark.parametrize("child", ["stays", "returns", "raises", "exits"])
def test_after_a_fork_every_case_has_its_own_answer_and_nobody_lives_on(child: str, tmp_path: Path) -> None:
    does = {
        "stays": "import time; time.sleep(1000)",
        "returns": "pass",
        "raises": "raise ValueError('in the child')",
        "exits": "sys.exit(0)",
    }[child]
    backend = backend_with(tmp_path, "child = 1", f"if os.fork() == 0: {does}")
    cases = [sample(number=n) for n in range(4)]
    with Process(backend) as process:
        forked = process.run(cases)
        mark, version = process.mark, process.version
    with Process(backend_with(tmp_path)) as process:
        right = process.run(cases)
    assert version
    assert not alive(mark)
    for seen, expected in zip(forked, right, strict=True):
        assert seen.failure is None
        np.testing.assert_array_equal(seen.w[0], expected.w[0])


@pytest.mark.parametrize("session", [False, True], ids=["a child", "a child with a session of its own"])
def test_what_a_worker_starts_ends_with_it(session: bool, tmp_path: Path) -> None:
    start = f"subprocess.Popen(['sleep', '98765'], start_new_session={session})"
    with Process(backend_with(tmp_path, "import subprocess", start)) as process:
        assert process.run([sample(steps=2)])[0].failure is None
        mark = process.mark
        end = time.monotonic() + 20
        while len(alive(mark)) <= 2:  # between fork and exec a process may show no environment
            assert time.monotonic() < end
            time.sleep(0.01)
    assert not alive(mark)


def test_a_worker_has_the_main_thread_of_its_process(tmp_path: Path) -> None:
    """Without it a file that handles signals can't be loaded; which thread execnet takes is else a race."""
    top = "import signal\nsignal.signal(signal.SIGUSR2, signal.SIG_IGN)"
    with Process(backend_with(tmp_path, top)) as process:
        assert process.not_run is None
        assert process.channel.gateway.remote_status().execmodel == "main_thread_only"


STAYS = "import os, time; os.fork() and os._exit(0); os.setsid(); time.sleep(1000)"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="an orphan has no other ancestor there")
@pytest.mark.parametrize("then", ["pass", "[None for _ in iter(int, 1)]"], ids=["right", "hangs"])
def test_a_daemon_that_sheds_the_environment_ends_with_the_worker(then: str, tmp_path: Path) -> None:
    start = f"subprocess.Popen([sys.executable, '-c', {STAYS!r}, {str(tmp_path)!r}], env={{}}).wait()"
    backend = backend_with(tmp_path, f"import os, subprocess\n{start}")  # when it is read
    assert not alive(str(tmp_path))
    backend = backend_with(tmp_path, "import subprocess", f"{start}; {then}")
    with Process(backend, case_seconds=2) as process:
        process.run([sample(steps=2)])
    assert not alive(str(tmp_path))


DAEMON = """
import os, time
def daemon(name):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(1000)", name], {})
        os._exit(0)
    os.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="an orphan has no other ancestor there")
@pytest.mark.parametrize("when", ["read", "run"])
def test_a_daemon_ends_though_the_worker_ended_before_it(when: str, tmp_path: Path) -> None:
    call = f"daemon({str(tmp_path)!r})"
    backend = backend_with(tmp_path, DAEMON + (call if when == "read" else ""), f"{call}; os._exit(0)")
    assert not alive(str(tmp_path))
    with Process(backend) as process:
        (trajectory,) = process.run([sample(steps=2)])
        assert trajectory.failure
        assert trajectory.failure.kind == "dies"
        assert when == "read" or not alive(str(tmp_path)), "the next worker reads the file again"
    assert not alive(str(tmp_path))


def test_what_a_file_starts_when_it_is_read_ends(tmp_path: Path) -> None:
    top = f"import subprocess\nsubprocess.Popen([sys.executable, '-c', {STAYS!r}, {str(tmp_path)!r}]).wait()"
    backend_with(tmp_path, top)
    assert not alive(str(tmp_path))


HANGING = """
import sys
from pathlib import Path
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.instrument.samples import sample
with Process(read(Path(sys.argv[1]))[0]) as process:
    print(process.mark, process.log.path.parent, flush=True)
    process.run([sample()])
"""


def test_after_a_kill_9_nothing_of_the_run_is_left(tmp_path: Path) -> None:
    # A stopped worker never learns that its judge is gone.
    start = "subprocess.Popen(['sleep', '98763']); os.kill(os.getpid(), 19)"
    file = file_with(tmp_path, "import subprocess", start)
    command = [sys.executable, "-c", HANGING, str(file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        mark, folder = run.stdout.readline().split()
        end = time.monotonic() + 60
        while len(alive(mark)) < 2 and time.monotonic() < end:  # the worker and what it has started
            time.sleep(0.1)
        run.kill()
    while (alive(mark) or Path(folder).exists()) and time.monotonic() < end:
        time.sleep(0.1)
    assert not alive(mark)
    assert not Path(folder).exists()


def test_of_what_is_printed_the_end_is_kept_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.folder()  # where it usually is; from here on files would go elsewhere
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    backend = backend_with(tmp_path, "text = 'x' * 99 + chr(10)", "print(text * 100_000); print('the last')")
    with Process(backend) as process:
        (trajectory,) = process.run([sample(steps=3)])
        time.sleep(0.2)
        lines = process.printed()
        assert list(temporary.iterdir()) == []
    assert trajectory.failure is None
    assert lines[-1] == "the last"
    assert lines[0].endswith("bytes before)")
    assert sum(map(len, lines)) <= KEPT_BYTES
    assert list(guard.folder().iterdir()) == []
