"""What a clause is, and what the families of clauses share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.strategies import Menu, Shape

H = Hyperparameters

PAPER = "Kingma and Ba, Adam, arXiv:1412.6980, the algorithm and the end of section 2"
TORCH_SPARSE_ADAM = "torch.optim.SparseAdam documentation, 2.13"
TORCH_ADAM = "torch.optim.Adam documentation, 2.13"
MINDSPORE_LAZY_ADAM = "mindspore.nn.LazyAdam documentation, 2.10"
MINDSPORE_ADAM = "mindspore.nn.Adam documentation, 2.10"


@dataclass(frozen=True)
class Clause:
    """A requirement: what it demands, where (words to follow 'where'), who demands it, and what tries it.

    needs: what a backend has to take for the clause to apply to it. free: judged free running, not
    step by step. layout: the clause is whether this layout is taken at all; it is tried in every type
    where the backend takes it, and in float32 where it doesn't. strict_epsilon: no part of ε may be lost
    where it is rounded to the tensor's type. tried_in: types beside which there is nothing to be tried.
    """

    id: str
    sentence: str
    where: str
    source: str
    menu: Callable[[type[Backend]], Menu]
    needs: tuple[str | Manner, ...] = ()
    free: bool = False
    layout: str = ""
    strict_epsilon: bool = False
    tried_in: tuple[str, ...] = tuple(PRECISIONS)

    def missing(self, backend: type[Backend]) -> str:
        """Why the clause does not apply to a backend; '' where it does."""
        return missing(self.needs, backend)

    def dtypes(self, backend: type[Backend]) -> tuple[str, ...]:
        """The types in which the clause is tried."""
        if not self.layout:
            return tuple(dtype for dtype in backend.dtypes if dtype in self.tried_in)
        return tuple(PRECISIONS) if self.layout in backend.layouts else ("float32",)


def missing(needs: Iterable[str | Manner], backend: type[Backend]) -> str:
    """What of the layouts, hyperparameters and manners needed a backend does not take, in words."""
    anew = {f"{name} set anew" for name in backend.changing}
    takes = backend.layouts | backend.hyperparameters | backend.manners | anew
    lacking = [need for need in needs if need not in takes]
    if not lacking:
        return ""
    return "does not take: " + ", ".join(x.value if isinstance(x, Manner) else x for x in lacking)


def layouts(backend: type[Backend]) -> tuple[str, ...]:
    """The layout that a clause about something else is tried in."""
    return ("sparse",) if "sparse" in backend.layouts else ("dense",)


def in_manner(manner: Manner, most: int = 1_000_000) -> Callable[[type[Backend]], Menu]:
    """A menu of a few shapes, handed over in a manner."""
    shapes: tuple[Shape, ...] = ((6, 4), (7,), (5, 2, 3))
    return lambda backend: Menu(
        layouts=layouts(backend),
        shapes=tuple((shape,) for shape in shapes),
        manner=frozenset({manner}),
        steps=4,
        most=most,
    )


SHAPES: tuple[tuple[Shape, ...], ...] = (((6, 4),), ((5, 3),))
ALL_ROWS = ("distinct", "sorted", "all")
SETTINGS = (
    (H(),),
    (H(lr=0.3, beta1=0.6, beta2=0.99, epsilon=1e-3),),
    (H(lr=0.01, beta1=0.95, beta2=0.9999, epsilon=1e-2),),
)
MORE_SETTINGS = (
    *SETTINGS,
    (H(lr=1e-4, beta1=0.3, beta2=0.99999, epsilon=1e-6),),
    (H(beta1=0.99, beta2=0.5),),
)


def some_settings(backend: type[Backend]) -> tuple[tuple[Hyperparameters, ...], ...]:
    """Few hyperparameter sets where each is compiled, more elsewhere."""
    return SETTINGS if backend.compiles else MORE_SETTINGS
