"""The steps of the action in their order: a green run, one that fails as is known, one that got worse."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.workers.start import ROOT

ACTION = ROOT / ".github" / "actions" / "lazyadam"
STEPS = re.findall(r"\$GITHUB_ACTION_PATH/(\w+)\.sh", (ACTION / "action.yml").read_text())
RIGHT = TEMPLATES["numpy"]
LAST_WINS = RIGHT.replace("np.add.at(g, index, values)", "g[index] = values")
BEYOND = RIGHT.replace("alpha * m[rows]", "1.001 * alpha * m[rows]")


class Runner:
    """A job of CI in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, bin = folder, folder / "bin"
        bin.mkdir()
        main = "from lazyadam.suites.commands import main; main()"
        (bin / "lazyadam").write_text(f"#!/bin/sh\nexec {sys.executable} -P -c '{main}' \"$@\"\n")
        (bin / "lazyadam").chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{bin}:{os.environ['PATH']}",
            "TARGET": "mine.py",
            "ARGUMENTS": "--only duplicates --only gaps",
            "OUT": "out",
            "BASELINE": "",
            "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        }

    def lazyadam(self, *arguments: str) -> int:
        return self.run(["lazyadam", *arguments]).returncode

    def run(self, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def job(self, optimizer: str, baseline: str = "") -> dict[str, int]:
        """The exit status of each step that runs."""
        (self.folder / "mine.py").write_text(optimizer)
        self.environment["BASELINE"] = baseline
        ended: dict[str, int] = {}
        for step in STEPS:
            if step == "gate" and (not baseline or ended["judge"]):
                continue
            ran = self.run(["bash", str(ACTION / f"{step}.sh")])
            assert "Traceback" not in ran.stderr
            ended[step] = ran.returncode
        return ended


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_the_steps_are_those_of_the_action_in_their_order() -> None:
    assert STEPS == ["judge", "report", "gate"]


@pytest.mark.slow
def test_a_right_optimizer_is_green_and_a_wrong_one_red_with_a_report_of_both(runner: Runner) -> None:
    assert runner.job(RIGHT) == {"judge": 0, "report": 0}
    assert runner.job(BEYOND) == {"judge": 1, "report": 0}
    assert {"index.html", "junit.xml"} <= {file.name for file in (runner.folder / "out").iterdir()}
    assert "mine.LazyAdam" in (runner.folder / "summary.md").read_text()


def test_without_a_target_all_of_the_suites_own_are_judged_and_compared(runner: Runner) -> None:
    runner.environment |= {"TARGET": "", "ARGUMENTS": "--help"}
    assert "report [OPTIONS]" in runner.run(["bash", str(ACTION / "judge.sh")]).stdout


@pytest.mark.slow
def test_what_fails_as_is_known_is_green_and_what_comes_beside_it_red(runner: Runner) -> None:
    assert runner.job(LAST_WINS)["judge"] == 1
    assert runner.lazyadam("accept", "--reason", "the last counts", "--out", "out") == 0
    assert runner.job(LAST_WINS)["judge"] == 0
    assert runner.job(LAST_WINS.replace("alpha * m[rows]", "1.001 * alpha * m[rows]"))["judge"] == 1


@pytest.mark.slow
def test_with_an_accepted_run_the_gate_says_what_got_worse(runner: Runner) -> None:
    assert runner.job(RIGHT)["judge"] == 0
    assert runner.lazyadam("accept", "--baseline", "accepted", "--out", "out") == 0
    assert runner.job(RIGHT, "accepted") == {"judge": 0, "report": 0, "gate": 0}
    assert runner.job(BEYOND, "accepted") == {"judge": 0, "report": 0, "gate": 1}
    assert "new divergence" in (runner.folder / "summary.md").read_text()


def test_what_can_not_be_judged_ends_the_job_whatever_was_accepted(runner: Runner) -> None:
    assert runner.job("import nothing_like_that\n", "accepted") == {"judge": 2, "report": 0}
