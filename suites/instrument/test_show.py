"""`show` and `replay`: a case run again, from anywhere, and told."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lazyadam.reports.tables import read, records
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Gradient, Step
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance import replay as replaying
from lazyadam.suites.conformance.budget import Budget
from lazyadam.suites.conformance.replay import backend_of
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.conformance.tell import run as judge
from lazyadam.suites.divergences.pin import PINS, pins
from lazyadam.suites.instrument.published import Command
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.instrument.test_commands_telling import fit, words_of
from lazyadam.suites.run.recording import Run

CACHED = TEMPLATES["numpy"].replace("alpha = h.lr", "alpha = self.first.setdefault('lr', h.lr)")
# Its arithmetic is declared: to try all that are usual takes seconds.
CACHED = CACHED.replace(
    "import numpy", "from lazyadam.reference.dialect import Arithmetic, Power\nimport numpy"
)
CACHED += "    arithmetic = Arithmetic(power=Power.FLOAT64)\n    source_read = True\n"
CACHED += "\n    def build(self, case):\n        self.first = {}\n        super().build(case)\n"
FEW = Budget(10, 10, 10, 0.2)
JUDGED = ("learning-rate", "duplicates")


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
            seen = judge(Sample(CLAUSES[clause], process.backend, "float32", 0, FEW), process, out)
            results.append({"verdicts": seen.verdicts, "evidence": seen.evidence})
    Run([backend], {"seed": 0}, results, []).write(out)
    return folder


@pytest.fixture
def in_run(last_run: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(last_run)
    return last_run


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
    steps[5] = replace(steps[5], changes={"lr": (0.25,)})
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
    status, lines, _ = lazyadam("show", "torch-sparse-e")
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
    names = trace.about(path)["backends"]
    assert backend.name == names[0]
    assert (
        told.strip() == f"it names {len(names)} backends, of which this is the first; another: --backend NAME"
    )
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
        (
            "show torch-fused-s",
            "pin 'torch-fused-s' may be torch-fused-strided, torch-fused-strided-decay or "
            "torch-fused-strided-gradient",
        ),
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
