"""The commands about tables, speed and builds: what is typed wrongly is a line; names are taken as typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.commands import judging
from lazyadam.suites.commands.app import OUT
from lazyadam.suites.commands.options import chosen
from lazyadam.suites.instrument.published import RUN, lazyadam
from lazyadam.suites.run import steps as progress
from lazyadam.suites.run.steps import Steps

REFUSES = """
import torch


class Refuses(torch.optim.SGD):
    def __init__(self, params, lr):
        raise ValueError("no such momentum")
"""
MISTAKES = {
    "a command": ("par torch.SparseAdam torch.Adam.fused", "Did you mean 'pair'"),
    "another command": ("bnech", "Did you mean 'bench'"),
    "an old command": ("compare a b", "No such command 'compare'"),
    "an option": ("pair --otu {run} torch torch", "(Possible options: --out"),
    "an option of bench": ("bench --candiate python", "(Possible options: --candidate"),
    "a backend": ("pair torch.SparsAdam torch.Adam.fused --out {run}", "did you mean torch.SparseAdam,"),
    "a leading part": ("bench troch.Adam.fusde", "did you mean torch.Adam.fused"),
    "several backends": (
        "pair torch.sparse mindspore.lazyadam.target --out {run}",
        "may be mindspore.LazyAdam.target_cpu.graph or mindspore.LazyAdam.target_cpu.pynative",
    ),
    "one backend twice": ("pair torch.sparse torch.SPARSEADAM --out {run}", "both are torch.SparseAdam"),
    "no second backend": ("pair torch.sparse --out {run}", "Missing argument 'BACKEND'"),
    "the folder of a run": ("junit --out {run}x", "did you mean {run}?"),
    "a folder to compare with": ("diff {run} {run}x", "did you mean {run}?"),
    "one of several folders": ("versions {run} {run}x", "did you mean {run}?"),
    "a baseline": ("gate --out {run} --baseline {run}x", "did you mean {run}?"),
    "no baseline": ("gate --out {run}", "Missing option '--baseline'"),
    "no run here": ("summary", "no folder lazyadam-out; lazyadam check and lazyadam report write one"),
    "a file": ("bench my_optimzer.py", "no file my_optimzer.py; did you mean my_optimizer.py?"),
    "a class": ("bench theirs.optim.RowAdm", "cannot import name", "did you mean theirs.optim.RowAdam?"),
    "a module": ("bench theirs.optm.RowAdam", "No module", "did you mean theirs.optim.RowAdam?"),
    "a package": ("bench thiers.optim.RowAdam", "No module", "did you mean theirs.optim.RowAdam"),
    "what is like nothing": ("bench quite.Different", "lazyadam list names the backends"),
    "a device": ("bench --device cdua", "did you mean cuda?"),
    "a kind of duplicates": ("bench --duplicates zpif", "did you mean zipf?"),
    "a table": ("bench --table 1e6", "--table: 1e6 is no ROWSxWIDTH, as 1e6x64"),
    "rows of a table": ("bench --table 1ex4", "--table: 1e is no whole number from 1"),
    "a table twice": ("bench --table 10x4 --width 4", "--width does not go with --table"),
    "repeats twice": ("bench --zipf --duplicates hot", "--duplicates does not go with --zipf"),
    "some clauses and a few": ("check torch --quick --only gaps", "--only does not go with --quick"),
    "a profile": ("builds --candidate python --profile nigthly", "did you mean nightly?"),
    "a seed": ("builds --candidate python --seed -1", "--seed: '-1' is no whole number from 0 on"),
    "options of two kinds": ("bench --suite --threads 2", "--threads does not go with --suite"),
    "a threshold of nothing": ("bench torch --threshold 5%", "--threshold goes with --candidate, or with"),
    "a share": ("bench torch --candidate x --threshold 5%%", "5%% is no share from 0 on, as 0.1 or 10%"),
    "two bases": ("bench --candidate x --python python3 --python python3", "--candidate goes with one"),
    "sizes and all sizes": ("bench --full --width 3", "--width does not go with --full"),
    "what takes no backend": ("bench torch --trials", "TARGET does not go with --trials"),
    "fewer processes than none": ("check my_optimizer.py -n -1", "-n", "-1 is no whole number from 0 to"),
    "a billion processes": ("check my_optimizer.py -n 1e9", "-n", "1e9 is no whole number from 0 to 1024"),
    "some threads": ("bench torch --threads 1,two", "--threads: two is no whole number from 1 to 1024"),
    "a billion threads": ("bench torch.SparseAdam --threads 1e9", "1e9 is no whole number from 1 to 1024"),
    "a folder without a name": ("check torch.SparseAdam --out=", "is empty"),
    "a file for a folder": ("check torch.SparseAdam --only gaps --out my_optimizer.py", "is no folder"),
    "a folder beside itself": ("gate --baseline {run} --out {run}", "are the same folder"),
    "a run beside itself": ("diff {run} {run}", "are the same folder"),
    "a page of nothing": ("page --out theirs", "theirs/verdicts.csv: not there"),
    "what doesn't apply": ("check torch.SparseAdam --only weight-decay", "is not tried: torch.SparseAdam"),
    "an interpreter without a name": ("check torch.SparseAdam --python=", "is empty"),
    "a name that is none": ("name a/b python3", "'a/b' is no name"),
    "a folder that is a file": ("gate --baseline my_optimizer.py --out {run}", "is a file, and no folder"),
    "reason and baseline": ("accept gaps --baseline b --out {run}", "WHAT does not go with --baseline"),
    "a class that refuses": ("bench theirs.own.Refuses", "(no such momentum)"),
    "a class that is none": ("bench collections.OrderedDict", "no subclass of torch.optim.Optimizer"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_typing_mistake_is_one_line_that_says_what_is_near_and_2(
    mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_optimizer.py").write_text("")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").touch()
    (tmp_path / "theirs" / "optim.py").write_text("class RowAdam:\n    pass\n")
    (tmp_path / "theirs" / "own.py").write_text(REFUSES)
    typed, *words = (text.replace("{run}", str(RUN)) for text in MISTAKES[mistake])
    ran = lazyadam(*typed.split())
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert [word for word in words if word not in line] == []
    assert "known: torch.SparseAdam, " not in line
    assert {file.name for file in tmp_path.iterdir()} == {"my_optimizer.py", "theirs"}


def test_backends_are_selected_in_any_case() -> None:
    assert select(["TORCH.sparse", "torch.adam.FUSED"]) == select(["torch.SparseAdam", "torch.Adam.fused"])


def test_one_backend_of_a_file_can_be_checked(tmp_path: Path) -> None:
    file = tmp_path / "two.py"
    file.write_text(TEMPLATES["numpy"] + '\n\nclass Other(LazyAdam):\n    name = "mine.Other"\n')
    both = ["--backend=mine.LazyAdam", "--backend=mine.Other", f"--backend-file={file}"]
    assert judging.named(chosen([str(file)], tmp_path)) == both
    assert judging.named(chosen([str(file), "mine.Oth"], tmp_path)) == both[1:]
    assert judging.named(chosen([str(file), "torch.Sparse"], tmp_path)) == [
        "--backend=torch.SparseAdam",
        *both,
    ]


def test_a_pair_takes_leading_parts_and_keeps_its_order(here: Path) -> None:
    left, right = "mindspore.LazyAdam.default.graph", "torch.SparseAdam"
    said = lazyadam("pair", "mindspore.lazyadam.default.g", "torch.sparse").stdout
    assert said.startswith(f"### `{left}` and `{right}`\n")
    said = lazyadam("pair", "TORCH.sparse", "mindspore.lazyadam.default.g").stdout
    assert said.startswith(f"### `{right}` and `{left}`\n")


def test_a_pair_is_of_the_recorded_run_where_that_of_the_folder_compared_nothing(here: Path) -> None:
    """As after `lazyadam check` of an optimizer of one's own."""
    (here / OUT / "sequences.csv").unlink()
    ran = lazyadam("pair", "torch.sparse", "mindspore.lazyadam.default.g")
    assert (ran.returncode, ran.stdout.startswith("From the recorded run (")) == (0, True)


def test_tables_are_read_and_written_in_the_folder_where_one_stands(here: Path) -> None:
    assert lazyadam("junit").returncode == 0
    assert (here / OUT / "junit.xml").exists()
    assert lazyadam("summary").stdout.startswith("## LazyAdam conformance\n")
    assert lazyadam("accept", "--baseline", "accepted").returncode == 0
    assert lazyadam("gate", "--baseline", "accepted").returncode == 0
    assert "Nothing that is compared has changed" in lazyadam("diff", "accepted", OUT).stdout


def test_steps_are_ended_by_an_interruption_and_say_so() -> None:
    with Steps(2) as steps:
        steps.begin("first")
        raise KeyboardInterrupt
    assert steps.interrupted
    with Steps(1) as steps:
        pass
    assert not steps.interrupted


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_in_a_terminal_and_findings_everywhere(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1" if terminal else "")
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    with Steps(2) as steps:
        steps.begin("first")
        steps.say("found [so] soon")
        steps.begin("second")
    out, err = capsys.readouterr()
    assert out == ""
    assert "found [so] soon\n" in err
    assert ("1/2" in err) == terminal
    assert ("1 of 2, about 0 min left: second\n" in err) != terminal


def test_the_commands_import_no_framework_and_no_table_before_they_are_called() -> None:
    told = "import sys, suites.commands.tables, suites.commands.bench; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "matplotlib", "torch", "execnet"} & {*ran.stdout.split()}


@pytest.mark.parametrize("name", ["opt #2.py", "${{ secrets.X }}.py", "two\nlines.py", "./- a.py", "a: b.py"])
def test_a_name_that_a_workflow_would_take_for_its_own_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("")
    ran = lazyadam("init", "github", name)
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.splitlines()
    assert "has characters that a workflow would take for its own" in line
    assert not (tmp_path / ".github").exists()


@pytest.mark.slow
def test_a_relative_search_path_is_that_of_the_caller(tmp_path: Path) -> None:
    """Workers start in other folders."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "theirs.py").write_text(
        "import torch\n\n\nclass Lazy(torch.optim.SparseAdam):\n    pass\n"
    )
    command = [sys.executable, "-P", "-c", "from lazyadam.suites.commands import main; main()"]
    ran = subprocess.run(
        [*command, "check", "theirs.Lazy", "--only", "gaps"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RIGHT" in ran.stdout or "AS KNOWN" in ran.stdout or "NOT AS DOCUMENTED" in ran.stdout, ran.stderr
