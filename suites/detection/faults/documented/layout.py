"""Memory layouts."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.documented.texts import DENSE, MERGE, UNIQUE, WRITE_W, t_entries

FAULTS = (
    Fault(
        "reversed-values-read-forward",
        "values that are a reversed view are read in the order of memory",
        numpy=((UNIQUE, f"if values.strides[0] < 0:\n        values = values[::-1]\n    {UNIQUE}"),),
    ),
    Fault(
        "expanded-values-counted-once",
        "values that are one row expanded to all entries count for the first entry alone",
        numpy=(
            (
                UNIQUE,
                "if len(values) > 1 and values.strides[0] == 0:\n"
                f"        rows, values = rows[:1], values[:1]\n    {UNIQUE}",
            ),
        ),
    ),
    Fault(
        "fortran-parameter-updated-flat",
        "the update by a dense gradient is taken from a transposed parameter element by element in memory",
        numpy=(
            (
                WRITE_W,
                "if not isinstance(grad, tuple) and w.flags.f_contiguous and not w.flags.c_contiguous:\n"
                "        w.T[...] -= update.reshape(w.T.shape)\n"
                "    else:\n"
                "        w[rows] -= update",
            ),
        ),
        stands_for="bitsandbytes#1185",
    ),
    Fault(
        "view-written-at-its-base",
        "a parameter that is some of the rows of a larger array is written from the first row of that array",
        numpy=(
            (
                WRITE_W,
                "whole = w\n"
                "    if isinstance(w.base, np.ndarray) and w.base.ndim == w.ndim and w.base.shape[1:] == w.shape[1:]:\n"
                "        whole = w.base\n"
                "    whole[rows] -= update",
            ),
        ),
    ),
    Fault(
        "square-dense-gradient-transposed",
        "a dense gradient whose shape is that of the transposed parameter is transposed, also if both are square",
        numpy=((DENSE, f"if grad.shape == w.shape[::-1]:\n            grad = grad.T\n        {DENSE}"),),
    ),
    Fault(
        "entries-as-many-as-columns-transposed",
        "values of as many columns as entries are taken for columns by entries, and transposed",
        numpy=(
            (
                MERGE,
                "rows, values = grad\n"
                "        if values.shape == (w.shape[-1], len(rows)):\n"
                "            values = values.T\n"
                "        rows, g = coalesce(rows, values)",
            ),
        ),
        torch=t_entries(
            "grad._indices()",
            "grad._values().t().contiguous()",
            when="grad._values().shape == (grad.size(-1), grad._nnz())",
        ),
    ),
)
