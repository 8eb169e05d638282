"""Repeated rows and their order."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.documented.texts import (
    ADD,
    CALL,
    MADE,
    MERGE,
    NEGATED,
    NESTEROV,
    T_COALESCE,
    UNIQUE,
    WRITE_M,
    merged,
    t_entries,
)

FAULTS = (
    Fault(
        "one-row-repeated-takes-first-times-count",
        "when every entry names the same row, their sum is the first value times their number",
        numpy=(
            (
                ADD,
                f"{ADD}\n"
                "    if len(unique) == 1:\n"
                "        total = values[:1] * values.dtype.type(len(values))",
            ),
        ),
        torch=t_entries(
            "grad._indices()[:, :1]",
            "grad._values()[:1] * grad._nnz()",
            when="grad._nnz() > 1 and bool((grad._indices() == grad._indices()[:, :1]).all())",
        ),
    ),
    Fault(
        "hash-slots-of-1009",
        "rows are merged by their slot in a table of 1009, without a look at the row itself",
        numpy=(
            (
                UNIQUE,
                "_, first, inverse = np.unique(rows.astype(np.int64) % 1009, return_index=True, return_inverse=True)\n"
                "    unique = rows[first]",
            ),
        ),
    ),
    Fault(
        "entries-as-many-as-rows-taken-in-order",
        "a gradient of as many entries as the table has rows is taken for one of every row in order",
        numpy=(
            (
                MERGE,
                "if len(grad[0]) == len(w):\n"
                "            rows, g = np.arange(len(w)), grad[1]\n"
                "        else:\n"
                "            rows, g = coalesce(*grad)",
            ),
        ),
        torch=t_entries(
            "grad._indices().new_ones(1, grad._nnz()).cumsum(1) - 1",
            "grad._values()",
            when="grad._nnz() == grad.size(0)",
        ),
    ),
    Fault(
        "more-than-half-touched-goes-dense",
        "when more than half of the rows are named, the other rows are updated with zeros",
        numpy=merged(
            "if 2 * len(rows) > len(w):",
            then="\n            full = np.zeros_like(w)\n"
            "            full[rows] = g\n"
            "            rows, g = np.arange(len(w)), full",
        ),
        torch=(
            (
                T_COALESCE,
                "grad = grad.coalesce()\n"
                "        if 2 * grad._nnz() > grad.size(0):\n"
                "            every = grad._indices().new_ones(1, grad.size(0)).cumsum(1) - 1\n"
                "            grad = grad.new(every, grad.to_dense(), grad.size()).coalesce()",
            ),
        ),
    ),
    Fault(
        "descending-rows-reversed-alone",
        "rows in strictly descending order are turned around, and their values are not",
        numpy=(
            (
                UNIQUE,
                "if len(rows) > 1 and (rows[1:] < rows[:-1]).all():\n"
                f"        rows = rows[::-1]\n    {UNIQUE}",
            ),
        ),
        torch=t_entries(
            "grad._indices().flip(1)",
            "grad._values()",
            when="grad._nnz() > 1 and bool((grad._indices()[0].diff() < 0).all())",
        ),
    ),
    Fault(
        "uniqueness-probed-on-first-32",
        "if the first 32 of more entries name different rows, the rows are taken for different altogether",
        numpy=(
            (
                MERGE,
                "probe = grad[0][:32]\n"
                "        distinct = len(grad[0]) > 32 and len(np.unique(probe)) == 32\n"
                "        rows, g = grad if distinct else coalesce(*grad)",
            ),
        ),
    ),
    Fault(
        "long-runs-halved-without-odd-one",
        "more than 32 entries of one row are added in halves, and the odd one of a half is left out",
        numpy=(
            (
                ADD,
                f"{ADD}\n"
                "    for j in np.flatnonzero(np.bincount(inverse, minlength=len(unique)) > 32):\n"
                "        run = values[inverse == j]\n"
                "        while len(run) > 1:\n"
                "            half = len(run) // 2\n"
                "            run = run[:half] + run[half : 2 * half]\n"
                "        total[j] = run[0]",
            ),
        ),
    ),
    Fault(
        "sums-by-prefix-differences",
        "the sum of a row is the difference of two running sums over all entries",
        numpy=(
            (
                ADD,
                'order = np.argsort(inverse, kind="stable")\n'
                "    sums = np.cumsum(values[order], axis=0, dtype=values.dtype)\n"
                "    last = np.cumsum(np.bincount(inverse, minlength=len(unique))) - 1\n"
                "    total = np.diff(sums[last], axis=0, prepend=np.zeros_like(total[:1]))",
            ),
        ),
    ),
    Fault(
        "cancelled-rows-dropped",
        "a row whose repeated entries cancel to zero is dropped from the gradient",
        numpy=(
            (
                "return unique, total",
                "single = np.bincount(inverse, minlength=len(unique)) == 1\n"
                "    kept = single | (total != 0).any(axis=tuple(range(1, total.ndim)))\n"
                "    return unique[kept], total[kept]",
            ),
        ),
    ),
    Fault(
        "greatest-row-loses-its-last-repeat",
        "the last run of the sorted entries is closed one entry early, if it has several",
        numpy=(
            (
                ADD,
                f"{ADD}\n"
                "    run = values[inverse == len(unique) - 1]\n"
                "    if len(run) > 1:\n"
                "        total[-1] = run[:-1].sum(axis=0)",
            ),
        ),
    ),
    Fault(
        "unsigned-rows-look-ascending",
        "rows are taken for ascending if all differences are positive, which for unsigned rows holds always",
        numpy=(
            (
                UNIQUE,
                f"if (rows[1:] - rows[:-1] > 0).all():\n        return rows, values\n    {UNIQUE}",
            ),
        ),
        beyond="no rows are unsigned",
    ),
    Fault(
        "sort-keys-one-bit-short",
        "keys are sorted by too few bits unless the table has a power of two rows: repeats may stand apart",
        numpy=(
            (MERGE, "rows, g = coalesce(*grad, len(w))"),
            (
                "def coalesce(rows: np.ndarray, values: np.ndarray)",
                "def coalesce(rows: np.ndarray, values: np.ndarray, n: int)",
            ),
            (
                UNIQUE,
                "key = rows.astype(np.int64) & ((1 << (n.bit_length() - 1)) - 1)\n"
                '    order = np.argsort(key, kind="stable")\n'
                "    rows, values = rows[order], values[order]\n"
                "    starts = np.append(True, rows[1:] != rows[:-1])[: len(rows)]\n"
                "    unique, inverse = rows[starts], np.cumsum(starts) - 1",
            ),
        ),
        stands_for="rocPRIM#775, cub#310",
    ),
    Fault(
        "merge-plan-by-identity-of-rows",
        "the merge plan is kept for an array of rows, and not renewed when its contents are overwritten",
        numpy=(
            ("def coalesce(", "_plans: dict[int, Any] = {}\n\n\ndef coalesce("),
            (
                UNIQUE,
                "if id(rows) not in _plans:\n"
                "        _plans[id(rows)] = (rows, *np.unique(rows, return_inverse=True))\n"
                "    _, unique, inverse = _plans[id(rows)]",
            ),
        ),
        beyond="no array is used again",
    ),
    Fault(
        "repeats-past-first-not-unscaled",
        "of a row named again, only the first entry is divided by the loss scale",
        numpy=(
            (
                MERGE,
                "values = np.array(grad[1])\n"
                "        again = np.ones(len(values), bool)\n"
                "        again[np.unique(grad[0], return_index=True)[1]] = False\n"
                '        values[again] *= to(group["loss_scale"])\n'
                "        rows, g = coalesce(grad[0], values)",
            ),
        ),
    ),
    Fault(
        "maximize-of-rows-named-once",
        "with maximize, the gradient of a row named again keeps its sign",
        numpy=(
            (
                NEGATED,
                "g = -g\n"
                "        if isinstance(grad, tuple):\n"
                "            g[np.unique(grad[0], return_counts=True)[1] > 1] *= -1",
            ),
        ),
    ),
    Fault(
        "nesterov-of-the-last-repeat",
        "the look-ahead of a row named again uses its last entry and not the sum",
        numpy=(
            (
                NESTEROV,
                "ahead = g\n"
                "        if isinstance(grad, tuple) and len(grad[0]) > len(rows):\n"
                "            ahead = g.copy()\n"
                "            ahead[np.searchsorted(rows, grad[0])] = grad[1]\n"
                "        numerator = to(beta1) * m_rows + to(1 - beta1) * ahead",
            ),
        ),
    ),
    Fault(
        "moment-cache-of-512-slots",
        "of two rows in one gradient that share a slot of the cache, one does not get its first moment back",
        numpy=(
            (
                WRITE_M,
                "last = len(rows) - 1 - np.unique(rows[::-1].astype(np.int64) % 512, return_index=True)[1]\n"
                "    m[rows[last]] = m_rows[last]",
            ),
        ),
    ),
    Fault(
        "rows-evicted-after-64-steps",
        "a row that no gradient has named for 64 steps loses its moments",
        numpy=(
            (MADE, f"{MADE}\n        self.seen: dict[Parameter, Any] = {{}}"),
            (
                CALL,
                "if isinstance(p.grad, tuple):\n"
                '                    seen = self.seen.setdefault(p, np.full(len(p.data), state["step"] - 1))\n'
                '                    old = p.grad[0][state["step"] - seen[p.grad[0]] > 64]\n'
                '                    state["m"][old] = 0\n'
                '                    state["v"][old] = 0\n'
                '                    seen[p.grad[0]] = state["step"]\n'
                f"                {CALL}",
            ),
        ),
        beyond="no row is left out for so long",
    ),
)
