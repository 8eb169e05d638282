"""Faulty optimizers given as files: each is red, with its axis or none. Right ones are not, on any seed."""

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest

from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.own.declaration import declared
from lazyadam.suites.clauses import CLAUSES
from lazyadam.suites.conformance.examine import examine
from lazyadam.suites.conformance.fingerprint import fingerprint
from lazyadam.suites.conformance.sample import Sample
from lazyadam.suites.detection.kill import BUDGET, Here, applicable
from lazyadam.suites.instrument.readme import OWN, examples
from lazyadam.suites.judge.verdict import NONE_FITS

NUMPY, TORCH = examples(OWN)
TYPES = ("float32", "float64")
CASES = {"ci": 4, "nightly": 30, "deep": 150}
TRIED = {
    "ci": [(0, "float32")],
    "nightly": [*product(range(20), TYPES)],
    "deep": [*product(range(50), TYPES)],
}

G = "        np.add.at(g, index, values)\n"
M = "        m[rows] = h.beta1 * m[rows] + (1 - h.beta1) * g\n"
V = "        v[rows] = h.beta2 * v[rows] + (1 - h.beta2) * g * g\n"
ALPHA = "alpha = h.lr * math.sqrt(1 - h.beta2**t) / (1 - h.beta1**t)"
W = "w[rows] -= alpha * m[rows] / (np.sqrt(v[rows]) + h.epsilon)"
NAME = '    name = "mine.LazyAdam"\n'
DECAYS = NAME + '    hyperparameters = frozenset({"weight_decay"})\n'
FULL = "        full[rows] = g\n        rows, g = slice(None), full\n"
NAMED = "        rows, g = rows[named], g[named]\n"
HOT = "np.bincount(index).reshape(-1, *[1] * (w.ndim - 1)).astype(w.dtype)"


@dataclass(frozen=True)
class Wrong:
    """A change to the README's optimizer in NumPy, and what is found: axis and value, or a clause alone.

    clause: one that it fails.
    """

    id: str
    edits: tuple[tuple[str, str], ...]
    axis: str
    value: str
    clause: str = "update-rule"

    def __str__(self) -> str:
        return self.id


WRONG = (
    Wrong(
        "epsilon-beside-hat",
        (
            (
                W,
                "w[rows] -= h.lr / (1 - h.beta1**t) * m[rows]"
                " / (np.sqrt(v[rows] / (1 - h.beta2**t)) + h.epsilon)",
            ),
        ),
        "epsilon",
        "beside_hat",
        "tiny-gradients",
    ),
    Wrong(
        "epsilon-inside-root",
        ((W, "w[rows] -= alpha * m[rows] / np.sqrt(v[rows] + h.epsilon)"),),
        "epsilon",
        "inside_root",
    ),
    Wrong(
        "epsilon-as-floor",
        (
            (
                W,
                "w[rows] -= h.lr / (1 - h.beta1**t) * m[rows]"
                " / np.maximum(np.sqrt(v[rows] / (1 - h.beta2**t)), h.epsilon)",
            ),
        ),
        "epsilon",
        "floor",
    ),
    Wrong("next-bias-correction", (("**t", "**(t + 1)"),), "bias_correction", "next"),
    Wrong("no-bias-correction", ((ALPHA, "alpha = h.lr"),), "bias_correction", "none"),
    Wrong("last-duplicate", ((G, "        g[index] = values\n"),), "duplicates", "last", clause="duplicates"),
    Wrong(
        "first-duplicate",
        ((G, "        g[index[::-1]] = values[::-1]\n"),),
        "duplicates",
        "first",
        clause="duplicates",
    ),
    Wrong(
        "mean-of-duplicates",
        ((G, f"{G}        g /= {HOT}\n"),),
        "duplicates",
        "mean",
        clause="duplicates",
    ),
    Wrong(
        "squares-summed-apart",
        (
            (G, f"{G}        square = np.zeros_like(g)\n        np.add.at(square, index, values * values)\n"),
            (V, V.replace("g * g", "square")),
        ),
        "duplicates",
        "squares_apart",
        clause="duplicates",
    ),
    Wrong(
        "every-row-updated",
        ((G, f"{G}        full = np.zeros_like(w)\n{FULL}"),),
        "untouched",
        "dense",
        clause="untouched-rows",
    ),
    Wrong(
        "every-moment-decays",
        (
            (M, f"{M}        others = np.setdiff1d(np.arange(len(w)), rows)\n        m[others] *= h.beta1\n"),
            (V, f"{V}        v[others] *= h.beta2\n"),
        ),
        "untouched",
        "moments_decay",
        clause="untouched-rows",
    ),
    Wrong(
        "zero-rows-dropped",
        ((G, f"{G}        named = g.reshape(len(g), -1).any(axis=1)\n{NAMED}"),),
        "zero_rows",
        "ignored",
        clause="zero-rows",
    ),
    Wrong(
        "decay-per-occurrence",
        ((NAME, DECAYS), (G, f"{G}        g += h.weight_decay * {HOT} * w[rows]\n")),
        "weight_decay",
        "per_occurrence",
        clause="weight-decay-duplicates",
    ),
    Wrong(
        "decay-decoupled",
        ((NAME, DECAYS), (G, f"{G}        w[rows] *= 1 - h.lr * h.weight_decay\n")),
        "weight_decay",
        "decoupled",
        clause="weight-decay",
    ),
    Wrong("decay-forgotten", ((NAME, DECAYS),), "weight_decay", "none", clause="weight-decay"),
    Wrong("lr-off-by-2e-5", ((ALPHA, f"{ALPHA} * (1 + 2e-5)"),), "epsilon", NONE_FITS),
    Wrong("ascent", ((W, W.replace("-=", "+=")),), "epsilon", NONE_FITS),
    Wrong("betas-swapped", ((M, M.replace("beta1", "beta2")),), "epsilon", NONE_FITS),
    Wrong("no-square", ((V, V.replace("g * g", "np.abs(g)")),), "epsilon", NONE_FITS),
    Wrong("always-the-first-step", (("**t", "**1"),), "epsilon", NONE_FITS, clause="late-steps"),
    Wrong(
        "half-precision-inside",
        ((G, f"{G}        g = g.astype(np.float16).astype(w.dtype)\n"),),
        "epsilon",
        NONE_FITS,
    ),
    Wrong("first-column-only", ((W, W.replace("rows]", "rows, :1]")),), "epsilon", NONE_FITS),
)


CORRECTED = "first, second = m[rows] / (1 - h.beta1**t), v[rows] / (1 - h.beta2**t)\n        "
HAT = (NAME, f"{NAME}    documented = Dialect(epsilon=Epsilon.BESIDE_HAT)\n")
KNOWS = ("import math\n", "import math\nfrom lazyadam.reference.dialect import Dialect, Epsilon\n")

# Right as well, but computed in other ways.
ROUNDED = "{x: float(np.float32(getattr(h, x))) for x in ('lr', 'beta1', 'beta2', 'epsilon')}"
OTHERWISE = {
    "float32-scalars": (
        ("import math\n", "import math\nfrom dataclasses import replace\n"),
        (G, f"{G}        h = replace(h, **{ROUNDED})\n"),
    ),
    "old-plus-share-of-difference": (
        (M, "        m[rows] += (1 - h.beta1) * (g - m[rows])\n"),
        (V, "        v[rows] += (1 - h.beta2) * (g * g - v[rows])\n"),
    ),
    "moments-corrected": (
        KNOWS,
        HAT,
        (W, f"{CORRECTED}w[rows] -= h.lr * first / (np.sqrt(second) + h.epsilon)"),
    ),
    "correction-folded-into-epsilon": (
        KNOWS,
        HAT,
        (W, W.replace("h.epsilon", "h.epsilon * math.sqrt(1 - h.beta2**t)")),
    ),
    "float64-inside": (
        (M, M.replace("m[rows] +", "m[rows].astype(float) +")),
        (V, V.replace("v[rows] +", "v[rows].astype(float) +")),
        (W, W.replace("m[rows]", "m[rows].astype(float)")),
    ),
}


def given(text: str, folder: Path) -> type[Backend]:
    """The backend that a file with this text declares."""
    path = folder / "my_optimizer.py"
    path.write_text(text)
    (backend,) = declared(path)
    return backend


def changed(text: str, edits: tuple[tuple[str, str], ...]) -> str:
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_faulty_optimizer_is_red_with_its_axis(
    wrong: Wrong, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    backend = given(changed(NUMPY, wrong.edits), tmp_path)
    here = Here(backend("cpu"))
    if pytestconfig.getoption("--profile") != "ci":  # seconds for each
        assert fingerprint(backend, here.run).axes[wrong.axis] == wrong.value
    seen = examine(Sample(CLAUSES[wrong.clause], here.backend, "float32", 0, replace(BUDGET, cases=10)), here)
    assert seen.new
    explained = "unexplained" if wrong.value == NONE_FITS else f"{wrong.axis}: {wrong.value}"
    assert seen.judged[0].row["explained_by"] == explained


@pytest.mark.slow
@pytest.mark.parametrize("edits", OTHERWISE.values(), ids=list(OTHERWISE))
def test_any_usual_arithmetic_is_right_where_none_is_declared(
    edits: tuple[tuple[str, str], ...], tmp_path: Path
) -> None:
    here = Here(given(changed(NUMPY, edits), tmp_path)("cpu"))
    for clause in ("update-rule", "slow-averages", "late-steps", "tiny-gradients", "subnormal-gradients"):
        assert not examine(Sample(CLAUSES[clause], here.backend, "float32", 0, BUDGET), here).new
    seen = fingerprint(here.backend, here.run).axes
    assert NONE_FITS not in seen.values()
    assert seen["subnormals"] == "kept"


def test_a_declared_arithmetic_is_held_to(tmp_path: Path) -> None:
    text = changed(NUMPY, (*OTHERWISE["float32-scalars"], (NAME, f"{NAME}    source_read = True\n")))
    here = Here(given(text, tmp_path)("cpu"))
    assert examine(Sample(CLAUSES["update-rule"], here.backend, "float32", 0, BUDGET), here).new


@pytest.mark.parametrize(
    "text", [pytest.param(NUMPY, id="numpy"), pytest.param(TORCH, id="torch", marks=pytest.mark.slow)]
)
def test_a_right_optimizer_is_green_whatever_the_seed(
    text: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    try:
        here = Here(given(text, tmp_path)("cpu"))
    except NotRun as reason:
        pytest.skip(f"not run: {reason}")
    documented = vars(here.backend.documented)
    profile = pytestconfig.getoption("--profile")
    for seed, dtype in TRIED[profile]:
        for clause in applicable(here, dtype):
            if profile != "ci" or not clause.free:  # a long run takes seconds
                budget = replace(BUDGET, cases=CASES[profile])
                assert not examine(Sample(clause, here.backend, dtype, seed, budget), here).new, (
                    clause.id,
                    dtype,
                    seed,
                )
        found = fingerprint(here.backend, here.run, seed, dtype)
        assert found.witness is None
        for axis, value in documented.items():
            seen = found.axes[axis]
            assert seen.startswith("not asked") or value.name.lower() in seen.split("|"), (seed, axis, seen)
