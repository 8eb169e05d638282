"""What a run was asked for and did not do it says last, and its exit status is no success."""

from pathlib import Path

import pytest

from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.instrument.test_command_line import pytest_run
from lazyadam.suites.run import compared

SPREAD = ("-n", 2, "--dist", "loadgroup")
NOT_THERE = (
    "\n\nclass Other(LazyAdam):\n    name = 'mine.Other'\n    spec = 'popen//python=/no/such/python'\n"
)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Two optimizers, of which one can't run."""
    file = tmp_path / "my_optimizer.py"
    file.write_text(TEMPLATES["numpy"] + NOT_THERE)
    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("suites/conformance", "-m", "quik"), "ERROR: -m: no marker 'quik', did you mean quick?"),
        (("suites/conformance", "-m", "quick or rest"), "ERROR: -m: no marker 'rest'; known: "),
        (("--seed", "x"), "argument --seed: 'x' is no whole number from 0 on"),
        (("--seed", "-1"), "argument --seed: '-1' is no whole number from 0 on"),
        (("--seed", "1" * 19), "'111111111111111111…' is no whole number from 0 on, of at most 18 digits"),
        (("--seed", "1e3"), "argument --seed: '1e3' is no whole number from 0 on"),
        (("--profile", "cii"), "argument --profile: invalid choice: 'cii' (choose from "),
        (("--device", "tpu"), "argument --device: invalid choice: 'tpu' (choose from "),
        (("--against", "reference"), "ERROR: --against goes with --replay"),
        (("--examples", "README.md"), "ERROR: --examples: README.md is no folder"),
    ],
    ids=lambda x: "" if isinstance(x, str) else " ".join(x),
)
def test_a_wrong_option_is_told_and_runs_nothing(arguments: tuple[str, ...], told: str) -> None:
    result = pytest_run(*arguments)
    assert result.returncode == 4
    assert sum(told in line for line in (result.stdout + result.stderr).splitlines()) == 1
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("spread", [(), SPREAD], ids=["alone", "spread"])
@pytest.mark.parametrize("expression", ["updaterule", "update-rule or duplicatess"])
def test_a_word_of_k_that_fits_nothing_selects_nothing(
    expression: str, spread: tuple[object, ...], tmp_path: Path
) -> None:
    result = pytest_run("--backend=torch.SparseAdam", "-k", expression, f"--out={tmp_path}", *spread)
    assert result.returncode == 5
    meant = (
        "updaterule, did you mean update-rule?" if expression == "updaterule" else "did you mean duplicates?"
    )
    assert f"nothing is selected by -k '{expression}'; " in result.stdout
    assert meant in result.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("spread", [(), SPREAD], ids=["alone", "spread"])
def test_a_run_in_which_nothing_was_compared_is_no_success(
    spread: tuple[object, ...], own: Path, tmp_path: Path
) -> None:
    given = (f"--backend-file={own}", "--backend=mine.Other", f"--out={tmp_path / 'out'}")
    result = pytest_run("suites/conformance", *given, *spread, "-m", "quick")
    assert result.returncode == 125
    assert result.stdout.splitlines()[-1].startswith("nothing was compared: no worker starts with")
    assert " passed" not in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("spread", [(), SPREAD], ids=["alone", "spread"])
def test_a_named_backend_that_did_not_run_is_no_success(
    spread: tuple[object, ...], own: Path, tmp_path: Path
) -> None:
    given = (f"--backend-file={own}", "-k", "update-rule", f"--out={tmp_path / 'out'}")
    result = pytest_run(*given, *spread)
    assert result.returncode == 125
    assert result.stdout.splitlines()[-1].startswith(
        "mine.Other: asked for, but not run (no worker starts with"
    )
    assert "mine.LazyAdam 1." in result.stdout
    assert pytest_run(*given, *spread, "--backend=mine.LazyAdam").returncode == 0


@pytest.mark.slow
def test_a_framework_that_is_missing_fails_only_a_run_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "mindspore.py").write_text("raise ImportError('hidden')\n")
    (tmp_path / "torch.py").write_text("raise ImportError('hidden')\n")
    file = tmp_path / "mine.py"
    file.write_text(TEMPLATES["numpy"])
    chosen = ("update-rule and float32", f"--out={tmp_path / 'out'}")
    result = pytest_run("suites/conformance", "-k", *chosen, path=tmp_path)
    assert result.returncode == 125  # neither is there
    (tmp_path / "torch.py").unlink()
    result = pytest_run("suites/conformance", "-k", *chosen, path=tmp_path)
    if "torch.SparseAdam " not in result.stdout:
        pytest.skip("torch is not there")
    assert result.returncode == 0
    assert "not run" in (tmp_path / "out" / "verdicts.csv").read_text()
    named = ("--backend=torch.SparseAdam", "--backend=mindspore.LazyAdam.default.graph")
    result = pytest_run("suites/conformance", "-k", *chosen, *named, path=tmp_path)
    assert result.returncode == 125
    assert result.stdout.splitlines()[-1].startswith(
        "mindspore.LazyAdam.default.graph: asked for, but not run"
    )


def test_a_run_to_which_no_test_applies_is_no_success(own: Path) -> None:
    result = pytest_run("suites/conformance/test_pins.py", f"--backend-file={own}")
    assert result.returncode == 125
    assert result.stdout.splitlines()[-1] == "nothing was compared: no test applies to what was chosen"


def test_backends_without_a_path_are_judged_and_not_our_own_parts(own: Path, tmp_path: Path) -> None:
    result = pytest_run(f"--backend-file={own}", "--backend=mine.LazyAdam", "--collect-only")
    assert result.returncode == 0
    paths = {line.partition("::")[0] for line in result.stdout.splitlines() if "::" in line}
    assert paths
    assert all(path.startswith("suites/conformance/") for path in paths)


@pytest.mark.parametrize(
    ("result", "compared_anything"),
    [
        ({"verdicts": [{"backend": "a", "verdict": "refuses"}]}, True),
        ({"verdicts": [{"backend": "a", "verdict": "not run", "explained_by": "why"}]}, False),
        ({"training": [{"backend": "a", "verdict": "not run", "message": "why"}]}, False),
        ({"bad_input": [{"backend": "a", "outcome": "not run", "message": "why"}]}, False),
        ({"bad_input": [{"backend": "a", "outcome": "dies", "message": ""}]}, True),
        ({"dialects": [{"backend": "a", "observed": "not run", "message": "why"}]}, False),
        ({"sequences": [{"backend": "a", "steps": 1000, "message": "why"}]}, False),
        ({"sequences": [{"backend": "a", "steps": 0, "w": "[]", "message": ""}]}, True),
        ({"claims": [{"verdict": "can't be decided here", "evidence": "", "message": "why"}]}, False),
        ({"claims": [{"verdict": "can't be decided here", "evidence": "On cpu 0.7"}]}, True),
        (compared.other("a"), True),
        (compared.other("a", "why"), False),
    ],
)
def test_what_counts_as_compared(result: dict[str, list[compared.Row]], compared_anything: bool) -> None:
    seen = compared.seen([result])
    assert compared.nothing_compared(seen) is not compared_anything
    if not compared_anything:
        assert compared.reason(seen) == "why"
        assert set(compared.backends_not_run(seen)) <= {"a"}
