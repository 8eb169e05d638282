"""What the pages of torch and MXNet say of their optimizers; the sentences are ours."""

import json
import math
from collections.abc import Iterator
from enum import Enum
from functools import partial

from lazyadam.reference.dialect import Dialect, Epsilon, Untouched, WeightDecay, ZeroRows
from lazyadam.reports.vocabulary import Claimed
from lazyadam.suites.equivalence.claims.axes import means, step_size
from lazyadam.suites.equivalence.claims.claim import Claim, Decision, undecided
from lazyadam.suites.equivalence.lab import Lab

AXIS = {type(value): axis for axis, value in vars(Dialect()).items()}


def page(framework: str, address: str, letter: str, *said: tuple[str, str, Enum]) -> Iterator[Claim]:
    """Claims about an axis: the sentence, the backend that it is about, and the value that it says."""
    for number, (text, name, value) in enumerate(said, 1):
        decide = partial(means, name=name, axis=AXIS[type(value)], value=value)
        yield Claim(f"{letter}{number}", text, decide, address, framework)


def _dense_weights(lab: Lab, seed: int) -> Decision:
    ran = lab.script("dense_weights_mxnet")
    if ran.error:
        return Decision(undecided(ran.error), "")
    moved = json.loads(ran.output)["moved"]
    evidence = f"After a row_sparse gradient of row 1 of dense weights, rows {moved} of them had moved."
    return Decision(
        Claimed.REFUTED if moved == [1] else Claimed.CONFIRMED, evidence, "dense_weights_mxnet.py"
    )


TORCH = "torch.optim.SparseAdam, docstring, 2.13"
MXNET = "mxnet.optimizer.Adam, docstring, 1.9.1"
PAGES = (
    *page(
        "torch",
        TORCH,
        "T",
        (
            "Where the gradient has values SparseAdam computes what Adam does.",
            "torch.SparseAdam",
            Epsilon.BESIDE_HAT,
        ),
        ("Moments and parameters that have no gradient stay.", "torch.SparseAdam", Untouched.FROZEN),
        ("What is stored in a gradient counts, and be it zero.", "torch.SparseAdam", ZeroRows.TOUCHED),
    ),
    *page(
        "mxnet",
        MXNET,
        "M",
        (
            "Lazy updates change the rows of the gradient alone, moments and all.",
            "mxnet.Adam.lazy",
            Untouched.FROZEN,
        ),
        ("Without lazy_update all rows are updated.", "mxnet.Adam.standard", Untouched.DENSE),
        ("ε is added to the root of the stored v.", "mxnet.Adam.lazy", Epsilon.BESIDE_ROOT),
        ("wd·w joins each row of the gradient.", "mxnet.Adam.lazy", WeightDecay.COALESCED),
    ),
    Claim(
        "M5",
        "The step size is lr·√(1 − β1^t) / (1 − β2^t).",
        partial(
            step_size,
            name="mxnet.Adam.lazy",
            claimed=lambda h, t: h.lr * math.sqrt(1 - h.beta1**t) / (1 - h.beta2**t),
        ),
        MXNET,
        "mxnet",
    ),
    Claim(
        "M6",
        "Updates are lazy where weights and gradient are both row_sparse.",
        _dense_weights,
        MXNET,
        "mxnet",
    ),
)
