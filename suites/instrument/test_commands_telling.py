"""`show`, `explain`, `replay`, `list`, `doctor`, `init`: what they print is so, and a mistake is one line."""

import ast
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from lazyadam.reference.dialect import Dialect
from lazyadam.reports.schema import TABLES
from lazyadam.reports.tables import read, records
from lazyadam.suites.backends.mindspore import optimizer as mindspore_nn
from lazyadam.suites.backends.mindspore.optimizer import MindSporeOptimizer
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import BACKENDS, select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Gradient, Step
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.commands.app import run
from lazyadam.suites.conformance import replay as replaying
from lazyadam.suites.conformance.budget import BUDGETS, Budget
from lazyadam.suites.conformance.replay import backend_of
from lazyadam.suites.conformance.tell import run as judge
from lazyadam.suites.divergences.pin import PINS, pins
from lazyadam.suites.divergences.ready import ready_to_pin
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.run.about import AXES
from lazyadam.suites.run.recording import Run
from lazyadam.suites.telling.words import entries, matching

Command = Callable[..., tuple[int, list[str], list[str]]]
CACHED = TEMPLATES["numpy"].replace("alpha = h.lr", "alpha = self.first.setdefault('lr', h.lr)")
# Its arithmetic is declared: to try all that are usual takes seconds.
CACHED = CACHED.replace(
    "import numpy", "from lazyadam.reference.dialect import Arithmetic, Power\nimport numpy"
)
CACHED += "    arithmetic = Arithmetic(power=Power.FLOAT64)\n    source_read = True\n"
CACHED += "\n    def build(self, case):\n        self.first = {}\n        super().build(case)\n"
FEW = Budget(10, 10, 10, 0.2)
JUDGED = ("learning-rate", "duplicates")


@pytest.fixture
def lazyadam(capsys: pytest.CaptureFixture[str]) -> Command:
    """The command, in this process: its exit status, and the lines of both outputs."""

    def ran(*arguments: object) -> tuple[int, list[str], list[str]]:
        capsys.readouterr()
        status = run([*map(str, arguments)])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return ran


@pytest.fixture(scope="module")
def last_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an optimizer that keeps its first learning rate, and lazyadam-out with a run of it."""
    folder = tmp_path_factory.mktemp("run")
    file = folder / "mine.py"
    file.write_text(CACHED)
    (backend,) = select([], [file])
    out, results = folder / "lazyadam-out", []
    with Process(backend) as process:
        for clause in JUDGED:
            seen = judge(CLAUSES[clause], process, "float32", 0, FEW, out)
            results.append({"verdicts": seen.verdicts, "evidence": seen.evidence})
    Run([backend], {"seed": 0}, results, []).write(out)
    return folder


@pytest.fixture
def in_run(last_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(last_run)
    return last_run


def fit(lines: list[str]) -> bool:
    """Whether lines fit a terminal: only a path or a command may be longer."""
    return all(len(line) <= 80 or "/" in line for line in lines)


def words_of(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())


# show


def test_show_runs_the_case_again_and_says_what_the_run_found(in_run: Path, lazyadam: Command) -> None:
    (row,) = (r for r in records(read("evidence", in_run / "lazyadam-out")) if r["against"] == "documented")
    for given in ((), ("learning",), ("LEARNING-Rate",), (in_run / "lazyadam-out" / row["trace"],)):
        status, lines, errors = lazyadam("show", *given)
        assert (status, errors) == (0, [])
        assert f"DIVERGES: {row['least']}" in words_of(lines)
        assert len(lines) <= 40
        assert fit(lines)
        (at,) = (i for i, line in enumerate(lines) if line.split()[:1] == ["before"])
        assert lines[at].split() == ["before", "expected", "got", "bound", "ratio"]
        assert any(line.startswith("  w ") and "✗" in line for line in lines[at:])
        assert f"lazyadam replay lazyadam-out/{row['trace']}" in words_of(lines)


def test_what_show_prints_to_replay_says_the_same(in_run: Path, lazyadam: Command) -> None:
    _, lines, _ = lazyadam("show", "learning-rate")
    (command,) = (line.strip() for line in lines if "lazyadam replay" in line)
    status, told, _ = lazyadam(*shlex.split(command)[1:])
    assert status == 1
    assert told[0].startswith("mine.LazyAdam against documented: worst ratio")


def test_show_is_of_what_is_there_now(in_run: Path, lazyadam: Command) -> None:
    mended = in_run / "mended.py"
    mended.write_text(TEMPLATES["numpy"])
    status, lines, _ = lazyadam("show", "learning-rate", "--backend", mended)
    assert status == 0
    assert "CONFORMS" in words_of(lines)


def test_show_of_a_clause_that_holds_says_so(in_run: Path, lazyadam: Command) -> None:
    status, lines, _ = lazyadam("show", "dupl")
    assert status == 0
    assert "duplicates conforms" in words_of(lines)
    status, lines, _ = lazyadam("show", "weight-decay")
    assert status == 0
    assert words_of(lines) == "lazyadam-out: weight-decay was not tried on mine.LazyAdam"


WRONG = {
    "a row that the gradient does not name": (
        "w[rows] -=",
        "w[0] += 1\n        w[rows] -=",
        "untouched w[0, 0]",
    ),
    "an error": (
        "m[rows] =",
        "t > 5 and no_such_name\n        m[rows] =",
        "REFUSES at step 6 of 8: NameError",
    ),
    "the sixth step": ("alpha = h.lr", "alpha = (1 + (t > 5)) * h.lr", "after step 6"),
}


@pytest.mark.parametrize("what", WRONG)
def test_show_says_where_it_first_goes_wrong(what: str, tmp_path: Path, lazyadam: Command) -> None:
    old, new, said = WRONG[what]
    file, path = tmp_path / "mine.py", tmp_path / "case.json"
    file.write_text(TEMPLATES["numpy"].replace(old, new))
    trace.save(several(), path)
    status, lines, _ = lazyadam("show", path, "--backend", file)
    assert status == 0
    assert said in words_of(lines)
    assert len(lines) <= 40
    assert fit(lines)
    if said == "after step 6":
        told = "\n".join(lines)
        assert "steps 1 to 2: within the bound there" in told
        assert re.findall(r"^step (\d)", told, re.MULTILINE) == ["3", "4", "5", "6"]
        assert "step 5 (saved and loaded)" in told
        assert "step 6 (lr 0.25)" in told


def several() -> Case:
    """Eight steps of all rows but the first; a fresh lr at the sixth, and a reload before the fifth."""
    case, rows = sample(), np.arange(1, 6)
    steps = [Step((Gradient(np.full((5, 4), 0.5 + k), rows),)) for k in range(8)]
    steps[4] = replace(steps[4], reload=True)
    steps[5] = replace(steps[5], lr=(0.25,))
    return replace(case, steps=tuple(steps))


def test_show_tells_a_step_count_that_is_wrong(tmp_path: Path, lazyadam: Command) -> None:
    file, path = tmp_path / "mine.py", tmp_path / "case.json"
    counts = "*tables, t = super().state()\n        return (*tables, [x // 2 for x in t])"
    file.write_text(f"{TEMPLATES['numpy']}\n    def state(self):\n        {counts}\n")
    trace.save(sample(steps=1), path)
    _, lines, _ = lazyadam("show", path, "--backend", file)
    assert "DIVERGES: t after step 1: 0, should be 1" in words_of(lines)


@pytest.mark.slow
def test_show_of_a_known_divergence_is_of_its_witness(lazyadam: Command) -> None:
    status, lines, _ = lazyadam("show", "torch-sparse")
    if status == 125:
        pytest.skip(lines[0])
    assert status == 0
    (pin,) = (p for p in pins() if p.name == "torch-sparse-epsilon")
    assert f"torch-sparse-epsilon: {pin.sentence}" in words_of(lines)
    assert "DIVERGES: w[" in words_of(lines)


def test_show_without_its_framework_is_a_line_and_125(tmp_path: Path, lazyadam: Command) -> None:
    file, path = tmp_path / "mine.py", tmp_path / "case.json"
    file.write_text(f"{TEMPLATES['numpy']}    spec = 'popen//python=/no/such/python'\n")
    trace.save(sample(), path)
    status, lines, _ = lazyadam("show", path, "--backend", file)
    assert status == 125
    assert "mine.LazyAdam: not run (no worker starts with" in words_of(lines)


# replay


def test_a_trace_of_a_run_is_replayed_from_anywhere_on_the_file_it_names(
    last_run: Path, tmp_path: Path, lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = next((last_run / "lazyadam-out" / "traces").glob("learning-rate.*.documented.json"))
    about = trace.about(path)
    assert (about["path"], about["file"]) == (str(last_run / "mine.py"), "mine.py")
    status, lines, errors = lazyadam("replay", path)
    assert (status, errors) == (1, [])
    assert lines[0].startswith("mine.LazyAdam against documented: worst ratio")
    mended = tmp_path / "mine.py"
    mended.write_text(TEMPLATES["numpy"])
    assert lazyadam("replay", path, "--backend", mended)[0] == 0


def test_of_a_pin_of_several_backends_the_first_is_taken_and_it_says_so() -> None:
    path = PINS / "torch-default-epsilon-float16-dense.json"
    backend, told = backend_of(path)
    assert backend.name == trace.about(path)["backends"][0]
    assert told.strip() == "it names 2 backends, of which this is the first; another: --backend NAME"
    assert backend_of(PINS / "torch-sparse-epsilon.json") == (BACKENDS["torch.SparseAdam"], "")


MISTAKEN = {
    "no such file": ("replay", "nope.json"),
    "no argument": ("replay",),
    "two traces": ("replay", "case.json", "case.json"),
    "no such option": ("replay", "case.json", "--backed", "x"),
    "no backend is named": ("replay", "case.json"),
    "no such backend": ("replay", "case.json", "--backend", "torch.SparsAdam"),
    "several backends": ("replay", "case.json", "--backend", "torch"),
    "no such device": ("replay", "case.json", "--backend", "torch.SparseAdam", "--device", "tpu"),
    "no such dialect": ("replay", "case.json", "--backend", "torch.SparseAdam", "--against", "documentd"),
    "its file is gone": ("replay", "gone.json"),
    "its backend is gone": ("replay", "renamed.json"),
    "it names no names": ("replay", "odd.json"),
}


@pytest.mark.parametrize("what", MISTAKEN)
def test_whatever_is_wrong_replay_is_a_line_and_125(
    what: str, tmp_path: Path, lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(TEMPLATES["numpy"])
    named = {"backends": ["mine.Other"], "file": "mine.py", "path": str(tmp_path / "mine.py")}
    trace.save(sample(), tmp_path / "case.json")
    trace.save(sample(), tmp_path / "gone.json", named | {"path": str(tmp_path / "gone.py")})
    trace.save(sample(), tmp_path / "odd.json", named | {"backends": [1]})
    if what == "its backend is gone":
        trace.save(sample(), tmp_path / "renamed.json", named)
    status, lines, errors = lazyadam(*MISTAKEN[what])
    assert status == 125
    assert len(lines + errors) == 1


def test_a_fault_of_our_own_is_no_divergence(
    tmp_path: Path, lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(*_: object) -> None:
        raise IndexError("a fault\nof ours")

    monkeypatch.setattr(replaying, "replay", raising)
    path = tmp_path / "case.json"
    trace.save(sample(), path, {"backends": ["torch.SparseAdam"]})
    status, (line,), _ = lazyadam("replay", path)
    assert status == 125
    assert line.startswith(f"{path}: cannot be judged: IndexError: a fault of ours (")


# explain and list


def test_everything_that_can_be_explained_is() -> None:
    every = entries()
    for entry in every:
        lines = entry.lines()
        assert lines[0] == f"{entry.kind} {entry.name}"
        assert fit(lines), entry.name
        assert matching(f"{entry.kind} {entry.name}", every)[0] == [entry]
    kinds = {(entry.kind, entry.name) for entry in every}
    assert {("clause", clause) for clause in CLAUSES} <= kinds
    assert {("value", f"{axis}={value.name.lower()}") for axis in AXES for value in AXES[axis]} <= kinds
    assert {("pin", path.stem) for path in PINS.glob("*.json")} <= kinds


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("learning-rate", "a learning rate changed by step acts from that step"),
        ("EPSILON", "beside_hat: torch.optim.Adam documentation, 2.13, the algorithm (torch.Adam.loop"),
        ("epsilon=beside-hat", "declare documented = Dialect(epsilon=Epsilon.BESIDE_HAT)"),
        (
            "epsilon: beside_root",
            "pins mindspore-epsilon-dense, mindspore-epsilon-sparse, torch-sparse-epsilon",
        ),
        ("torch-fused-strided-g", "to mend by the backend"),
        ("torch.sparseadam", "look lazyadam check torch.SparseAdam"),
        ("partly", "it raised and yet something changed"),
        ("explained", "is it what its source code says?"),
        ("verdicts.csv", "worst_ratio the largest error / bound"),
        ("performance_gate.ratio", "the median of the paired ratios of the candidate to the base"),
        ("bias correction", "word bias correction the division by 1 − β^t"),
        ("night", "150 cases for each clause and type"),
        ("clause duplicates", "says so torch.sparse documentation, 2.13, uncoalesced tensors"),
    ],
)
def test_a_word_is_explained_with_who_says_so_and_what_shows_it(
    word: str, said: str, lazyadam: Command
) -> None:
    status, lines, _ = lazyadam("explain", word)
    assert status == 0
    assert said in words_of(lines)


def test_of_several_words_that_it_may_be_each_is_a_line(lazyadam: Command) -> None:
    status, lines, _ = lazyadam("explain", "weight")
    assert status == 0
    assert lines[0] == "'weight' may be:"
    assert {"clause", "axis", "value"} <= {line.split()[0] for line in lines[1:-1]}
    assert max(map(len, lines)) <= 80


def test_every_table_column_and_value_has_a_meaning() -> None:
    columns = [column for table in TABLES.values() for column in table.columns]
    words = {word for column in columns if isinstance(column.cells, type) for word in column.cells}
    for meanings in (
        [table.meaning for table in TABLES.values()],
        [column.meaning for column in columns],
        [word.meaning for word in words],
    ):
        assert all(meanings)
    assert {"conforms", "refuses", "known", "undecided", "non-finite"} <= words


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("", BACKENDS),
        ("back", BACKENDS),
        ("CLAUSES", CLAUSES),
        ("axes", vars(Dialect())),
        ("pins", [path.stem for path in PINS.glob("*.json")]),
        ("profiles", BUDGETS),
        ("tables", TABLES),
    ],
)
def test_a_list_has_all_of_its_kind_in_80_columns(what: str, names: Any, lazyadam: Command) -> None:
    status, lines, _ = lazyadam("list", *([what] if what else []))
    assert status == 0
    assert {*names} <= {line.split()[0] for line in lines}
    assert max(map(len, lines)) <= 80


@pytest.fixture
def without_mindspore(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where MindSpore is not installed."""
    version = metadata.version

    def lacking(name: str) -> str:
        if name == "mindspore":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", lacking)


@pytest.mark.usefixtures("without_mindspore")
def test_a_framework_that_lacks_is_told_with_the_line_that_installs_it(
    lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MindSporeOptimizer, "no_build", lambda: "")
    for command in ("list", "doctor"):
        status, lines, _ = lazyadam(command)
        assert status == 0
        assert sum("not installed" in line for line in lines) >= 1, command
        (line,) = (line for line in lines if "pip install" in line)
        assert re.search(rf"{re.escape(sys.executable)} -m pip install 'mindspore[<>=.,\d]*'$", line)


@pytest.mark.usefixtures("without_mindspore")
def test_a_framework_that_has_no_build_for_this_python_is_told_without_such_a_line(
    lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mindspore_nn, "NEWEST_PYTHON", (3, 10))
    told = f"MindSpore has no build for Python 3.{sys.version_info.minor}"
    for command in ("list", "doctor"):
        _, lines, _ = lazyadam(command)
        assert told in " ".join(" ".join(lines).split()), command
        assert not [line for line in lines if "pip install" in line]


# doctor


def test_doctor_says_what_is_here_and_imports_no_framework() -> None:
    said = "import sys; from lazyadam.suites.commands.app import run; print(run(['doctor']), *sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    *lines, last = ran.stdout.splitlines()
    status, *modules = last.split()
    assert status == "0"
    assert not {"torch", "mindspore"} & {*modules}
    told = words_of(lines)
    for what in (
        "Python 3.",
        "NumPy ",
        "torch ",
        "mindspore ",
        "cuda ",
        "ascend ",
        "threads ",
        "memory ",
        "can run: ",
    ):
        assert what in told
    assert fit(lines)


def test_doctor_never_fails_whatever_the_machine_is_like(
    tmp_path: Path, lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise OSError("no memory here")

    programs = {
        "nvidia-smi": "echo 'A Card'",
        "python3.11": "sleep 60 & wait",
        "python3.12": "exit 3",
        "python3.13": "",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "python3.14").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}:/no/such/folder:/usr/bin:/bin")
    monkeypatch.setattr(psutil, "virtual_memory", broken)
    start = time.monotonic()
    status, lines, _ = lazyadam("doctor")
    assert time.monotonic() - start < 30  # and not until what a program has started is done
    assert status == 0
    told = words_of(lines)
    assert "machine: can't be told (OSError: no memory here)" in told
    assert f"{tmp_path}/python3.11" in told
    assert "A Card" in told or "here, as far as can be told" in told
    assert "can run: " in told


# init


@pytest.mark.parametrize("kind", ["numpy", "torch", "ctypes"])
def test_init_writes_a_file_to_start_from_and_never_writes_over_one(
    kind: str, tmp_path: Path, lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, (line,), _ = lazyadam("init", kind)
    assert status == 0
    assert line.endswith("lazyadam check my_optimizer.py")
    assert Path("my_optimizer.py").read_text() == TEMPLATES[kind]
    Path("link.py").symlink_to("nowhere.py")
    Path("own.py").write_text("mine")
    for name in ("my_optimizer.py", "link.py", "own.py"):
        status, lines, (line,) = lazyadam("init", "numpy", name)
        assert (status, lines) == (2, [])
        assert line == f"lazyadam: {name} is there, and is not written over"
    assert Path("own.py").read_text() == "mine"
    assert not Path("nowhere.py").exists()


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_the_c_function_of_init_compiles_as_it_says_and_is_right(tmp_path: Path, lazyadam: Command) -> None:
    file = tmp_path / "mine.py"
    assert lazyadam("init", "ctypes", file)[0] == 0
    documentation = ast.get_docstring(ast.parse(file.read_text()), clean=False) or ""
    source, compile_line = (
        textwrap.dedent(block)
        for block in re.findall(r"(?:^(?: {4}.*)?\n)+", documentation, re.MULTILINE)
        if block.strip()
    )
    (tmp_path / "lazy_adam.c").write_text(source)
    subprocess.run(shlex.split(compile_line), cwd=tmp_path, check=True)
    (backend,) = select([], [file])
    with Process(backend) as process:
        for clause in ("update-rule", "duplicates", "shapes"):
            seen = judge(CLAUSES[clause], process, "float32", 0, FEW, tmp_path)
            assert {row["verdict"] for row in seen.verdicts} == {"conforms"}, clause


def test_init_github_calls_the_suites_workflow_with_the_file(
    tmp_path: Path, lazyadam: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    Path("mine.py").write_text(TEMPLATES["torch"])
    status, lines, _ = lazyadam("init", "GitHub", "mine.py")
    assert status == 0
    place = tmp_path / ".github" / "workflows" / "lazyadam.yml"
    assert lines[0] == f"{place} written: it judges src/mine.py at every push"
    text = place.read_text()
    given = dict(re.findall(r"^ {6}([\w-]+): (\S+)", text.partition("with:")[2], re.MULTILINE))
    assert (given["backend-file"], given["extras"]) == ("src/mine.py", "torch")
    called = (ROOT / ".github" / "workflows" / "conformance.yml").read_text()
    inputs = re.findall(
        r"^ {6}([\w-]+):$", called.partition("inputs:")[2].partition("permissions:")[0], re.MULTILINE
    )
    assert given.keys() <= {*inputs}
    assert re.search(r"uses: (\S+)/.github/workflows/conformance.yml@", text)
    status, lines, (line,) = lazyadam("init", "github", "mine.py")
    assert (status, lines) == (2, [])
    assert line == f"lazyadam: {place} is there, and is not written over"


# what is typed wrongly


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("shwo", "Did you mean 'show'?"),
        ("explian x", "Did you mean 'explain', 'replay'?"),
        ("show duplicats", "no clause 'duplicats'; did you mean duplicates"),
        ("show learning-rate --bakend x", "No such option: --bakend (Possible options: --backend)"),
        ("show learn --backend mine.LazzyAdam", "no backend 'mine.LazzyAdam'; did you mean mine.LazyAdam?"),
        ("show learning-rate --device gppu", "no device 'gppu'; did you mean gpu?"),
        ("show --out nowhere", "nowhere holds no run: lazyadam check FILE or --out DIR"),
        ("show nowhere.json", "nowhere.json: cannot be read (No such file or directory)"),
        ("show a b", "unexpected extra argument"),
        ("show torch-fused", "pin 'torch-fused' may be torch-fused-strided or torch-fused-strided-gradient"),
        ("explain", "Missing argument 'WORD'"),
        ("explain refusess", "nothing is called 'refusess'; did you mean refuses or refuted?"),
        ("explain epsilon=beside_hut", "did you mean epsilon=beside_hat"),
        ("explain xyzzy", "nothing is called 'xyzzy'; a word may be a clause, axis, "),
        ("list claims", "no list 'claims'; did you mean clauses?"),
        ("list backends clauses", "unexpected extra argument"),
        ("init", "Missing argument 'numpy|torch|ctypes|github'"),
        ("init numpi", "no file to start from 'numpi'; did you mean numpy?"),
        ("init github mien.py", "no file mien.py; did you mean mine.py?"),
        ("init numpy /proc/nothing/mine.py", "/proc/nothing/mine.py: can't be written"),
        ("doctor --verbos", "No such option: --verbos"),
    ],
)  # fmt: skip
def test_a_typing_mistake_is_a_line_with_what_is_near_and_2(
    typed: str, near: str, in_run: Path, lazyadam: Command
) -> None:
    status, lines, errors = lazyadam(*typed.split())
    assert (status, lines) == (2, [])
    (line,) = errors
    assert near in line
    assert line.startswith("lazyadam: ")


def test_help_takes_no_library_of_numbers() -> None:
    said = "import sys; from lazyadam.suites.commands.app import run; run(['--help']); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "torch", "mindspore", "hypothesis"} & {*ran.stdout.split()}


def test_a_trace_says_the_whole_path_of_a_file_and_a_pin_its_name(tmp_path: Path) -> None:
    """So that a replay finds it from anywhere, and a pin holds wherever the file lies."""
    file = tmp_path / "mine.py"
    file.write_text(TEMPLATES["numpy"])
    (backend,) = select([], [file])
    process = Process(backend)
    row = {"verdict": "diverges", "explained_by": ""}
    ready_to_pin(sample(), tmp_path / "case.json", process, row, "so it is", ["sparse"], ["update-rule"])
    about = trace.about(tmp_path / "case.json")
    assert (about["file"], about["path"]) == ("mine.py", str(file))
    assert backend_of(tmp_path / "case.json") == (backend, "")
