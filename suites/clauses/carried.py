"""State that is carried from torch's SparseAdam to a lazy optimizer and back, in mid-training."""

from collections.abc import Callable

from lazyadam.reference.dialect import Untouched
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.torch.backends import SparseAdam
from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses.clause import MINDSPORE_LAZY_ADAM, TORCH_SPARSE_ADAM, Clause

LEGS = (slice(0, 4), slice(4, 8), slice(8, 12))


def takes_over(backend: type[Backend]) -> bool:
    """Whether a backend is to go on where SparseAdam stopped: a lazy optimizer other than itself."""
    lazy = "sparse" in backend.layouts and backend.documented.untouched is Untouched.FROZEN
    return lazy and backend is not SparseAdam


def _rows(pattern: str) -> Callable[[type[Backend]], Menu]:
    return lambda _: Menu(rows=(pattern,), observed=tuple(range(1, LEGS[-1].stop + 1)), starts=(0, 7))


CLAUSES = (
    Clause(
        "state-carried",
        "an optimizer goes on from SparseAdam's state, and SparseAdam from its own, as the rule says",
        "state is carried from SparseAdam",
        f"{MINDSPORE_LAZY_ADAM}, with {TORCH_SPARSE_ADAM}: of one algorithm, the state is w, m, v and t",
        _rows("distinct"),
    ),
    Clause(
        "state-carried-duplicates",
        "state is carried between SparseAdam and an optimizer where gradients repeat rows",
        "state is carried from SparseAdam and rows repeat",
        f"{MINDSPORE_LAZY_ADAM}, with {TORCH_SPARSE_ADAM}: of one algorithm, the state is w, m, v and t",
        _rows("repeated"),
    ),
)
