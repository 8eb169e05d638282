"""How commands end: what they could not do is status 2 and a line; 1 says that something is worse."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lazyadam.reports.ending import status_of
from lazyadam.reports.tables import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.cases import trace
from lazyadam.suites.commands.app import OUT
from lazyadam.suites.divergences.pin import PINS
from lazyadam.suites.instrument.published import RUN, lazyadam
from lazyadam.suites.performance import candidate as gate


@pytest.mark.parametrize(
    ("arguments", "into"),
    [
        (("summary", "--out", RUN), "> /dev/full"),
        (("list", "clauses"), "> /dev/full"),
    ],
    ids=["summary to a full disk", "a list to a full disk"],
)
def test_what_can_not_be_printed_is_2_and_a_line(arguments: tuple[object, ...], into: str) -> None:
    main = "from lazyadam.suites.commands import main; main()"
    command = f"{sys.executable} -c '{main}' {' '.join(map(str, arguments))} {into}"
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert line.startswith("what it prints: ")


def test_a_reader_who_has_read_enough_ends_it_as_other_commands() -> None:
    command = f"{sys.executable} -c 'from lazyadam.suites.commands import main; main()' list clauses | true"
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (128 + signal.SIGPIPE, "")


def test_a_pipe_of_another_that_breaks_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> int:
        raise BrokenPipeError("a worker's")

    assert status_of(broken) == 2
    assert capsys.readouterr().err == "a process that it talks to has ended: a worker's\n"


@pytest.mark.parametrize("typed", ["--help", "check --help"])
def test_help_that_nobody_reads_ends_as_other_commands(typed: str) -> None:
    """typer and rich make a 1 of it, which would say that something diverges."""
    main = "from lazyadam.suites.commands import main; main()"
    command = f"{sys.executable} -u -c '{main}' {typed} | (exec <&-; sleep 2)"
    ran = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (128 + signal.SIGPIPE, "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "typed", "status"),
    [
        ("", "replay case.json >/dev/full", 125),
        ("", "replay case.json >&-", 0),
        ("", "explain duplicates 2>&-", 0),
        ("", "explain duplicates >&-", 0),
        ("cd gone; rmdir ../gone;", "replay case.json", 125),
        ("touch typer.py; PYTHONPATH=.", "replay case.json", 125),
        ("echo '1/0' > numpy.py; PYTHONPATH=.", "replay case.json", 125),
        ("PYTHONIOENCODING=latin-1", "explain epsilon", 0),
        ("_LAZYADAM_COMPLETE=nonsense", "list", 2),
        ("touch types.py queue.py json.py;", "replay case.json", 0),
        ("", "replay case.json 2>&-", 0),
    ],
)
def test_1_says_that_an_optimizer_is_wrong_and_nothing_else(
    environment: str, typed: str, status: int, tmp_path: Path
) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "mine.py").write_text(TEMPLATES["numpy"])
    trace.save(trace.load(PINS / "torch-sparse-epsilon.json"), tmp_path / "case.json", {"backends": []})
    typed = typed.replace(
        "case.json", f"{tmp_path}/case.json --backend {tmp_path}/mine.py --against reference"
    )
    main = "from lazyadam.suites.commands import main; main()"
    command = f"{environment} {sys.executable} -P -c '{main}' {typed}"
    ran = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == status, ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert len(ran.stderr.splitlines()) == (status != 0)


@pytest.mark.parametrize("baseline", ["file", "file/below", "/proc/nothing/here"])
def test_a_baseline_that_can_not_be_written_is_2_and_a_line(baseline: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = lazyadam("accept", "--out", RUN, "--baseline", tmp_path / baseline)
    assert ran.returncode == 2
    (line,) = ran.stderr.splitlines()
    assert baseline.split("/here")[0] in line


@pytest.mark.slow
def test_a_table_that_can_not_be_written_is_2_and_no_slower(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "performance_gate.csv").mkdir()
    monkeypatch.setattr(gate, "GATED", ())
    ran = lazyadam("bench", "torch.SparseAdam", f"--candidate={sys.executable}", f"--out={tmp_path}")
    assert ran.returncode == 2
    assert "performance_gate.csv: can't be written" in ran.stderr


def test_a_fault_of_our_own_is_2_and_a_line_with_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(lambda: [][1]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("IndexError: list index out of range (")
    assert f"{__file__}:" in line


def test_the_version_is_told() -> None:
    ran = lazyadam("--version")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert re.fullmatch(r"lazyadam \d+\.\d+\.\d+\n", ran.stdout)


def test_a_quick_check_is_known_divergences_fingerprint_and_update_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_optimizer.py").write_text(TEMPLATES["numpy"])
    command = [sys.executable, "-m", "lazyadam.suites.commands", "check", "my_optimizer.py", "--quick"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert set(read("verdicts", tmp_path / OUT)["clause"]) == {"update-rule"}
    assert len(read("dialects", tmp_path / OUT))
