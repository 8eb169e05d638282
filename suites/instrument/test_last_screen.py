"""The last screen of a check, of right and wrong optimizers."""

import subprocess
import sys
from pathlib import Path

import pytest

from lazyadam.reports.told import WIDTH
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.template import TEMPLATES
from lazyadam.suites.instrument.readme import as_pictured, picture
from lazyadam.suites.run.recording import checked_as

PASTED = ("git bisect", "lazyadam-out", "reproducers/")  # lines that are to be pasted whole
ADD = "        np.add.at(g, index, values)\n"
ROOT = "(np.sqrt(v[rows]) + h.epsilon)"
STEP = f"        w[rows] -= alpha * m[rows] / {ROOT}\n"
LOST = "        import os\n        if os.urandom(1)[0] < 32:\n            rows = rows[:-1]  # an update\n"
ALPHA = "        alpha = h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t)\n"
SQUARE = "h.beta2 * v[rows] + (1 - h.beta2) * g * g"
WRONG = {
    "last duplicate": (ADD, "        g[index] = values\n", "duplicates: the last counts"),
    "beta2 off": (
        SQUARE,
        "(h.beta2 + 2**-22) * v[rows] + (1 - h.beta2 - 2**-22) * g * g",
        "m is right everywhere; v is wrong",
    ),
    "epsilon inside": (ROOT, "np.sqrt(v[rows] + h.epsilon)", "epsilon: √(v + ε), inside the root"),
    "t + 1": (ALPHA, ALPHA.replace("**t", "**(t + 1)"), "bias correction: "),
    "step size cached": (
        ALPHA,
        "        kept = vars(self).setdefault('kept', {})\n"
        "        alpha = kept.setdefault(t, h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t))\n",
        "only w is wrong",
    ),
    "a race": (STEP, LOST + STEP, "only w is wrong"),
}


def checked(text: str, folder: Path, *more: str) -> tuple[int, list[str]]:
    """`lazyadam check` of a file with this text: its status, and the lines of its screen."""
    (folder / "my_optimizer.py").write_text(text)
    command = [sys.executable, "-c", "from lazyadam.suites.commands import main; main()"]
    asked = [*command, "check", "my_optimizer.py", *more]
    ran = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "cause"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_optimizer_is_told_in_forty_lines_its_cause_in_ten(
    old: str, new: str, cause: str, tmp_path: Path
) -> None:
    assert old in TEMPLATES["numpy"]
    status, lines = checked(TEMPLATES["numpy"].replace(old, new), tmp_path)
    print("\n".join(lines))
    assert status == 1
    assert len(lines) <= 40
    assert cause in " ".join(lines[:10])
    if (old, new) == WRONG["last duplicate"][:2]:
        assert as_pictured("\n".join(lines), tmp_path) == as_pictured(picture(), tmp_path)
    assert max(len(line) for line in lines if not any(word in line for word in PASTED)) <= WIDTH


@pytest.mark.parametrize(
    ("file", "name", "named"),
    [
        ("/x/lazyadam-out/declared/lazy_adamw.LazyAdamW.py", "lazy_adamw.LazyAdamW", "lazy_adamw.LazyAdamW"),
        ("/x/lazyadam-out/declared/my_adam.py", "my_adam", "/x/lazyadam-out/declared/my_adam.py"),
        ("/x/mine.py", "mine.Lazy", "/x/mine.py"),
        ("", "torch.SparseAdam", ""),
    ],
)
def test_what_to_judge_in_ci_is_named_as_it_was_to_be_checked(file: str, name: str, named: str) -> None:
    assert checked_as(type("Own", (Backend,), {"file": file, "name": name})) == named


def test_a_right_optimizer_is_told_in_eight_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")  # of somebody's own tests
    status, lines = checked(TEMPLATES["numpy"], tmp_path, "--only", "update-rule", "--only", "duplicates")
    assert status == 0
    assert len(lines) <= 8
    assert lines[2].startswith("RIGHT in float32, float64. 2 clauses hold, all within ")
    assert (tmp_path / "lazyadam-out" / ".gitignore").read_text() == "*\n"
