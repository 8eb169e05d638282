"""Weight decay and the loss scale: what is done to the gradient before it enters the moments."""

from reference.scalars import Hyperparameters
from suites.backends.base import Backend
from suites.cases.strategies import Menu
from suites.clauses.clause import MINDSPORE_ADAM, TORCH_ADAM, Clause, H, layouts

_DECAY = f"{TORCH_ADAM} and {MINDSPORE_ADAM}, weight_decay"
_SCALE = f"{MINDSPORE_ADAM}, loss_scale"


def _with(
    backend: type[Backend],
    needed: set[str],
    *settings: Hyperparameters,
    rows: tuple[str, ...] = ("distinct",),
) -> Menu | None:
    """A menu of these settings, where the backend has all the hyperparameters needed."""
    if not needed <= backend.hyperparameters:
        return None
    return Menu(layouts=layouts(backend), hyperparameters=tuple((h,) for h in settings), rows=rows)


def _decay(backend: type[Backend]) -> Menu | None:
    return _with(backend, {"weight_decay"}, H(weight_decay=0.1), H(weight_decay=1e-3, epsilon=1e-3))


def _duplicates(backend: type[Backend]) -> Menu | None:
    if "sparse" not in backend.layouts:
        return None
    return _with(backend, {"weight_decay"}, H(weight_decay=0.1), rows=("repeated",))


def _maximize(backend: type[Backend]) -> Menu | None:
    return _with(backend, {"weight_decay", "maximize"}, H(maximize=True, weight_decay=0.1))


def _scaled_decay(backend: type[Backend]) -> Menu | None:
    return _with(backend, {"weight_decay", "loss_scale"}, H(loss_scale=3.0, weight_decay=0.1))


def _loss_scale(backend: type[Backend]) -> Menu | None:
    return _with(backend, {"loss_scale"}, H(loss_scale=1024.0))


CLAUSES = (
    Clause("weight-decay", "weight decay adds λ·w to the gradient", _DECAY, _decay),
    Clause("weight-decay-duplicates", "weight decay joins a repeated row once", _DECAY, _duplicates),
    Clause("weight-decay-maximize", "weight decay is added after the gradient is negated", _DECAY, _maximize),
    Clause(
        "weight-decay-loss-scale",
        "weight decay is added after the gradient is unscaled",
        f"{_DECAY}; {_SCALE}",
        _scaled_decay,
    ),
    Clause("loss-scale", "gradients are divided by the loss scale", _SCALE, _loss_scale),
)
