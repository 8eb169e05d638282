"""Known failures of one's own: accepted in a command, taken by a run by itself, strict both ways."""

import subprocess
import sys
from pathlib import Path

import pytest

from lazyadam.reports.tables import TableError
from lazyadam.suites.backends.own.class_file import DECLARED
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.cases import trace
from lazyadam.suites.divergences.accepting import FOLDER, accept, folders_of
from lazyadam.suites.divergences.pin import PINS, load
from lazyadam.suites.instrument.published import RUN, lazyadam

MAIN = "from lazyadam.suites.commands import main; main()"
RIGHT = TEMPLATES["numpy"]
LAST_WINS = RIGHT.replace("np.add.at(g, index, values)", "g[index] = values")
AND_MORE = LAST_WINS.replace("alpha * m[rows]", "1.001 * alpha * m[rows]")
MISTAKES = {
    "no reason": (("--out", RUN), "--reason is needed"),
    "nothing new": (("--out", RUN, "--reason", "x"), "nothing is new there that could be accepted"),
    "an owner": (("--out", RUN, "--reason", "x", "--owner", "backed"), "did you mean backend?"),
    "versions": (
        ("--out", RUN, "--reason", "x", "--versions", "new"),
        "'new' is none, such as '>=2.13,<2.16'",
    ),
    "a date": (("--out", RUN, "--reason", "x", "--until", "soon"), "'soon' is no date, such as 2027-01-31"),
    "a day that is gone": (("--out", RUN, "--reason", "x", "--until", "2020-01-31"), "2020-01-31 has passed"),
    "a file for a folder": (
        ("--out", RUN, "--reason", "x", "--pins", __file__),
        "test_accepting.py is no folder",
    ),
    "both": (("--out", RUN, "--reason", "x", "--baseline", "b"), "--reason does not go with --baseline"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_a_line_and_2(mistake: str) -> None:
    typed, told = MISTAKES[mistake]
    ran = lazyadam("accept", *typed)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert told in line


def test_a_date_that_has_passed_is_told(tmp_path: Path) -> None:
    source = PINS / "torch-sparse-epsilon.json"
    about = trace.about(source)
    trace.save(trace.load(source), tmp_path / "later.json", about | {"until": "2999-12-31"})
    assert load(tmp_path / "later.json").name == "later"
    trace.save(trace.load(source), tmp_path / "past.json", about | {"until": "2026-01-31"})
    with pytest.raises(trace.TraceError, match=r"past.json: was to be looked at again by 2026-01-31"):
        load(tmp_path / "past.json")


def check(file: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-c", MAIN, "check", file.name, *options]
    return subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)


def test_a_key_that_a_pin_does_not_have_is_told_with_what_is_near(tmp_path: Path) -> None:
    source = PINS / "torch-sparse-epsilon.json"
    about = trace.about(source) | {"clasues": ["gaps"]}
    trace.save(trace.load(source), tmp_path / "pin.json", about)
    with pytest.raises(trace.TraceError, match=r"unknown key 'clasues' in about; did you mean clauses\?"):
        load(tmp_path / "pin.json")


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run of an optimizer whose last gradient of a row counts."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(LAST_WINS)
    assert check(tmp_path / "mine.py", "--only=duplicates").returncode == 1
    return tmp_path


@pytest.mark.slow
def test_what_is_accepted_lies_beside_the_optimizer_with_what_was_said(judged: Path) -> None:
    told = accept(Path("lazyadam-out"), ["duplicates=last"], "as ever", "us", ">=1", "2999-01-31", None)
    (file,) = (judged / FOLDER).iterdir()
    assert told[0] == f"{file}: duplicates"
    again = accept(Path("lazyadam-out"), [], "as ever", "us", ">=1", "2999-01-31", None)
    assert again[0] == f"{file}: duplicates, in the place of what was there"
    pin = load(file)
    assert (pin.sentence, pin.owner, pin.versions, pin.dtypes) == (
        "as ever",
        "us",
        ">=1",
        ("float32", "float64"),
    )
    assert folders_of([str(judged / "mine.py"), ""]) == [judged / FOLDER]
    for found in (judged / "lazyadam-out" / "traces").glob("*.documented.json"):
        found.write_text(found.read_text().replace('"verdict": ', '"verdicts": '))
    with pytest.raises(TableError, match=r"documented.json: no trace .*, ready to pin: verdict in about"):
        accept(Path("lazyadam-out"), ["duplicates=last"], "as ever", "us", ">=1", "2999-01-31", None)


def test_known_failures_of_a_class_lie_where_the_command_runs_and_not_in_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FOLDER).mkdir()
    monkeypatch.chdir(tmp_path)
    for out in ("lazyadam-out", "elsewhere/out"):
        assert folders_of([str(tmp_path / out / DECLARED / "theirs.RowAdam.py")]) == [tmp_path / FOLDER]


@pytest.mark.slow
def test_what_nothing_new_is_named_is_told_with_what_is(judged: Path) -> None:
    ran = lazyadam("accept", "duplicate", "--reason", "x")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "nothing new is named 'duplicate'; did you mean duplicates?" in ran.stderr


@pytest.mark.slow
def test_a_known_failure_is_green_another_red_and_its_end_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.py"
    file.write_text(LAST_WINS)
    assert check(file).returncode == 1
    assert lazyadam("accept", "--reason", "the last gradient of a row counts").returncode == 0
    known = check(file)
    assert (known.returncode, "AS KNOWN, 1 finding" in known.stdout) == (0, True), known.stdout
    file.write_text(AND_MORE)
    more = check(file)
    assert (more.returncode, "\nWRONG. " in more.stdout) == (1, True), more.stdout
    file.write_text(RIGHT)
    mended = check(file)
    assert mended.returncode == 1
    assert "NOT AS BEFORE" in mended.stdout
    assert "what is known is no longer so: mine.LazyAdam-duplicates" in mended.stdout


# One count for all parameters, and kept where state_dict does not look.
ROW_ADAM = """
import torch


class RowAdam(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps))
        self.count = 0

    @torch.no_grad()
    def step(self):
        self.count += 1
        for group in self.param_groups:
            (beta1, beta2), t = group["betas"], self.count
            alpha = group["lr"] * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
            for w in (p for p in group["params"] if p.grad is not None):
                g, state = w.grad.coalesce(), self.state[w]
                if not state:
                    state.update(exp_avg=torch.zeros_like(w), exp_avg_sq=torch.zeros_like(w))
                rows, m, v = g.indices()[0], state["exp_avg"], state["exp_avg_sq"]
                m[rows] = beta1 * m[rows] + (1 - beta1) * g.values()
                v[rows] = beta2 * v[rows] + (1 - beta2) * g.values() ** 2
                w[rows] -= alpha * m[rows] / (v[rows].sqrt() + group["eps"])
"""


@pytest.mark.slow
def test_two_faults_at_once_are_shown_each_by_itself_and_accepted_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case of the one is not cut down to one of the other, and a step count shows in a script."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop.py").write_text(ROW_ADAM)
    first = check(Path("shop.RowAdam"))
    assert first.returncode == 1
    marked = [line.split()[1] for line in first.stdout.splitlines() if line.startswith(("  ✗", "  ?"))]
    assert [word.strip(",") for word in marked] == ["save-and-load", "copied-optimizer", "missing-gradient"]
    assert "step count: the optimizer counts every step" in first.stdout
    scripts = sorted(Path("lazyadam-out/reproducers").glob("save-and-load.*.py"))
    assert len(scripts) == 2
    for script in scripts:
        ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
        assert (ran.returncode, "t: expected " in ran.stdout) == (1, True), ran.stdout
        assert "reload=True" in script.read_text()
    assert lazyadam("accept", "--reason", "so be it").returncode == 0
    again = check(Path("shop.RowAdam"))
    assert (again.returncode, "AS KNOWN, 2 findings" in again.stdout) == (0, True), again.stdout


def test_a_known_failure_of_one_backend_of_a_file_does_not_hinder_another(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(RIGHT + '\n\nclass Other(LazyAdam):\n    name = "mine.Other"\n')
    source = PINS / "torch-sparse-epsilon.json"
    about = trace.about(source) | {"backends": ["mine.Other"], "file": "mine.py", "versions": ""}
    trace.save(trace.load(source), tmp_path / FOLDER / "other.json", about)
    ran = check(file, "mine.LazyAdam", "--only=gaps")
    assert ran.returncode == 0, ran.stderr
