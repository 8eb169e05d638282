"""Gradients: their layouts, their rows, and the values at the edges of the type."""

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.cases.case import Manner
from lazyadam.suites.cases.strategies import Menu, Shape
from lazyadam.suites.clauses.clause import (
    MINDSPORE_LAZY_ADAM,
    PAPER,
    TORCH_SPARSE_ADAM,
    Clause,
    H,
    layouts,
    some_settings,
)

_LAZY = f"{TORCH_SPARSE_ADAM} and {MINDSPORE_LAZY_ADAM}: only the rows of the gradient are updated"
_COALESCED = (
    "torch.sparse documentation, 2.13, uncoalesced tensors; mindspore.ops.FusedSparseLazyAdam "
    "documentation, 2.10 ('Merges the duplicate value of the gradient')"
)
_IEEE = "IEEE 754-2019, section 6"


def _sparse(backend: type[Backend]) -> Menu:
    return Menu(layouts=("sparse",), steps=3)


def _dense(backend: type[Backend]) -> Menu:
    # A gradient of a square parameter does not show by its shape that it was transposed.
    shapes: tuple[Shape, ...] = ((6, 4), (5, 5))
    each = tuple((shape,) for shape in shapes)
    return Menu(layouts=("dense",), shapes=each, hyperparameters=some_settings(backend), steps=4)


def _duplicates(backend: type[Backend]) -> Menu:
    return Menu(rows=("repeated", "hot"), regimes=("ones", "ramp", "ordinary", "broad"))


def _untouched(backend: type[Backend]) -> Menu:
    return Menu(kinds=("ordinary", "zeros"), starts=(0, 7), steps=8)


def _gaps(backend: type[Backend]) -> Menu:
    return Menu(rows=("gaps",), starts=(0, 7), steps=8)


def _zero_rows(backend: type[Backend]) -> Menu:
    return Menu(regimes=("nothing", "zeros"))


def _all_rows(backend: type[Backend]) -> Menu:
    return Menu(rows=("all",))


def _empty(backend: type[Backend]) -> Menu:
    return Menu(rows=("empty", "distinct"))


def _missing(backend: type[Backend]) -> Menu:
    # Mostly there, and mostly from the first step on: so that some come later than those before them.
    shapes: tuple[tuple[Shape, ...], ...] = (((6, 4), (5, 3)), ((6, 4), (6, 4)), ((6, 4), (5, 3), (6, 4)))
    if not backend.compiles:
        shapes = (*shapes, ((2, 2),) * 64)  # a launch may hold some 40 of them
    return Menu(
        layouts=(*layouts(backend), *layouts(backend), "none"),
        shapes=shapes,
        starts=(0, 0, 0, 7),
    )


def _index_type(backend: type[Backend]) -> Menu:
    manner = Manner.INT64_ROWS if backend.framework == "mindspore" else Manner.INT32_ROWS
    return Menu(rows=("distinct", "repeated"), manner=frozenset({manner}), steps=3)


def _kept(backend: type[Backend]) -> Menu:
    # What changes the gradient before it is used might change it in place.
    changes = {
        "maximize": H(maximize=True),
        "weight_decay": H(weight_decay=0.1),
        "loss_scale": H(loss_scale=3.0),
    }
    settings = [h for name, h in changes.items() if name in backend.hyperparameters and not backend.compiles]
    return Menu(
        layouts=layouts(backend) if backend.compiles else tuple(sorted(backend.layouts - {"none"})),
        hyperparameters=((H(),), *((h,) for h in settings)),
        kinds=("ordinary",),
        rows=("distinct", "repeated"),
        manner=frozenset({Manner.WATCHED}),
    )


def _subnormal(backend: type[Backend]) -> Menu:
    # Only here do gradients, or their squares, become subnormal: each such case costs MindSpore a graph of
    # its own (suites/backends/mindspore/optimizer.py), and elsewhere a verdict would be about something else.
    return Menu(
        layouts=layouts(backend),
        regimes=("subnormal", "wide"),
        kinds=("nothing", "tiny"),
        most=6 if backend.compiles else 1_000_000,
    )


def _special(backend: type[Backend]) -> Menu:
    return Menu(layouts=layouts(backend), regimes=("overflowing", "special"))


CLAUSES = (
    Clause(
        "sparse-gradient",
        "sparse gradients are taken",
        "the gradient is sparse",
        _LAZY,
        _sparse,
        layout="sparse",
    ),
    Clause(
        "dense-gradient", "dense gradients are taken", "the gradient is dense", PAPER, _dense, layout="dense"
    ),
    Clause(
        "duplicates", "rows that repeat act as their sum", "rows repeat", _COALESCED, _duplicates, ("sparse",)
    ),
    Clause(
        "untouched-rows",
        "rows without a gradient stay bit for bit",
        "rows have no gradient",
        _LAZY,
        _untouched,
        ("sparse",),
    ),
    Clause(
        "gaps",
        "steps in which a row was skipped change nothing for it but t",
        "a row is skipped for some steps",
        _LAZY,
        _gaps,
        ("sparse",),
    ),
    Clause(
        "zero-rows",
        "a row of zeros in the gradient is a row of the gradient",
        "a row of the gradient is zero",
        _LAZY,
        _zero_rows,
        ("sparse",),
    ),
    Clause(
        "all-rows",
        "a sparse gradient with every row is an Adam step",
        "the gradient has every row",
        f"{PAPER}; {_LAZY}",
        _all_rows,
        ("sparse",),
    ),
    Clause(
        "empty-gradient",
        "a gradient without rows updates nothing",
        "the gradient has no rows",
        _LAZY,
        _empty,
        ("sparse",),
    ),
    Clause(
        "missing-gradient",
        "a parameter without a gradient is left alone",
        "a parameter has no gradient",
        "torch.optim documentation, 2.13: parameters whose grad is None are skipped",
        _missing,
        needs=("none",),
    ),
    Clause(
        "index-type",
        "int32 and int64 rows act alike",
        "rows are int32 or int64",
        "torch.sparse_coo_tensor documentation, 2.13 (indices are cast to int64); "
        "mindspore.RowTensor documentation, 2.10 (indices: a 1-D integer tensor)",
        _index_type,
        needs=("sparse",),
    ),
    Clause(
        "gradient-kept",
        "the caller's gradient is left as it was, and a parameter in its memory",
        "the caller keeps the gradient",
        "torch.optim.Optimizer.step documentation, 2.13 (updates parameters); bug class of pytorch#116507",
        _kept,
        needs=(Manner.WATCHED,),
    ),
    Clause(
        "subnormal-gradients",
        "the rule holds where gradients or their squares are subnormal",
        "numbers are subnormal",
        _IEEE,
        _subnormal,
    ),
    Clause(
        "special-values",
        "overflow, infinity and NaN have the right class",
        "numbers overflow, or are infinite or NaN",
        _IEEE,
        _special,
    ),
)
