"""The output folder: tried before a run, and where it is lost during one whatever can be said is said."""

from pathlib import Path

import pytest

from lazyadam.reports import tables
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.test_command_line import pytest_run

CHOSEN = ("suites/conformance/test_conformance.py", "-k", "float32 and (update-rule or duplicates)")


@pytest.mark.parametrize("folder", ["below a file", "not to be made", "no name of a file"])
def test_a_folder_that_takes_no_file_is_said_before_the_run(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = {
        "below a file": str(tmp_path / "file" / "out"),
        "not to be made": "/proc/out",
        "no name of a file": str(tmp_path / ("x" * 300)),
    }[folder]
    result = pytest_run(*CHOSEN, "--backend", "torch.SparseAdam", "--out", out)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    assert len(lines) <= 2
    assert lines[-1].startswith(f"ERROR: {out}: ")
    assert "can't be written (" in lines[-1]


@pytest.mark.slow
def test_a_folder_lost_during_the_run_costs_files_and_no_verdict(tmp_path: Path) -> None:
    """The optimizer puts a file in its place; it has a divergence, whose trace can't be written either."""
    out = tmp_path / "out"
    lose = f"import os, shutil; shutil.rmtree({str(out)!r}, True); open({str(out)!r}, 'w')"
    text = TEMPLATES["numpy"].replace("        rows, index", f"        {lose}\n        rows, index")
    file = tmp_path / "mine.py"
    file.write_text(text.replace("np.add.at(g, index, values)", "g[index] = values"))
    result = pytest_run(*CHOSEN, "--backend-file", file, "--out", out)
    assert result.returncode == pytest.ExitCode.INTERNAL_ERROR
    assert "Traceback" not in result.stdout
    assert (
        "duplicates, mine.LazyAdam, float32, against documented (explained by duplicates: last)"
        in result.stdout
    )
    assert "duplicates: the last counts" in result.stdout
    for name in ("traces/duplicates.mine.LazyAdam.float32.documented.json", "verdicts.csv"):
        assert f"{out}/{name}: can't be written (" in result.stdout
    assert result.stdout.count("can't be written") == 3  # two traces, and the tables


SURROGATES = """
    def update(self, w, m, v, rows, values, t, h):
        raise ValueError("\\udc80 \\x1b[31m \\x00")
"""


@pytest.mark.slow
def test_a_message_of_any_characters_is_written(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(TEMPLATES["numpy"].partition("    def update")[0] + SURROGATES)
    result = pytest_run(*CHOSEN, "--backend-file", file, "--out", tmp_path)
    told = r"refuses at step 1: ValueError: \udc80 \x1b[31m \x00"
    assert result.returncode == 1
    assert told in result.stdout
    assert told in (tmp_path / "divergences.txt").read_text()
    assert lazyadam("junit", "--out", tmp_path).returncode == 0


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("before")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "there" / "below", tmp_path / "folder"):
        with pytest.raises(tables.NotWritten, match="can't be written"):
            tables.write_text("after", path)
    assert (tmp_path / "there").read_text() == "before"
    assert sorted(x.name for x in tmp_path.iterdir()) == ["folder", "there"]


def test_a_table_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "verdicts.csv").write_text("my,own\n1,2\n")
    ran = lazyadam("check", "torch.SparseAdam", "--only=gaps", f"--out={tmp_path}")
    assert (ran.returncode, "is no table of a run" in ran.stderr) == (2, True)
    assert (tmp_path / "verdicts.csv").read_text() == "my,own\n1,2\n"
