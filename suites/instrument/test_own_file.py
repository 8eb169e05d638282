"""A file of one's own: what its README gives runs as it stands, and whatever is broken is one clear line."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pytest

from lazyadam.reports.schema import TABLES
from lazyadam.suites.backends.errors import NOT_KEPT
from lazyadam.suites.backends.own import interpreter, reader
from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import select
from lazyadam.suites.backends.workers.process import HOPELESS, Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.conformance.replay import replayed
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.readme import OWN, examples
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_command_line import pytest_run

NUMPY, TORCH = examples(OWN)
HEAD = NUMPY.partition("    def update")[0]

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


def written(text: str, folder: Path) -> Path:
    path = folder / "my_optimizer.py"
    path.write_text(text)
    return path


def lines_of(result: subprocess.CompletedProcess[str]) -> list[str]:
    return [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]


def test_the_template_is_the_example_of_the_readme() -> None:
    assert TEMPLATES["numpy"] == NUMPY
    assert max(len(NUMPY.splitlines()), len(TORCH.splitlines())) <= 30


@pytest.mark.slow
def test_the_examples_of_the_readme_are_green(tmp_path: Path) -> None:
    files = [tmp_path / "numpy_one.py", tmp_path / "torch_one.py"]
    files[0].write_text(NUMPY)
    files[1].write_text(TORCH)
    given = [x for file in files for x in ("--backend-file", file)]
    chosen = "float32 and (update-rule or save-and-load)"
    result = pytest_run("suites/conformance/test_conformance.py", *given, "-k", chosen, "--out", tmp_path)
    table = pd.read_csv(tmp_path / "verdicts.csv")
    if (table["verdict"] == "not run").any():
        pytest.skip("torch is not there")
    assert result.returncode == 0, result.stdout
    assert set(table["backend"]) == {"mine.LazyAdam", "mine.DecayedSparseAdam"}
    assert set(table["verdict"]) == {"conforms"}


def test_a_divergence_comes_with_its_axis_a_trace_and_a_script(tmp_path: Path) -> None:
    file = written(NUMPY.replace("np.add.at(g, index, values)", "g[index] = values"), tmp_path)
    chosen = ("suites/conformance/test_conformance.py", "-k", "float32 and duplicates")
    result = pytest_run(*chosen, f"--backend-file={file}", "--out", tmp_path)
    assert result.returncode == 1
    told = (
        "not known: duplicates, mine.LazyAdam, float32, against documented (explained by duplicates: last): "
    )
    assert sum(line.startswith(told) for line in lines_of(result)) == 1
    replayed = pytest_run(
        f"--backend-file={file}",
        f"--replay={tmp_path}/traces/duplicates.mine.LazyAdam.float32.documented.json",
    )
    assert replayed.returncode == 1
    assert replayed.stdout.startswith("mine.LazyAdam against documented: worst ratio")
    script = tmp_path / "reproducers" / "duplicates.mine.LazyAdam.float32.py"
    for text, code in ((file.read_text(), 1), (NUMPY, 0)):
        file.write_text(text)
        ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout.count("expected")) == (code, 3), ran.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "    def update(self:\n", "my_optimizer.py:13: SyntaxError: "),
        (NUMPY.replace("import math", "import no_such_module"), "my_optimizer.py:3: ModuleNotFoundError: No"),
        (NUMPY.replace('name = "mine.LazyAdam"', "pass"), "declares no backend (LazyAdam has no name"),
        ("class Plain:\n    pass\n", "with a name; Plain is none)"),
        (
            NUMPY.replace(", t, h):", ", t):"),
            "update is given w, m, v, rows, values, t, h: too many positional",
        ),
        (
            TEMPLATES["torch"].replace("    optimizer_class = torch.optim.SparseAdam\n", ""),
            "lacks optimizer_class",
        ),
        (
            NUMPY.replace("import math\n", "import math\nfrom lazyadam.suites.backends.base import Promise\n")
            + '    promises = (Promise("epsilonn", "a page"),)\n',
            "promises an axis 'epsilonn' that there is not",
        ),
        (HEAD, "my_optimizer.py: LazyAdam: lacks update"),
        (
            HEAD + "    dtypes = ('float8',)\n    update = print\n",
            "dtypes has 'float8'; known: float16, bfloat16",
        ),
        (
            HEAD + "    layouts = 'sparse'\n    update = print\n",
            "layouts is 'sparse', but should be a frozenset",
        ),
        (
            NUMPY + "    dtype = ('float16',)\n",
            "declares 'dtype', which nothing asks for; is 'dtypes' meant?",
        ),
        (
            NUMPY.replace("import math", "import math\nfrom lazyadam.suites.cases.case import Manner")
            + "    manners = frozenset({Manner.STRIDED, Manner.LR_TENSOR})\n",
            "manners has 'parameters that are not contiguous', which numpy's base class does not do",
        ),
        (NUMPY + "    spec = 'popen//popen'\n", "spec is 'popen//popen', which execnet does not understand"),
        (NUMPY + "    case_seconds = float('nan')\n", "case_seconds is nan, and no time"),
        (NUMPY + "    layers = ('Embedding',)\n", "layers has something else than a Layer"),
        (NUMPY + "    repeats = 'yes'\n", "repeats is 'yes', but should be a bool"),
        (
            NUMPY.replace("import math\n", "import math\nfrom lazyadam.reference.dialect import Dialect\n")
            + "    documented = Dialect(duplicates='last')\n",
            "documented has duplicates = 'last'; known: Duplicates.SUM",
        ),
        (NUMPY + "    dtypes = ('float64', 'float64')\n", "dtypes has ['float64'] more than once"),
        (NUMPY.replace("mine.LazyAdam", 101 * "x"), "name has 101 letters; 100 at most"),
        ("import os\nos._exit(0)\n", "ends the process that loads it, with 0"),
        ("raise ValueError(chr(0xdc80) + chr(27) + chr(10) + 'x')", r"ValueError: \udc80\x1b x"),
        (NUMPY.replace("mine.LazyAdam", "torch.SparseAdam"), "there is another backend torch.SparseAdam"),
        (NUMPY.replace("mine.LazyAdam", "mine/../x"), "name is 'mine/../x', but should be letters"),
    ],
    ids=(
        "syntax",
        "import",
        "no name",
        "no backend",
        "arity",
        "no class",
        "promise",
        "no update",
        "dtype",
        "layouts",
        "misspelt",
        "manner",
        "spec",
        "seconds",
        "layers",
        "repeats",
        "dialect",
        "twice",
        "long name",
        "ends",
        "characters",
        "clash",
        "letters",
    ),
)
def test_a_file_that_declares_nothing_proper_is_one_line(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenDeclaration) as caught:
        select([], [written(text, tmp_path)])
    line = str(caught.value)
    assert told in line
    assert line.startswith(str(tmp_path))
    assert "\n" not in line


def test_a_name_that_the_locale_can_not_express_is_a_line_that_says_what_can() -> None:
    """As a folder called ö is under LC_ALL=C and PYTHONUTF8=0."""
    with pytest.raises(BrokenDeclaration, match="this locale can't tell its name to another process; LC_ALL"):
        read(Path("/m\udcc3\udcb6/mine.py"))


def test_a_file_in_another_encoding_is_one_line_with_its_name(tmp_path: Path) -> None:
    file = tmp_path / "my_optimizer.py"
    file.write_bytes(NUMPY.encode("utf-16"))
    with pytest.raises(BrokenDeclaration) as caught:
        select([], [file])
    assert str(caught.value) == f"{file}:1: SyntaxError: source code string cannot contain null bytes"


def test_no_module_of_somebodys_own_is_said_to_be_installed_from_a_registry(tmp_path: Path) -> None:
    file = tmp_path / "my_optimizer.py"
    file.write_text("import private_kernels_of_ours")
    with pytest.raises(BrokenDeclaration, match=r"No module named 'private_kernels_of_ours'$"):
        select([], [file])


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


SKIPS_EMPTY = """
import torch

from lazyadam.suites.backends.own import TorchOptimizer


class Skipping(torch.optim.SparseAdam):
    def step(self):
        given = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        empty = [p for p in given if not p.grad._nnz()]
        kept = [p.grad for p in empty]
        for p in empty:
            p.grad = None
        super().step()
        for p, gradient in zip(empty, kept):
            p.grad = gradient


class Mine(TorchOptimizer):
    name = "mine.Skipping"
    optimizer_class = Skipping
"""


@pytest.mark.slow
def test_an_optimizer_that_makes_its_state_at_the_first_row_is_taken(tmp_path: Path) -> None:
    (backend,) = read(written(SKIPS_EMPTY, tmp_path))
    with Process(backend) as process:
        if process.not_run:
            pytest.skip(process.not_run)
        (trajectory,) = process.run([replace(sample(), t=7)])
    assert trajectory.failure is None
    assert trajectory.path["layout"] == "sparse"


@pytest.mark.slow
@pytest.mark.parametrize("manner", ["STRIDED", "STRIDED_GRADIENTS", "LR_TENSOR"])
def test_a_manner_that_was_asked_for_and_did_not_take_place_is_no_pass(manner: str, tmp_path: Path) -> None:
    """An own base class that hands everything over in the ordinary way, whatever it declares."""
    text = (
        TEMPLATES["torch"]
        + f"""    manners = frozenset({{Manner.{manner}}})

    def build(self, case):
        super().build(replace(case, manner=frozenset()))

    def step_function(self, case, step):
        return super().step_function(replace(case, manner=frozenset()), step)
"""
    )
    text = text.replace(
        "import torch\n",
        "from dataclasses import replace\n\nimport torch\nfrom lazyadam.suites.cases.case import Manner\n",
    )
    chosen = "float32 and (strided or learning-rate-tensor)"
    result = pytest_run(
        "suites/conformance/test_conformance.py",
        f"--backend-file={written(text, tmp_path)}",
        "-k",
        chosen,
        "--out",
        tmp_path,
    )
    assert result.returncode == 1, result.stdout
    assert f"asked for {Manner[manner].value}, which did not take place" in result.stdout


@pytest.mark.slow
def test_a_file_of_which_nothing_is_named_is_an_error(tmp_path: Path) -> None:
    result = pytest_run("--backend=torch.SparseAdam", f"--backend-file={written(NUMPY, tmp_path)}")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is given, but mine.LazyAdam, which it declares, is not named" in result.stdout + result.stderr


@pytest.mark.slow
def test_a_refusal_of_the_first_case_hides_no_other(tmp_path: Path) -> None:
    raises = """
        if not len(rows):
            raise ValueError("no rows")
        if len(rows) == 3:
            raise IndexError("three rows")
"""
    text = NUMPY.replace("        rows, index", f"{raises}        rows, index")
    chosen = ("suites/conformance/test_conformance.py", "-k", "empty-gradient and float32")
    result = pytest_run(*chosen, f"--backend-file={written(text, tmp_path)}", "--out", tmp_path)
    assert "ValueError: no rows" in result.stdout
    assert "IndexError: three rows" in result.stdout
    assert pd.read_csv(tmp_path / "verdicts.csv")["cases"].max() == 30


@pytest.mark.slow
def test_a_divergence_that_depends_on_the_cases_before_is_said_to(tmp_path: Path) -> None:
    """A step size that is cached by the step alone: the first case is right."""
    text = NUMPY.replace("class LazyAdam", "_alpha = {}\n\n\nclass LazyAdam").replace(
        "        alpha =", "        alpha = _alpha[t] if t in _alpha else"
    )
    text = text.replace("        w[rows] -=", "        _alpha[t] = alpha\n        w[rows] -=")
    chosen = ("suites/conformance/test_conformance.py", "-k", "update-rule and float32")
    result = pytest_run(*chosen, f"--backend-file={written(text, tmp_path)}", "--out", tmp_path)
    assert result.returncode == 1
    assert "not so alone, in a fresh process: it depends on the cases before it" in result.stdout


def test_a_gradient_that_is_not_kept_diverges_in_a_replay_too(tmp_path: Path) -> None:
    text = NUMPY + "        values[:] = 0\n"
    trace.save(replace(sample(), manner=frozenset({Manner.WATCHED})), tmp_path / "case.json")
    result = pytest_run(f"--backend-file={written(text, tmp_path)}", f"--replay={tmp_path}/case.json")
    assert result.returncode == 1
    assert "the step changed the gradient that it was given" in result.stdout


@pytest.mark.parametrize(
    ("t", "told"),
    [
        ("[10**30]", "a step count is no whole number"),
        ("['one']", "a step count is no whole number"),
        ("[1.5]", "a step count is no whole number, but 1.5"),
        ("[float('nan')]", "a step count is no whole number"),
        ("[1, 1]", "t that is no list of 1 step counts"),
        ("7", "t that is no list of 1 step counts"),
    ],
)
def test_step_counts_that_are_none_are_a_refusal(t: str, told: str, tmp_path: Path) -> None:
    text = f"{NUMPY}\n    def state(self):\n        return (*super().state()[:3], {t})\n"
    (backend,) = select([], [written(text, tmp_path)])
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
        streamed = process.stream(sample())
    for failure in (trajectory.failure, streamed.failure):
        assert failure is not None
        assert (failure.kind, told in failure.message) == ("refuses", True)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("'abcd'", "state() is to return four lists"),
        ("(*super().state()[:2], [])", "state() is to return four lists"),
        ("([], *super().state()[1:])", "w that is no list of 1 arrays"),
        ("(['x'], *super().state()[1:])", "w of parameter 0 is a str, and no array"),
        ("([super().state()[0][0] + 1j], *super().state()[1:])", "w of parameter 0 is of complex128, and"),
        (
            "([super().state()[0][0].astype(object)], *super().state()[1:])",
            "w of parameter 0 is of object, a",
        ),
    ],
)
def test_a_state_that_is_none_is_a_refusal_that_names_it(state: str, told: str, tmp_path: Path) -> None:
    (backend,) = select([], [written(f"{NUMPY}\n    def state(self):\n        return {state}\n", tmp_path)])
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
    assert trajectory.failure is not None
    assert told in trajectory.failure.message


STYLES = {
    "a partial method": "update = functools.partialmethod(lambda *given, of: of(*given), of=LazyAdam.update)",
    "a static method": "@staticmethod\n    def update(*given):\n        LazyAdam.update(None, *given)",
    "an object that is called": "update = functools.partial(LazyAdam.update, None)",
}


@pytest.mark.parametrize("style", STYLES)
def test_an_update_may_be_whatever_python_calls(style: str, tmp_path: Path) -> None:
    text = f"import functools\n{NUMPY}\n\nclass Mine(LazyAdam):\n    name = 'mine'\n    {STYLES[style]}\n"
    (backend,) = [b for b in select([], [written(text, tmp_path)]) if b.name == "mine"]
    with Process(backend) as process:
        (trajectory,) = process.run([sample()])
    assert trajectory.failure is None


@pytest.mark.parametrize("returned", ["None", "7", "''"])
def test_a_version_that_is_none_is_said_and_nothing_runs(returned: str, tmp_path: Path) -> None:
    """What is known of a backend is known of some versions, and would never apply."""
    text = f"{NUMPY}\n    def prepare(self):\n        return {returned}\n"
    (backend,) = select([], [written(text, tmp_path)])
    with Process(backend) as process:
        assert process.not_run == f"prepare returns the version as text, and returned {returned}"


def test_a_message_as_ours_is_no_verdict(tmp_path: Path) -> None:
    raising = f"        raise RuntimeError('it is not so that {NOT_KEPT}')\n        rows, index = np.unique"
    file = written(NUMPY.replace("        rows, index = np.unique", raising), tmp_path)
    trace.save(sample(), tmp_path / "case.json")
    status, (line,) = replayed(tmp_path / "case.json", [str(file)], "cpu", "documented")
    assert status == 125
    assert "refuses at step 1: RuntimeError: it is not so" in line


def test_a_file_of_which_a_name_begins_others_is_judged_alone(tmp_path: Path) -> None:
    file = written(NUMPY.replace('"mine.LazyAdam"', '"torch"'), tmp_path)
    assert [backend.name for backend in select(["torch"], [file])] == ["torch"]


def test_a_worker_that_can_not_be_started_says_why(tmp_path: Path) -> None:
    spec = 'name = "mine.LazyAdam"\n    spec = "socket=localhost:1"'
    (backend,) = select([], [written(NUMPY.replace('name = "mine.LazyAdam"', spec), tmp_path)])
    with Process(backend) as process:
        assert "no worker starts with socket=localhost:1: AssertionError: " in str(process.not_run)


@pytest.mark.slow
@pytest.mark.parametrize("does", ["yes", "sleep 900"])
def test_an_interpreter_that_does_not_end_is_ended(
    does: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "START_SECONDS", 2)
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{does}\n")
    python.chmod(0o755)
    assert interpreter.refusal(str(python)).startswith(f"{python} does not start: no answer")
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == does.split()]
