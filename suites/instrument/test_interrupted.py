"""A run that is interrupted leaves whole tables, and the next one says what they lack."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lazyadam.reports.accepted import accept
from lazyadam.reports.schema import TABLES
from lazyadam.reports.tables import TableError, read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.instrument.test_command_line import pytest_run

TRIALS = int(os.environ.get("INTERRUPTIONS", "1"))


def arguments(file: Path, out: Path) -> list[str]:
    return ["suites/conformance", f"--backend-file={file}", f"--out={out}", "-q"]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(TRIALS))
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted_run_leaves_whole_tables(name: str, number: int, tmp_path: Path) -> None:
    file, out = tmp_path / "my_optimizer.py", tmp_path / "out"
    file.write_text(TEMPLATES["numpy"])
    command = [sys.executable, "-m", "pytest", *arguments(file, out)]
    log = tmp_path / "log"
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores it
    with log.open("w") as words:
        run = subprocess.Popen(command, stdout=words, stderr=words, start_new_session=True)
        while "%]" not in log.read_text() and "." not in log.read_text().partition("seed")[2]:
            assert run.poll() is None, log.read_text()
            time.sleep(0.05)
        time.sleep(float(np.random.default_rng([number, len(name)]).uniform(0, 6)))
        # A terminal's Ctrl-C reaches the workers too.
        os.killpg(run.pid, signal.SIGINT) if name == "SIGINT" else run.terminate()
        run.wait(60)
    for path in out.glob("*.csv"):
        assert list(read(path.stem, out)) == list(TABLES[path.stem].names)
    assert not list(out.rglob("*.part"))
    if "100%" in log.read_text():
        return  # it was done before
    assert run.returncode == 2, log.read_text()
    with pytest.raises(TableError, match=r"the run was interrupted after \d+ tests"):
        accept(out, tmp_path / "baseline")
    after = pytest_run(*arguments(file, out), "-k", "no-such-test")
    assert "was interrupted after" in after.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", pytest.param("SIGHUP", marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", range(TRIALS))
def test_a_command_that_is_interrupted_says_so_wherever_it_is(name: str, number: int, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(TEMPLATES["numpy"])
    command = [
        sys.executable,
        "-P",
        "-c",
        "from lazyadam.suites.commands import main; main()",
        "check",
        "mine.py",
    ]
    # What runs in the background ignores the first, what nohup starts the last.
    before = signal.signal(signal.Signals[name], signal.SIG_DFL)
    run = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.Signals[name], before)
    listens = re.compile(r"SigCgt:\s*([0-9a-f]+)")
    bit = 1 << (signal.Signals[name] - 1)
    while not int(listens.search(Path(f"/proc/{run.pid}/status").read_text())[1], 16) & bit:  # type: ignore[index]
        assert run.poll() is None
        time.sleep(0.001)
    time.sleep(float(np.random.default_rng([number, len(name)]).uniform(0, 4)))
    for _ in range(3):
        run.send_signal(signal.Signals[name])
        time.sleep(0.1)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, (out, err)
    assert "interrupted" in out + err
    assert not {"Traceback", "Exception", "Warning"} & {*re.findall(r"[A-Z]\w+", out + err)}


@pytest.mark.parametrize("hook", ["pytest_configure", "pytest_sessionstart"])
def test_an_interruption_before_the_session_begins_is_told(hook: str, tmp_path: Path) -> None:
    """pytest itself says nothing of one there."""
    (tmp_path / "mine.py").write_text(TEMPLATES["numpy"])
    code = (
        "import os, signal, sys\n"
        "from lazyadam import suites\n"
        "from lazyadam.suites import plugin\n"
        f"plugin.{hook} = lambda *_: os.kill(os.getpid(), signal.SIGTERM)\n"
        "from lazyadam.suites.commands import main\n"
        "main()\n"
    )
    command = [sys.executable, "-P", "-c", code, "check", "mine.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (130, "")
    assert run.stderr.splitlines()[-1] == "interrupted: what was written is whole"


@pytest.mark.slow
def test_nightly_keeps_what_failed_and_tries_it_again(tmp_path: Path) -> None:
    file, out, examples = tmp_path / "my_optimizer.py", tmp_path / "out", tmp_path / "examples"
    file.write_text(TEMPLATES["numpy"].replace("np.add.at(g, index, values)", "g[index] = values"))
    given = [
        *arguments(file, out),
        "--profile=nightly",
        f"--examples={examples}",
        "-k",
        "duplicates and float32",
    ]
    assert pytest_run(*given).returncode == 1
    kept = {path.name for path in examples.iterdir()}
    assert kept
    counted = read("verdicts", out).set_index("clause")["cases"]
    file.write_text(TEMPLATES["numpy"])
    assert pytest_run(*given).returncode == 0
    again = read("verdicts", out).set_index("clause")["cases"]
    assert {f"{clause}.mine.LazyAdam.float32.json" for clause in again.index[again > counted]} == kept


def test_an_interruption_that_was_lost_is_heeded_at_the_next_test() -> None:
    """Python drops an error in a callback of its own, such as that of a weak reference."""
    code = (
        "import gc, os, signal, weakref\n"
        "from lazyadam.suites.run import interruption\n"
        "interruption.listen()\n"
        "class Thing: pass\n"
        "thing = Thing()\n"
        "told = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.SIGTERM))\n"
        "del thing\n"
        "print('lost')\n"
        "try:\n"
        "    interruption.heed()\n"
        "except KeyboardInterrupt:\n"
        "    print('heeded')\n"
        "interruption.heed()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["lost", "heeded"]
