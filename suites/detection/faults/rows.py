"""Which rows and columns are updated: edges, tails, order, storage, and the rows that no gradient names."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.hosts.edit import Edits

_MAXIMIZE = '    if group["maximize"]:\n'
_COALESCE = "grad = grad.coalesce()  # the update is non-linear so indices must be unique"
_STORE = "w[rows] -= update"
_ADD = "param.add_(make_sparse(-step_size * numer.div_(denom)))"
_M, _V = (
    "exp_avg.add_(make_sparse(exp_avg_update_values))",
    "exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values))",
)


def _numpy_rows(condition: str) -> Edits:
    """Only rows that meet a condition on `rows`, their place `k` in the gradient, and the `count` of rows."""
    lines = (
        "k, count = np.arange(len(rows)), len(w)",
        f"kept = {condition}",
        "rows, g = rows[kept], g[kept]",
    )
    return ((_MAXIMIZE, "".join(f"    {line}\n" for line in lines) + _MAXIMIZE),)


def _torch_rows(condition: str) -> Edits:
    lines = (
        _COALESCE,
        "rows, count = grad._indices()[0], len(param)",
        "k = rows.argsort()",
        f"kept = {condition}",
        "grad = grad.new(rows[kept][None], grad._values()[kept], grad.size())._coalesced_(True)",
    )
    return ((_COALESCE, "\n        ".join(lines)),)


def _lost_rows(id: str, sentence: str, kept: str, stands_for: str = "") -> Fault:
    return Fault(id, sentence, _numpy_rows(kept), _torch_rows(kept), stands_for)


def _lost_columns(id: str, sentence: str, lost: str, stands_for: str = "") -> Fault:
    """w keeps its value in a slice of the columns, whose number is `width`."""
    return Fault(
        id,
        sentence,
        (
            (
                _STORE,
                "width = math.prod(update.shape[1:])\n"
                f"    update.reshape(len(rows), width)[:, {lost}] = 0\n"
                f"    {_STORE}",
            ),
        ),
        (
            (
                _ADD,
                "update = numer.div_(denom).contiguous()\n"
                "        width = update[0].numel()\n"
                f"        update.view(len(update), width)[:, {lost}] = 0\n"
                "        param.add_(make_sparse(-step_size * update))",
            ),
        ),
        stands_for,
    )


FAULTS = (
    _lost_rows("row-first-lost", "row 0 is never updated", "rows != 0", "pytorch#3506"),
    _lost_rows("row-last-lost", "the last row of a parameter is never updated", "rows != count - 1"),
    _lost_rows(
        "row-tail-lost", "of an odd number of touched rows the last is lost", "k < len(rows) // 2 * 2"
    ),
    _lost_rows("rows-past-1024-lost", "touched rows past 1,024 are lost", "k < 1024"),
    _lost_rows("rows-past-65535-lost", "rows past 65,535 are never updated", "rows < 65536", "pytorch#57416"),
    _lost_rows("row-in-10000-lost", "one row in 10,000 is never updated", "rows % 10_000 != 7_919"),
    Fault(
        "row-alone-lost",
        "a gradient of a single row is ignored",
        _numpy_rows("(len(rows) != 1) | (k != k)"),
        _torch_rows("(rows != rows) | (len(rows) != 1)"),
    ),
    Fault(
        "rows-in-16-bits",
        "row numbers are kept in 16 bits",
        numpy=(("np.unique(rows, return_inverse", "np.unique(rows.astype(np.uint16), return_inverse"),),
        stands_for="pytorch#57416",
    ),
    Fault(
        "rows-unsorted",
        "rows are sorted and their values are not, where none repeats",
        numpy=(
            (
                "    total = np.zeros(",
                "    if len(unique) == len(rows):\n        return unique, values\n    total = np.zeros(",
            ),
        ),
        torch=(
            (
                "grad_values = grad._values()",
                "grad_values = grad._values() if len(grads[i]._values()) != len(grad._values())"
                " else grads[i]._values().mul(-1 if maximize else 1)",
            ),
        ),
    ),
    _lost_columns("column-last-lost", "the last column of w is never updated", "-1:"),
    _lost_columns(
        "column-tail-lost",
        "columns past the last multiple of 4 are lost",
        "width // 4 * 4:",
        "pytorch#158281",
    ),
    _lost_columns("columns-past-256-lost", "columns past 256 are lost", "256:", "pytorch#158281"),
    _lost_columns("columns-past-1024-lost", "columns past 1,024 are lost", "1024:"),
    Fault(
        "rank-3-first-slice",
        "of parameters of rank 3 and more the first slice is updated",
        numpy=((_STORE, f"if update.ndim > 2:\n        update[:, 1:] = 0\n    {_STORE}"),),
        torch=(
            (
                _ADD,
                "update = numer.div_(denom)\n"
                "        if update.dim() > 2:\n"
                "            update[:, 1:] = 0\n"
                "        param.add_(make_sparse(-step_size * update))",
            ),
        ),
    ),
    Fault(
        "strided-lost",
        "the update of a parameter that is not contiguous is lost",
        numpy=((_STORE, "np.ascontiguousarray(w)[rows] -= update"),),
        torch=(("param.add_(", "param.contiguous().add_("),),
        stands_for="pytorch#1521, #17950",
    ),
    Fault(
        "first-moment-decays-everywhere",
        "the first moment of untouched rows decays",
        numpy=(("m[rows] = m_rows", "m *= to(beta1)\n    m[rows] = m_rows"),),
        torch=(
            (
                _M,
                "kept = old_exp_avg_values + exp_avg_update_values\n"
                "        exp_avg.mul_(beta1)[grad_indices[0]] = kept",
            ),
        ),
        stands_for="mxnet#17728",
    ),
    Fault(
        "second-moment-decays-everywhere",
        "the second moment of untouched rows decays",
        numpy=(("v[rows] = v_rows", "v *= to(beta2)\n    v[rows] = v_rows"),),
        torch=(
            (
                _V,
                "kept = old_exp_avg_sq_values + exp_avg_sq_update_values\n"
                "        exp_avg_sq.mul_(beta2)[grad_indices[0]] = kept",
            ),
        ),
        stands_for="mxnet#9177",
    ),
    Fault(
        "dense-update",
        "untouched rows take part with a gradient of zero",
        numpy=(
            (
                "rows, g = coalesce(*grad)",
                "dense = np.zeros_like(w)\n"
                "        np.add.at(dense, *grad)\n"
                "        rows, g = np.arange(len(w)), dense",
            ),
        ),
        torch=(
            (
                _COALESCE,
                "dense = grad.to_dense()\n"
                "        every = dense.new_ones(len(dense)).cumsum(0).long()[None] - 1\n"
                "        grad = grad.new(every, dense, grad.size())._coalesced_(True)",
            ),
        ),
        stands_for="tensorflow/models#7398",
    ),
    Fault(
        "zero-rows-ignored",
        "a row of zeros in the gradient counts as untouched",
        _numpy_rows("(g != 0).reshape(len(g), math.prod(g.shape[1:])).any(1)"),
        _torch_rows("(grad._values() != 0).reshape(len(rows), grad._values()[:1].numel() or 1).any(1)"),
    ),
    Fault(
        "untouched-rewritten",
        "all of the first moment is rewritten, and −0 becomes 0",
        numpy=(("m[rows] = m_rows", "m += 0\n    m[rows] = m_rows"),),
        torch=((_M, f"exp_avg.add_(0)\n        {_M}"),),
    ),
    Fault(
        "empty-updates-everything",
        "a gradient without rows updates as a dense gradient of zero",
        numpy=(
            (
                "rows, g = coalesce(*grad)",
                "rows, g = coalesce(*grad) if len(grad[0]) else (np.arange(len(w)), np.zeros_like(w))",
            ),
        ),
        torch=(
            (
                "            # Skip update for empty grad\n",
                "            exp_avgs[i].mul_(beta1)\n            exp_avg_sqs[i].mul_(beta2)\n",
            ),
        ),
        stands_for="dgl#2859",
    ),
    Fault(
        "empty-refused",
        "a gradient without rows is an error",
        numpy=(("unique, inverse = np", "assert len(rows), 'no rows'\n    unique, inverse = np"),),
        torch=(
            ("            # Skip update for empty grad\n", "            raise RuntimeError('no rows')\n"),
        ),
        stands_for="pytorch#82486, #86459",
        raises=True,
    ),
)
