"""What is checked: each check a name, a sentence, and the menu of cases that a backend gets for it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from reference.rounding import PRECISIONS
from reference.scalars import Hyperparameters
from suites.backends.base import Backend
from suites.cases.strategies import Menu, Shape

H = Hyperparameters


@dataclass(frozen=True)
class Check:
    """menu(backend) is None where the check does not apply to the backend.

    free: judged free running, not step by step. layout: the check is whether this layout is taken at
    all; it is tried in every type where the backend takes it, and in float32 where it doesn't.
    """

    name: str
    sentence: str
    menu: Callable[[type[Backend]], Menu | None]
    free: bool = False
    layout: str = ""

    def dtypes(self, backend: type[Backend]) -> tuple[str, ...]:
        """The types in which the check is run."""
        if not self.layout:
            return backend.dtypes
        return tuple(PRECISIONS) if self.layout in backend.layouts else ("float32",)


def _layouts(backend: type[Backend]) -> tuple[str, ...]:
    return ("sparse",) if "sparse" in backend.layouts else ("dense",)


SHAPES: tuple[tuple[Shape, ...], ...] = (((6, 4),), ((5, 3),))
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
ALL_ROWS = ("distinct", "sorted", "all")


def _some(backend: type[Backend]) -> tuple[tuple[Hyperparameters, ...], ...]:
    """Few hyperparameter sets where each is compiled, more elsewhere."""
    return SETTINGS if backend.compiles else MORE_SETTINGS


def _update_rule(backend: type[Backend]) -> Menu | None:
    shapes = SHAPES[:1] if backend.compiles else SHAPES
    return Menu(layouts=_layouts(backend), shapes=shapes, hyperparameters=_some(backend), rows=ALL_ROWS)


def _duplicates(backend: type[Backend]) -> Menu | None:
    if "sparse" not in backend.layouts:
        return None
    return Menu(rows=("repeated", "hot"), regimes=("ones", "ramp", "ordinary", "broad"))


def _untouched(backend: type[Backend]) -> Menu | None:
    if "sparse" not in backend.layouts:
        return None
    return Menu(shapes=(((6, 4),),), rows=("distinct",), starts=(0, 7), steps=8)


def _empty(backend: type[Backend]) -> Menu | None:
    if "sparse" not in backend.layouts:
        return None
    return Menu(rows=("empty", "distinct"))


def _missing(backend: type[Backend]) -> Menu | None:
    if "none" not in backend.layouts:
        return None
    return Menu(layouts=(*_layouts(backend), "none"), shapes=(((6, 4), (5, 3)),))


def _sparse(backend: type[Backend]) -> Menu | None:
    return Menu(layouts=("sparse",), steps=3)


def _dense(backend: type[Backend]) -> Menu | None:
    return Menu(layouts=("dense",), hyperparameters=_some(backend), steps=4)


def _several(backend: type[Backend]) -> Menu | None:
    first, second = H(), H(lr=0.1)
    if "weight_decay" in backend.grouped:
        second = replace(second, weight_decay=0.1)
    if "beta1" in backend.grouped:
        second = replace(second, beta1=0.5, epsilon=1e-2)
    return Menu(
        layouts=_layouts(backend),
        shapes=(((6, 4), (5, 3), (6, 4)),),
        hyperparameters=((first, second),),
        steps=4,
    )


def _learning_rate(backend: type[Backend]) -> Menu | None:
    return Menu(layouts=_layouts(backend), lr_changes=(1e-3, 0.5, 1e-5, 0.0))


def _save_and_load(backend: type[Backend]) -> Menu | None:
    if backend.compiles:  # every fresh optimizer is a compilation
        return Menu(layouts=_layouts(backend), reloads=True, steps=3, most=4)
    return Menu(layouts=_layouts(backend), reloads=True)


def _late(backend: type[Backend]) -> Menu | None:
    return Menu(
        layouts=_layouts(backend),
        hyperparameters=_some(backend)[:2],
        starts=(100, 828, 829, 1000, 5000, 9999),
    )


def _decay(backend: type[Backend]) -> Menu | None:
    if "weight_decay" not in backend.hyperparameters:
        return None
    menu: tuple[tuple[Hyperparameters, ...], ...] = (
        (H(weight_decay=0.1),),
        (H(weight_decay=1e-3, epsilon=1e-3),),
    )
    return Menu(layouts=_layouts(backend), hyperparameters=menu)


def _decay_with_duplicates(backend: type[Backend]) -> Menu | None:
    if "weight_decay" not in backend.hyperparameters or "sparse" not in backend.layouts:
        return None
    return Menu(hyperparameters=((H(weight_decay=0.1),),), rows=("repeated",), kinds=("ones", "ordinary"))


def _loss_scale(backend: type[Backend]) -> Menu | None:
    if "loss_scale" not in backend.hyperparameters:
        return None
    menu = ((H(loss_scale=1024.0),), (H(loss_scale=3.0, weight_decay=0.1),))
    return Menu(layouts=_layouts(backend), hyperparameters=menu)


def _nesterov(backend: type[Backend]) -> Menu | None:
    if "nesterov" not in backend.hyperparameters:
        return None
    return Menu(
        layouts=_layouts(backend),
        hyperparameters=((H(nesterov=True),), (H(nesterov=True, lr=0.3, epsilon=1e-3),)),
    )


def _maximize(backend: type[Backend]) -> Menu | None:
    if "maximize" not in backend.hyperparameters:
        return None
    decay = 0.1 if "weight_decay" in backend.hyperparameters else 0.0
    return Menu(layouts=_layouts(backend), hyperparameters=((H(maximize=True, weight_decay=decay),),))


def _tiny(backend: type[Backend]) -> Menu | None:
    return Menu(layouts=_layouts(backend), hyperparameters=_some(backend)[:2], regimes=("tiny", "broad"))


def _subnormal(backend: type[Backend]) -> Menu | None:
    # Only here do gradients, or their squares, become subnormal: each such case costs MindSpore a graph of
    # its own (suites/backends/mindspore_nn.py), and elsewhere a verdict would be about something else.
    return Menu(layouts=_layouts(backend), regimes=("subnormal", "wide"), kinds=("nothing", "tiny"))


def _special(backend: type[Backend]) -> Menu | None:
    return Menu(layouts=_layouts(backend), regimes=("overflowing", "special"))


def _shapes(backend: type[Backend]) -> Menu | None:
    shapes: tuple[Shape, ...] = ((7,), (3, 1), (5, 2, 3), (1, 33))
    if not backend.compiles:
        shapes = (*shapes, (4, 2, 1, 3), (2, 257), (40, 1), (1, 1), (9, 16))
    return Menu(layouts=_layouts(backend), shapes=tuple((shape,) for shape in shapes), rows=ALL_ROWS, steps=4)


def _long_run(backend: type[Backend]) -> Menu | None:
    # PyNative forms run the same compiled step as the graphs; their 10,000 steps would cost a minute.
    last = 1000 if backend.mode == "pynative" else 10000
    return Menu(
        layouts=_layouts(backend),
        shapes=(((16, 4),),),
        kinds=("ordinary",),
        starts=(0,),
        observed=tuple(k for k in (10, 100, 1000, 10000) if k <= last),
    )


CHECKS = {
    check.name: check
    for check in (
        Check("update-rule", "m, v and w follow the update rule", _update_rule),
        Check("duplicates", "rows that repeat act as their sum", _duplicates),
        Check("untouched-rows", "rows without a gradient stay bit for bit", _untouched),
        Check("empty-gradient", "a gradient without rows updates nothing", _empty),
        Check("missing-gradient", "a parameter without a gradient is left alone", _missing),
        Check("sparse-gradient", "sparse gradients are taken", _sparse, layout="sparse"),
        Check("dense-gradient", "dense gradients are taken", _dense, layout="dense"),
        Check("several-parameters", "every parameter follows the rule of its own group", _several),
        Check("learning-rate", "a learning rate changed by step acts from that step", _learning_rate),
        Check("save-and-load", "saving and loading the state changes nothing", _save_and_load),
        Check("late-steps", "the rule holds from any step count and state", _late),
        Check("weight-decay", "weight decay adds λ·w to the gradient", _decay),
        Check("weight-decay-duplicates", "weight decay joins a repeated row once", _decay_with_duplicates),
        Check("loss-scale", "gradients are divided by the loss scale, before weight decay", _loss_scale),
        Check("nesterov", "Nesterov's form takes β1·m + (1 − β1)·g", _nesterov),
        Check("maximize", "maximizing negates the gradient", _maximize),
        Check("tiny-gradients", "the rule holds where ε rules the denominator", _tiny),
        Check(
            "subnormal-gradients", "the rule holds where gradients or their squares are subnormal", _subnormal
        ),
        Check("special-values", "overflow, infinity and NaN have the right class", _special),
        Check("shapes", "the rule holds for every rank and width", _shapes),
        Check("long-run", "reference and backend stay together over 10,000 steps", _long_run, free=True),
    )
}
