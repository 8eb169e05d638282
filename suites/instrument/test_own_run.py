"""An optimizer of a file while it runs: its states, its steps, its process."""

import time
from pathlib import Path

import pandas as pd
import pytest

from lazyadam.reports.schema import TABLES
from lazyadam.suites.backends.own import reader
from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import HOPELESS, Process
from lazyadam.suites.cases import trace
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run
from lazyadam.suites.instrument.test_own_file import NUMPY, lines_of, written

# Each is broken in its own way, but for the first.
BROKEN = NUMPY.replace("import math\n", "import math\nimport os\nimport time\n")
BROKEN = (
    BROKEN.replace("mine.LazyAdam", "broken.not")
    + """

class Returns(LazyAdam):
    name = "broken.returns"

    def update(self, w, m, v, *others):
        return w, m, v


class Shape(LazyAdam):
    name = "broken.shape"

    def state(self):
        w, m, v, t = super().state()
        return w, [x[:1] for x in m], v, t


class Dtype(LazyAdam):
    name = "broken.dtype"

    def build(self, case):
        super().build(case)
        self.w = [x.astype(np.float64) for x in self.w]


class Raises(LazyAdam):
    name = "broken.raises"

    def update(self, w, m, v, rows, values, t, h):
        if t % 3 == 0:
            raise RuntimeError("no third step")
        super().update(w, m, v, rows, values, t, h)


class Mutates(LazyAdam):
    name = "broken.mutates"

    def update(self, w, m, v, rows, values, t, h):
        super().update(w, m, v, rows, values, t, h)
        values[:] = 0


class Sleeps(LazyAdam):
    name = "broken.sleeps"
    case_seconds = 1

    def update(self, *given):
        time.sleep(1e6)  # here


class Aborts(LazyAdam):
    name = "broken.aborts"

    def update(self, *given):
        os.abort()  # here


class Elsewhere(LazyAdam):
    name = "broken.elsewhere"
    spec = "popen//python=/no/such/python"
"""
)


def test_an_interrupt_of_its_own_is_a_refusal_with_the_place(tmp_path: Path) -> None:
    first = "        rows, index = np.unique"
    file = written(NUMPY.replace(first, f"        raise KeyboardInterrupt('not you')\n{first}"), tmp_path)
    (backend,) = select([], [file])
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
    assert trajectory.failure is not None
    assert trajectory.failure.kind == "refuses"
    assert f"KeyboardInterrupt: not you ({file}:14)" in trajectory.failure.message


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("signal.raise_signal(signal.SIGALRM)", "its last words: none; it ended of SIGALRM"),
        ("os.kill(os.getpid(), 37)", "its last words: none; it ended of signal 37"),
        ("os._exit(0)", "its last words: none; it ended with 0"),
        ("raise SystemExit(0)", 'the worker failed: SystemExit: 0: File "{file}", line 14'),
    ],
    ids=["signal", "signal without a name", "end", "exit"],
)
def test_an_update_that_ends_its_process_is_told_how(call: str, told: str, tmp_path: Path) -> None:
    first = "        rows, index = np.unique"
    text = NUMPY.replace("import math", "import math, os, signal").replace(first, f"        {call}\n{first}")
    file = written(text, tmp_path)
    (backend,) = select([], [file])
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
    assert trajectory.failure is not None
    assert trajectory.failure.kind == "dies"
    assert told.format(file=file) in trajectory.failure.message


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("os.abort()", "dies when loaded, of SIGABRT"),
        ("os.kill(os.getpid(), 40)", "dies when loaded, of signal 40"),
        ("time.sleep(1e6)", "hangs when loaded: no answer, and stood still for 3 s"),
        ("sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_file_that_ends_or_holds_up_who_loads_it_is_one_line(
    call: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "LOAD_SECONDS", 3)
    with pytest.raises(BrokenDeclaration) as caught:
        select([], [written(f"import os, sys, time\n\n{call}\n{NUMPY}", tmp_path)])
    line = str(caught.value)
    assert told in line
    says_where = "my_optimizer.py:3: " in line or line.endswith('my_optimizer.py", line 3 in <module>')
    assert says_where or "signal 40" in line  # of which Python's handler of faults knows nothing


@pytest.mark.slow
def test_commands_say_so_in_one_line_too(tmp_path: Path) -> None:
    missing = tmp_path / "missing.py"
    result = pytest_run("suites/conformance", "--backend-file", missing)
    assert result.returncode != 0
    (line,) = lines_of(result)
    assert "missing.py: no such Python file" in line
    ran = lazyadam("bench", missing)
    assert (ran.returncode, ran.stderr) == (2, f"lazyadam: no file {missing}\n")


@pytest.mark.slow
def test_a_broken_optimizer_is_one_line_and_the_run_ends_properly(tmp_path: Path) -> None:
    file = written(BROKEN, tmp_path)

    def line_of(text: str) -> int:
        return BROKEN.splitlines().index(text) + 1

    chosen = "float32 and (update-rule or (gradient-kept and mutates))"
    result = pytest_run(
        "suites/conformance/test_conformance.py", "--backend-file", file, "-k", chosen, "--out", tmp_path
    )
    assert result.returncode == 1
    raised = line_of('            raise RuntimeError("no third step")')
    lines = lines_of(result)
    for name, told in {
        "returns": "refuses at step 1: TypeError: update returned a tuple, but has to work in place",
        "shape": "refuses at step 1: ValueError: m of parameter 0 has shape (1, 4), but should have (6, 4)",
        "dtype": "asked for dtype float32, but float64 ran",
        "raises": f"refuses at step 3: RuntimeError: no third step ({file}:{raised})",
        "mutates": "refuses at step 1: ValueError: the step changed the gradient that it was given",
        "sleeps": f'hangs at step 1: no answer, and stood still for 1 s: File "{file}", line '
        f"{line_of('        time.sleep(1e6)  # here')}",
        "aborts": f'dies at step 1: the process ended; its last words: File "{file}", line '
        f"{line_of('        os.abort()  # here')}",
        "elsewhere": "no worker starts with popen//python=/no/such/python: there is no /no/such/python",
    }.items():
        assert any(f"broken.{name}" in line and told in line for line in lines), name
    table = pd.read_csv(tmp_path / "verdicts.csv")
    assert tuple(table.columns) == TABLES["verdicts"].names
    words = table[table["clause"] == "update-rule"].groupby("backend")["verdict"].agg("first").to_dict()
    assert words == {
        "broken.not": "conforms",
        "broken.returns": "refuses",
        "broken.shape": "refuses",
        "broken.dtype": "diverges",
        "broken.raises": "refuses",
        "broken.mutates": "conforms",
        "broken.sleeps": "hangs",
        "broken.aborts": "dies",
        "broken.elsewhere": "not run",
    }


def test_what_an_optimizer_prints_is_shown_with_a_replay(tmp_path: Path) -> None:
    file = written(NUMPY.replace("        alpha =", "        print('step', t)\n        alpha ="), tmp_path)
    trace.save(sample(steps=2), tmp_path / "case.json")
    result = pytest_run(f"--backend-file={file}", f"--replay={tmp_path}/case.json")
    assert [line for line in lines_of(result) if "printed" in line] == [
        "  printed: step 1",
        "  printed: step 2",
    ]


@pytest.mark.slow
def test_an_axis_that_is_meant_is_said_to_be_declared(tmp_path: Path) -> None:
    file = written(NUMPY.replace("np.sqrt(v[rows]) + h.epsilon", "np.sqrt(v[rows] + h.epsilon)"), tmp_path)
    result = pytest_run("suites/conformance/test_dialects.py", f"--backend-file={file}", "--out", tmp_path)
    assert "If it is meant: documented = Dialect(epsilon=Epsilon.INSIDE_ROOT)" in result.stdout


@pytest.mark.slow
def test_an_optimizer_with_other_defaults_is_given_the_values_of_the_case(tmp_path: Path) -> None:
    """AdamW decays by 0.01 where nothing is said."""
    text = TEMPLATES["torch"].replace("torch.optim.SparseAdam", "torch.optim.AdamW")
    text += (
        "    layouts = frozenset({'dense'})\n    documented = Dialect(epsilon=Epsilon.BESIDE_HAT, **MORE)\n"
    )
    text = text.replace(
        "import torch\n",
        "import torch\nfrom lazyadam.reference.dialect import Dialect, Epsilon, WeightDecay\n",
    )
    taken = "    hyperparameters = frozenset({'weight_decay'})\n"
    for more, given in (
        ("weight_decay=WeightDecay.DECOUPLED", taken),
        ("", "    options = {'weight_decay': 0.0}\n"),
        ("weight_decay=WeightDecay.DECOUPLED", taken + "    options = {'weight_decay': 0.0}\n"),
    ):
        file = written(text.replace("**MORE", more) + given, tmp_path)
        chosen = "float32 and (update-rule or weight-decay) and not (maximize or nesterov or scale)"
        result = pytest_run(
            "suites/conformance/test_conformance.py",
            f"--backend-file={file}",
            "-k",
            chosen,
            "--out",
            tmp_path,
        )
        if "not run" in result.stdout:
            pytest.skip("torch is not there")
        assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_what_hangs_in_everything_is_given_up(tmp_path: Path) -> None:
    sleeps = next(b for b in read(written(BROKEN, tmp_path)) if b.name == "broken.sleeps")
    start = time.monotonic()
    with Process(sleeps, case_seconds=0.5, step_seconds=0) as process:
        for _ in range(HOPELESS):
            assert process.not_run is None
            (trajectory,) = process.run([sample()])
            assert trajectory.failure
            assert trajectory.failure.kind == "hangs"
        assert process.not_run is not None
        assert process.not_run.startswith("given up: it hangs in whatever it is given")
        later = process.run([sample()] * 100)
    assert {t.failure.kind for t in later if t.failure} == {"hangs"}
    assert len(later) == 100
    assert time.monotonic() - start < 30


def test_a_package_may_name_its_backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package_of_mine.py").write_text(NUMPY.replace("mine.LazyAdam", "package.LazyAdam"))
    about = tmp_path / "package_of_mine-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: package-of-mine\nVersion: 1\n")
    points = about / "entry_points.txt"
    points.write_text("[lazyadam.backends]\nlazy = package_of_mine:LazyAdam\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (backend,) = select(["package"])
    with Process(backend) as process:
        assert process.run([sample()])[0].failure is None
    points.write_text("[lazyadam.backends]\nlazy = package_of_mine:Lost\n")
    with pytest.raises(BrokenDeclaration, match="entry point package_of_mine:Lost: AttributeError"):
        select(["package"])
