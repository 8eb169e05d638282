"""A file of one's own: what its README gives runs as it stands, and whatever is broken is one clear line."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lazyadam.suites.backends.own.declaration import BrokenDeclaration, declared
from lazyadam.suites.backends.own.reader import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.instrument.readme import OWN, examples
from lazyadam.suites.instrument.test_command_line import pytest_run

NUMPY, TORCH = examples(OWN)
HEAD = NUMPY.partition("    def update")[0]


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


WRONG = """
import torch

from lazyadam.suites.backends.own import TorchOptimizer


class Wrong(torch.optim.SparseAdam):
    def step(self, closure=None):
        self.param_groups[0]["eps"] = 1e-3
        return super().step(closure)


class Declared(TorchOptimizer):
    name = "mine.Wrong"
    optimizer_class = Wrong
"""


def test_a_divergence_of_a_class_of_torch_comes_with_a_script(tmp_path: Path) -> None:
    """Where the run is, its class is not: only what it declares."""
    chosen = ("suites/conformance", "-k", "update-rule and float32")
    result = pytest_run(*chosen, f"--backend-file={written(WRONG, tmp_path)}", "--out", tmp_path)
    assert result.returncode == 1, result.stdout
    script = tmp_path / "reproducers" / "update-rule.mine.Wrong.float32.py"
    ran = subprocess.run([sys.executable, script.name], capture_output=True, text=True, cwd=script.parent)
    assert (ran.returncode, "expected" in ran.stdout) == (1, True), ran.stderr


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


def test_what_a_file_declares_of_a_device_and_of_dense_gradients_arrives(tmp_path: Path) -> None:
    path = tmp_path / "my_optimizer.py"
    declares = """\
    devices = ("cpu", "cuda")
    dense_dtypes = ("float32",)
    elsewhere = {"cuda": {"dtypes": ("float64",)}}
"""
    line = next(x for x in TEMPLATES["numpy"].splitlines(keepends=True) if x.strip().startswith("name ="))
    path.write_text(TEMPLATES["numpy"].replace(line, line + declares))
    (backend,) = read(path)
    assert (backend.dense_dtypes, backend.on("cuda").dtypes) == (("float32",), ("float64",))
    assert backend.on("cpu").dtypes != ("float64",)


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


@pytest.mark.parametrize(
    ("dtypes", "tried"), [(("float32",), False), (("float32", "float64"), True)], ids=str
)
def test_an_optimizer_of_one_type_is_tried_beside_no_other(
    dtypes: tuple[str, ...], tried: bool, tmp_path: Path
) -> None:
    file = tmp_path / "my_optimizer.py"
    declaration = "(TorchOptimizer):\n"
    assert declaration in TEMPLATES["torch"]
    file.write_text(TEMPLATES["torch"].replace(declaration, f"{declaration}    dtypes = {dtypes}\n"))
    (backend,) = declared(file)
    assert backend.dtypes == dtypes
    assert (Manner.MIXED in backend.manners) == tried
