"""Execution: settings that promise to change how a step runs, not what it does."""

from collections.abc import Callable

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.strategies import Menu
from lazyadam.suites.clauses.clause import (
    ALL_ROWS,
    MINDSPORE_ADAM,
    MINDSPORE_LAZY_ADAM,
    Clause,
    in_manner,
    layouts,
)


def _in(manner: Manner, most: int) -> Callable[[type[Backend]], Menu]:
    return lambda backend: Menu(
        layouts=layouts(backend),
        rows=("distinct", "repeated"),
        manner=frozenset({manner}),
        steps=4,
        most=most,
    )


def _assigned(backend: type[Backend]) -> Menu:
    # Nothing subnormal, which launches of one and the same graph flush or keep.
    return Menu(
        layouts=layouts(backend),
        rows=("distinct", "repeated"),
        regimes=("ones", "ramp", "ordinary", "zeros"),
        kinds=("nothing", "ordinary"),
        manner=frozenset({Manner.ASSIGNED}),
        steps=4,
        most=4,
    )


def _on_threads(backend: type[Backend]) -> Menu:
    # Where the work of a step is cut up for them: from 2¹⁵ numbers on (at::internal::GRAIN_SIZE).
    return Menu(
        layouts=tuple(sorted(backend.layouts - {"none"})),
        shapes=(((1025, 65),),),
        rows=ALL_ROWS,
        regimes=("ordinary",),
        manner=frozenset({Manner.THREADS}),
        steps=2,
        most=4,
    )


CLAUSES = (
    Clause(
        "use-locking",
        "locking protects the update and does not change it",
        "updates are locked",
        f"{MINDSPORE_LAZY_ADAM}, use_locking",
        _in(Manner.USE_LOCKING, 4),
        needs=(Manner.USE_LOCKING,),
    ),
    Clause(
        "unique",
        "the optimizer's attribute unique does not change a result",
        "the attribute unique is set",
        f"{MINDSPORE_ADAM}; mindspore/nn/optim/optimizer.py, 2.10, property unique",
        _in(Manner.UNIQUE, 4),
        needs=(Manner.UNIQUE,),
    ),
    Clause(
        "attributes-assigned",
        "assigning the attributes target and unique what they show changes no bit; compared with itself",
        "attributes are assigned what they show",
        "mindspore/nn/optim/optimizer.py, 2.10, properties target and unique (default and setter)",
        _assigned,
        needs=(Manner.ASSIGNED,),
    ),
    Clause(
        "cold-start",
        "the first launch does what later ones do",
        "a graph is launched for the first time",
        "design of the suite: a case is a pure function",
        _in(Manner.COLD, 2),
        needs=(Manner.COLD,),
    ),
    Clause(
        "threads",
        "on two threads a step does what it does on one",
        "it runs on two threads",
        "torch.set_num_threads documentation, 2.13; bug class of torch/nn#790",
        _on_threads,
        needs=(Manner.THREADS,),
    ),
    Clause(
        "deterministic",
        "where deterministic algorithms alone may run a step does the same",
        "deterministic algorithms alone may run",
        "torch.use_deterministic_algorithms documentation, 2.13; bug class of pytorch#56521",
        _in(Manner.DETERMINISTIC, 8),
        needs=(Manner.DETERMINISTIC,),
    ),
    Clause(
        "grad-scaler",
        "through a loss scaler a step does the same, and one with infinite gradients does nothing",
        "gradients go through a loss scaler",
        "torch.amp.GradScaler documentation, 2.13; bug class of pytorch#95781 and DeepSpeed#5775",
        in_manner(Manner.SCALER, 10),
        needs=(Manner.SCALER,),
        tried_in=("bfloat16", "float32", "float64"),  # a scaler refuses gradients of float16
    ),
    Clause(
        "cuda-graph",
        "a step that is captured as a CUDA graph and replayed does the same",
        "the step is replayed as a CUDA graph",
        "torch.optim.Adam documentation, 2.13, capturable; bug class of pytorch#76368",
        in_manner(Manner.GRAPH, 10),
        needs=(Manner.GRAPH,),
    ),
)
