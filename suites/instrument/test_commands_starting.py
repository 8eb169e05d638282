"""`init`: files to start from, which work as they are."""

import ast
import re
import shlex
import shutil
import subprocess
import textwrap
from pathlib import Path

import pytest

from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.selecting import select
from lazyadam.suites.backends.workers.process import Process
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.budget import Budget
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.conformance.tell import run as judge
from lazyadam.suites.instrument.published import Command

FEW = Budget(10, 10, 10, 0.2)


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
            seen = judge(Sample(CLAUSES[clause], process.backend, "float32", 0, FEW), process, tmp_path)
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
