"""Pins of one's own, in a folder of one's own: the recipe of CONTRIBUTING, and what can be wrong with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lazyadam.reports.tables import read
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.cases import trace
from lazyadam.suites.divergences.pin import PINS, Pin, pins, use
from lazyadam.suites.instrument.published import lazyadam
from lazyadam.suites.instrument.test_command_line import pytest_run

SUMMED, LAST, SQUARES = (
    "np.add.at(g, index, values)",
    "g[index] = values",
    "np.add.at(g, index, np.abs(values))",
)
CHOSEN = "(float32 and duplicates) or test_dialects or witness"


@pytest.fixture(autouse=True)
def nobodys() -> Iterator[None]:
    yield
    use([], BACKENDS, {})


def own(folder: Path, body: str = LAST) -> Path:
    file = folder / "my_optimizer.py"
    file.write_text(TEMPLATES["numpy"].replace(SUMMED, body))
    return file


def pinned(folder: Path, source: Path, name: str = "mine", **changes: Any) -> Path:
    """A trace as a pin, as their README says: with an owner, a sentence of one's own, and other changes."""
    document = json.loads(source.read_text())
    document["about"] |= {"owner": "us", "sentence": "It keeps the last gradient of a row."} | changes
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def conformance(file: Path, out: Path, *more: object) -> Any:
    return pytest_run("suites/conformance", f"--backend-file={file}", "--out", out, "-k", CHOSEN, *more)


@pytest.mark.slow
def test_an_own_divergence_is_pinned_accepted_and_red_when_it_changes_or_vanishes(tmp_path: Path) -> None:
    out, baseline, file = tmp_path / "out", tmp_path / "baseline", own(tmp_path)
    before = conformance(file, out)
    assert before.returncode == 1, before.stdout
    assert "duplicates of mine.LazyAdam: documented sum, observed last; trace witnesses/" in before.stdout
    refused = lazyadam("accept", "--out", out, "--baseline", baseline)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "no pin explains can't be accepted" in refused.stderr

    folder = pinned(tmp_path / "pins", out / "witnesses" / "mine.LazyAdam.duplicates.json")
    after = conformance(file, out, "--pins", folder)
    assert after.returncode == 0, after.stdout
    verdicts = read("verdicts", out)
    row = verdicts[(verdicts["clause"] == "duplicates") & (verdicts["against"] == "documented")].iloc[0]
    assert (row["verdict"], row["witness"]) == ("diverges", "mine")
    accepted = lazyadam("accept", "--out", out, "--baseline", baseline)
    assert (accepted.returncode, accepted.stdout) == (0, f"accepted: {baseline}\n")
    assert lazyadam("gate", "--out", out, "--baseline", baseline).returncode == 0

    for body, told in ((SQUARES, "no longer explained by"), (SUMMED, "the witness no longer diverges")):
        changed = conformance(own(tmp_path, body), out, "--pins", folder)
        assert changed.returncode == 1, changed.stdout
        assert told in changed.stdout
        gated = lazyadam("gate", "--out", out, "--baseline", baseline)
        assert gated.returncode == 1
        assert "| a test fails | suites/conformance/test_pins.py::" in gated.stdout


@pytest.mark.slow
def test_others_run_beside_the_pins_of_a_file_that_is_not_given(tmp_path: Path) -> None:
    folder = pinned(
        tmp_path / "pins", PINS / "torch-sparse-epsilon.json", file="other.py", backends=["other.LazyAdam"]
    )
    result = conformance(own(tmp_path, SUMMED), tmp_path / "out", "--pins", folder)
    assert result.returncode == 0, result.stdout
    assert f"{folder}/mine.json: left out: other.py, of which it speaks, is not given" in result.stdout


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"owner": "?"}, "unknown owner '?'; known: backend, documentation, us"),
        (
            {"file": "my_optimizer.py", "backends": ["mine.LazyAdan"]},
            "unknown backend 'mine.LazyAdan' of my_optimizer.py; known: mine.LazyAdam",
        ),
        ({"backends": ["torch.SparseAdan"]}, "unknown backend 'torch.SparseAdan'; known: torch.SparseAdam"),
    ],
    ids=["no owner yet", "a misspelt backend of the file", "a misspelt backend of the suite"],
)
def test_a_pin_that_is_wrong_is_one_line_and_a_usage_error(
    changes: dict[str, Any], told: str, tmp_path: Path
) -> None:
    folder = pinned(tmp_path / "pins", PINS / "torch-sparse-epsilon.json", **changes)
    result = conformance(own(tmp_path), tmp_path / "out", "--pins", folder)
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in (result.stdout + result.stderr).splitlines() if line.strip()]
    assert f"{folder}/mine.json: {told}" in line


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(trace.TraceError, match="nowhere: no such folder of pins"):
        use([tmp_path / "nowhere"], BACKENDS, {})


def test_two_pins_of_one_name_are_refused(tmp_path: Path) -> None:
    name = "torch-sparse-epsilon"
    folder = pinned(tmp_path / "pins", PINS / f"{name}.json", name)
    with pytest.raises(trace.TraceError, match="has a pin of this name"):
        use([folder], BACKENDS, {})


def test_pins_of_the_suite_name_backends_of_the_suite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from lazyadam.suites.divergences import pin

    folder = pinned(tmp_path / "pins", PINS / "torch-sparse-epsilon.json", backends=["mine.LazyAdam"])
    monkeypatch.setattr(pin, "PINS", folder)
    pin._of_the_suite.cache_clear()
    try:
        with pytest.raises(trace.TraceError, match=r"unknown backend 'mine.LazyAdam'; .*--pins DIR"):
            pins()
    finally:
        monkeypatch.undo()
        pin._of_the_suite.cache_clear()


def test_a_pin_of_one_file_says_nothing_of_a_backend_of_another(tmp_path: Path) -> None:
    folder = pinned(
        tmp_path / "pins",
        PINS / "torch-sparse-epsilon.json",
        file="my_optimizer.py",
        backends=["mine.LazyAdam"],
    )
    assert use([folder], BACKENDS, {"my_optimizer.py": ["mine.LazyAdam"]}) == []
    found: Pin = pins()[-1]

    def backend(file: str) -> Any:
        return type("Mine", (), {"name": "mine.LazyAdam", "file": file})

    assert found.names(backend("/somewhere/my_optimizer.py"))
    assert not found.names(backend("/somewhere/other.py"))
    assert not found.names(BACKENDS["torch.SparseAdam"])
