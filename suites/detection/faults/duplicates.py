"""Rows that repeat."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.hosts.edit import Edits

_SUM = "np.add.at(total, inverse, values)"
_COALESCE = "grad = grad.coalesce()  # the update is non-linear so indices must be unique"


def _torch(merge: str) -> Edits:
    """`merge` fills `kept`, a row for each of `rows`, from `parts`, whose rows `inverse` numbers."""
    lines = (
        "rows, inverse = grad._indices()[0].unique(return_inverse=True)",
        "parts = grad._values()",
        "kept = parts.new_zeros((len(rows), *parts.shape[1:]))",
        merge,
        "grad = grad.new(rows[None], kept, grad.size())._coalesced_(True)",
    )
    return ((_COALESCE, "\n        ".join(lines)),)


FAULTS = (
    Fault(
        "duplicates-last",
        "the last of the duplicates counts",
        numpy=((_SUM, "total[inverse] = values"),),
        torch=_torch("kept[inverse] = parts"),
        stands_for="Paddle#7045",
    ),
    Fault(
        "duplicates-first",
        "the first of the duplicates counts",
        numpy=((_SUM, "total[inverse[::-1]] = values[::-1]"),),
        torch=_torch("kept[inverse.flip(0)] = parts.flip(0)"),
    ),
    Fault(
        "duplicates-mean",
        "duplicates act as their mean",
        numpy=(
            (
                _SUM,
                f"{_SUM}\n    total /= np.bincount(inverse, minlength=len(unique))"
                ".reshape(-1, *[1] * (values.ndim - 1)).astype(total.dtype)",
            ),
        ),
        torch=_torch(
            "kept.index_add_(0, inverse, parts).div_("
            "inverse.bincount(minlength=len(rows)).view(-1, *[1] * (parts.dim() - 1)))"
        ),
    ),
    Fault(
        "duplicates-scattered",
        "duplicates are not merged: each overwrites the moments",
        numpy=(("rows, g = coalesce(*grad)", "rows, g = grad"),),
        torch=((_COALESCE, "grad = grad.clone()._coalesced_(True)"),),
        stands_for="caffe2#254; pytorch#1447, #1458",
    ),
    Fault(
        "duplicates-one-after-another",
        "each duplicate is a step of its own",
        numpy=(
            (
                'lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                "parts = [p.grad]\n"
                "                if isinstance(p.grad, tuple):\n"
                "                    parts = [(r[None], x[None]) for r, x in zip(*p.grad)]\n"
                "                for part in parts:\n"
                '                    lazy_adam(p.data, state["m"], state["v"], part, state["step"], group)',
            ),
        ),
        stands_for="caffe2#254",
    ),
    Fault(
        "duplicates-squared-apart",
        "the second moment takes the sum of the squares, not the square of the sum",
        numpy=(
            ("(g * g)", "(coalesce(grad[0], grad[1] * grad[1])[1] if isinstance(grad, tuple) else g * g)"),
        ),
        torch=(
            (
                _COALESCE,
                "squares = grad.new(grad._indices(), grad._values().pow(2), grad.size()).coalesce()._values()\n"
                f"        {_COALESCE}",
            ),
            ("grad_values.pow(2)", "squares"),
        ),
    ),
    Fault(
        "duplicates-neighbours-only",
        "duplicates are merged only where they stand side by side",
        numpy=(
            (
                "unique, inverse = np.unique(rows, return_inverse=True)",
                "new = np.diff(rows, prepend=-1) != 0\n    unique, inverse = rows[new], np.cumsum(new) - 1",
            ),
        ),
    ),
    Fault(
        "duplicates-third-lost",
        "of more than two duplicates two count",
        numpy=(
            (
                _SUM,
                "for row in range(len(unique)):\n        total[row] = values[inverse == row][:2].sum(axis=0)",
            ),
        ),
        torch=_torch(
            "for row in range(len(rows)):\n            kept[row] = parts[inverse == row][:2].sum(0)"
        ),
    ),
    Fault(
        "duplicates-past-4096-lost",
        "entries of the gradient past 4,096 are lost",
        numpy=((_SUM, "np.add.at(total, inverse[:4096], values[:4096])"),),
        torch=_torch("kept.index_add_(0, inverse[:4096], parts[:4096])"),
        stands_for="pytorch#84471",
    ),
    Fault(
        "duplicates-summed-in-float16",
        "duplicates are summed in float16",
        numpy=(
            (_SUM, f"total = total.astype(np.float16)\n    {_SUM}\n    total = total.astype(values.dtype)"),
        ),
        torch=_torch("kept = kept.half().index_add_(0, inverse, parts.half()).to(parts.dtype)"),
        stands_for="pytorch#35810",
    ),
    Fault(
        "duplicates-weighted",
        "a repeated row counts one part in a million more",
        numpy=(
            (
                _SUM,
                f"{_SUM}\n    total[np.bincount(inverse, minlength=len(unique)) > 1]"
                " *= total.dtype.type(1 + 2**-20)",
            ),
        ),
        torch=_torch(
            "kept.index_add_(0, inverse, parts)[inverse.bincount(minlength=len(rows)) > 1] *= 1 + 2**-20"
        ),
    ),
)
