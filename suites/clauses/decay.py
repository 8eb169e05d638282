"""Weight decay and the loss scale: what is done to the gradient before it enters the moments."""

from collections.abc import Callable

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.strategies import Menu, Shape
from lazyadam.suites.clauses.clause import MINDSPORE_ADAM, TORCH_ADAM, Clause, H, layouts

_DECAY = f"{TORCH_ADAM} and {MINDSPORE_ADAM}, weight_decay"
_SCALE = f"{MINDSPORE_ADAM}, loss_scale"


def _with(
    *settings: Hyperparameters,
    rows: tuple[str, ...] = ("distinct",),
    shapes: tuple[Shape, ...] = ((6, 4),),
    manner: frozenset[Manner] = frozenset(),
) -> Callable[[type[Backend]], Menu]:
    """A menu of these settings."""
    return lambda backend: Menu(
        layouts=layouts(backend),
        shapes=tuple((shape,) for shape in shapes),
        hyperparameters=tuple((h,) for h in settings),
        rows=rows,
        manner=manner,
    )


CLAUSES = (
    Clause(
        "weight-decay",
        "weight decay adds λ·w to the gradient",
        "weights decay",
        _DECAY,
        _with(H(weight_decay=0.1), H(weight_decay=1e-3, epsilon=1e-3), shapes=((6, 4), (7,))),
        needs=("weight_decay",),
    ),
    Clause(
        "weight-decay-duplicates",
        "weight decay joins a repeated row once",
        "weights decay and rows repeat",
        _DECAY,
        _with(H(weight_decay=0.1), rows=("repeated",)),
        needs=("sparse", "weight_decay"),
    ),
    Clause(
        "weight-decay-maximize",
        "weight decay is added after the gradient is negated",
        "weights decay and the objective is maximized",
        _DECAY,
        _with(H(maximize=True, weight_decay=0.1)),
        needs=("weight_decay", "maximize"),
    ),
    Clause(
        "weight-decay-loss-scale",
        "weight decay is added after the gradient is unscaled",
        "weights decay and gradients are scaled",
        f"{_DECAY}; {_SCALE}",
        _with(H(loss_scale=3.0, weight_decay=0.1)),
        needs=("weight_decay", "loss_scale"),
    ),
    Clause(
        "weight-decay-nesterov",
        "Nesterov's form takes the gradient with its weight decay",
        "weights decay and Nesterov's form is taken",
        f"{_DECAY}; {MINDSPORE_ADAM}, use_nesterov",
        _with(H(nesterov=True, weight_decay=0.1)),
        needs=("weight_decay", "nesterov"),
    ),
    Clause(
        "weight-decay-strided",
        "weight decay takes the weights of a parameter that is not contiguous, and nothing beside them",
        "weights decay and the parameter is not contiguous",
        f"{_DECAY}; torch.Tensor.is_contiguous documentation, 2.13",
        _with(H(weight_decay=0.1), shapes=((6, 4), (7,)), manner=frozenset({Manner.STRIDED})),
        needs=("weight_decay", Manner.STRIDED),
    ),
    Clause(
        "loss-scale",
        "gradients are divided by the loss scale",
        "gradients are scaled",
        _SCALE,
        _with(H(loss_scale=1024.0), H(loss_scale=0.25)),
        needs=("loss_scale",),
    ),
)
