"""Sizes of tables, rows and buffers."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.documented.texts import (
    ADD,
    DECAY,
    IF_DECAY,
    IF_NESTEROV,
    MERGE,
    NESTEROV,
    SCALED,
    T_COALESCE,
    T_OLD_V,
    T_VALUES,
    T_WRITE_W,
    UNIQUE,
    UPDATE,
    WRITE_W,
    V,
    merged,
    t_entries,
    t_kept,
)

FAULTS = (
    Fault(
        "element-offset-in-16-bits",
        "the offset of an element in the table is kept in 16 bits, so tables of over 65536 elements go wrong",
        numpy=(
            (
                WRITE_W,
                "width = max(1, update[:1].size)\n    w[rows.astype(np.int64) * width % 65536 // width] -= update",
            ),
        ),
        torch=(
            (
                T_WRITE_W,
                "width = max(1, grad_values[0].numel())\n"
                "        update = -step_size * numer.div_(denom)\n"
                "        param.add_(grad.new(grad_indices * width % 65536 // width, update, size))",
            ),
        ),
        stands_for="pytorch#188467, TorchEasyRec#472",
    ),
    Fault(
        "offset-in-the-type-of-the-rows",
        "the offset of a row is computed in the integer type of the rows: narrow rows and wide tables overflow",
        numpy=(
            (
                WRITE_W,
                "width = np.array(max(1, update[:1].size)).astype(rows.dtype).clip(1)\n"
                "    w[(rows * width // width).astype(np.int64) % len(w)] -= update",
            ),
        ),
        stands_for="pytorch#188467",
        beyond="rows are of 32 or 64 bits",
    ),
    Fault(
        "rows-through-float32",
        "row numbers pass through float32, which has no odd number above 2^24",
        numpy=(
            (
                UNIQUE,
                "unique, inverse = np.unique(rows.astype(np.float32), return_inverse=True)\n"
                "    unique = np.minimum(unique.astype(np.int64), rows.max(initial=0))",
            ),
        ),
        torch=t_entries(
            "grad._indices().float().long().clamp_(max=grad.size(0) - 1)",
            "grad._values()",
            when="grad._nnz()",
        ),
        beyond="no table has so many rows",
    ),
    Fault(
        "row-width-from-number-of-entries",
        "rows are narrowed to the type that holds the number of entries, not the number of rows of the table",
        numpy=((UNIQUE, f"rows = rows.astype(np.min_scalar_type(len(rows)))\n    {UNIQUE}"),),
        torch=t_entries(
            "grad._indices() % (256 if grad._nnz() < 256 else 65536)", "grad._values()", when="grad._nnz()"
        ),
    ),
    Fault(
        "distinct-count-in-8-bits",
        "the number of distinct rows is kept in 8 bits",
        numpy=merged("rows, g = rows[: len(rows) & 255], g[: len(rows) & 255]"),
        torch=t_kept("slice(0, grad._nnz() & 255)", when="grad._nnz() > 255"),
    ),
    Fault(
        "unrolled-remainder-of-three",
        "rows are taken four at a time, and a remainder of three is taken for two",
        numpy=merged("if len(rows) % 4 == 3:", then="\n            rows, g = rows[:-1], g[:-1]"),
        torch=t_kept("slice(0, -1)", when="grad._nnz() % 4 == 3"),
    ),
    Fault(
        "full-last-block-of-256-lost",
        "the last block has len % 256 rows, which is none when the blocks come out even",
        numpy=merged("if len(rows) % 256 == 0:", then="\n            rows, g = rows[:-256], g[:-256]"),
        torch=t_kept("slice(0, -256)", when="grad._nnz() and grad._nnz() % 256 == 0"),
    ),
    Fault(
        "gradient-buffer-of-1000-rows",
        "the buffer of merged gradients holds 1000 rows, and later rows read it from the start again",
        numpy=merged("g = g[np.arange(len(g)) % 1000]"),
        torch=(
            (
                T_VALUES,
                f"{T_VALUES}\n"
                "        grad_values = grad_values[(grad_indices[0].new_ones(len(grad_values)).cumsum(0) - 1) % 1000]",
            ),
        ),
    ),
    Fault(
        "grid-of-65535-rows",
        "a launch has at most 65535 blocks of one row each; rows beyond are not updated",
        numpy=merged("rows, g = rows[:65535], g[:65535]"),
        torch=t_kept("slice(0, 65535)", when="grad._nnz() > 65535"),
    ),
    Fault(
        "tail-lanes-read-the-next-row",
        "in rows wider than a warp, but no multiple of it, the last columns take v of another row",
        numpy=(
            (
                V,
                "old = v[rows]\n"
                "    if old.ndim == 2 and old.shape[1] > 32 and old.shape[1] % 32:\n"
                "        tail = old.shape[1] % 32\n"
                "        old[:, -tail:] = np.roll(old[:, -tail:], 1, axis=0)\n"
                "    v_rows = to(beta2) * old + to(1 - beta2) * (g * g)",
            ),
        ),
        torch=(
            (
                T_OLD_V,
                f"{T_OLD_V}\n"
                "        if grad_values.dim() == 2 and grad_values.size(1) > 32 and grad_values.size(1) % 32:\n"
                "            tail = grad_values.size(1) % 32\n"
                "            old_exp_avg_sq_values[:, -tail:] = old_exp_avg_sq_values[:, -tail:].roll(1, 0)",
            ),
        ),
        stands_for="wholegraph#108",
    ),
    Fault(
        "dense-tail-past-1024-elements",
        "a dense gradient is taken in blocks of 1024 elements, and the rest after the last block is left",
        numpy=(
            (
                UPDATE,
                f"{UPDATE}\n"
                "    if not isinstance(grad, tuple) and w.size > 1024:\n"
                "        update.reshape(-1)[w.size // 1024 * 1024 :] = 0",
            ),
        ),
    ),
    Fault(
        "last-row-taken-for-padding",
        "the last row of the table, number -1, is taken for the padding and never updated",
        numpy=merged(
            "if len(w) > 1:", then="\n            rows, g = rows[rows != len(w) - 1], g[rows != len(w) - 1]"
        ),
        torch=t_kept("grad._indices()[0] != grad.size(0) - 1", when="grad.size(0) > 1"),
    ),
    Fault(
        "repeated-row-0-taken-for-padding",
        "row 0 is taken for the padding when it stands in the gradient more than once",
        numpy=merged(
            "if (grad[0] == 0).sum() > 1:", then="\n            rows, g = rows[rows != 0], g[rows != 0]"
        ),
        torch=(
            (
                T_COALESCE,
                "padded = int((grad._indices()[0] == 0).sum()) > 1\n"
                "        grad = grad.coalesce()\n"
                "        if padded:\n"
                "            grad = grad.new(grad._indices()[:, 1:], grad._values()[1:], grad.size()).coalesce()",
            ),
        ),
    ),
    Fault(
        "padded-entries-touch-row-0",
        "entries are padded to a multiple of 8 with row 0 and zeros, so row 0 moves without being named",
        numpy=(
            (
                MERGE,
                "pad = -len(grad[0]) % 8\n"
                "        zeros = np.zeros((pad, *grad[1].shape[1:]), grad[1].dtype)\n"
                "        padded = np.append(grad[0], np.zeros(pad, grad[0].dtype))\n"
                "        rows, g = coalesce(padded, np.concatenate([grad[1], zeros]))",
            ),
        ),
        torch=(
            (
                T_COALESCE,
                "if grad._nnz() % 8:\n"
                "            zeros = grad._values().new_zeros(grad._values()[:1].shape)\n"
                "            grad = grad.coalesce() + grad.new(grad._indices()[:, :1] * 0, zeros, grad.size())\n"
                "        grad = grad.coalesce()",
            ),
        ),
    ),
    Fault(
        "one-row-table-undecayed",
        "a table of one row is taken for a vector and gets no weight decay",
        numpy=((IF_DECAY, 'if group["weight_decay"] and len(w) > 1:'),),
    ),
    Fault(
        "rank-4-axes-crossed",
        "the last two axes of the gradient of a parameter of rank 4 change places in memory",
        numpy=(
            (
                UNIQUE,
                f"{UNIQUE}\n"
                "    if values.ndim == 4:\n"
                "        values = values.swapaxes(2, 3).reshape(values.shape)",
            ),
        ),
        torch=(
            (
                T_VALUES,
                f"{T_VALUES}\n"
                "        if grad_values.dim() == 4:\n"
                "            grad_values = grad_values.transpose(2, 3).reshape(grad_values.shape)",
            ),
        ),
    ),
    Fault(
        "rank-3-decay-of-first-slice",
        "the decay of a parameter of rank 3 takes its first slice for all of them",
        numpy=(
            (
                DECAY,
                'g = g + to(group["weight_decay"]) * (w[rows][:, :1] if w.ndim == 3 else w[rows])',
            ),
        ),
    ),
    Fault(
        "rank-1-nesterov-ignored",
        "a parameter of rank 1 steps without the look-ahead",
        numpy=((IF_NESTEROV, 'if group["nesterov"] and w.ndim > 1:'),),
    ),
    Fault(
        "rank-1-repeats-last-wins",
        "of a row named again, the last entry alone counts in parameters of rank 1",
        numpy=(
            (
                ADD,
                "if values.ndim == 1:\n"
                "        total[inverse] += values\n"
                "    else:\n"
                "        np.add.at(total, inverse, values)",
            ),
        ),
    ),
    Fault(
        "nesterov-plain-past-column-512",
        "columns past the first tile of 512 step without the look-ahead",
        numpy=(
            (
                NESTEROV,
                f"{NESTEROV}\n        if g.ndim == 2:\n            numerator[:, 512:] = m_rows[:, 512:]",
            ),
        ),
        beyond="the one case of that width with Nesterov's form has a gradient without rows",
    ),
    Fault(
        "loss-scale-left-past-column-64",
        "columns past the first tile of 64 keep the loss scale",
        numpy=(
            (
                SCALED,
                'g, scaled = g / to(group["loss_scale"]), g\n'
                "        if g.ndim == 2:\n"
                "            g[:, 64:] = scaled[:, 64:]",
            ),
        ),
    ),
    Fault(
        "decay-left-out-past-column-256",
        "columns past the first tile of 256 get no weight decay",
        numpy=(
            (
                DECAY,
                'decay = to(group["weight_decay"]) * w[rows]\n'
                "        if decay.ndim == 2:\n"
                "            decay[:, 256:] = 0\n"
                "        g = g + decay",
            ),
        ),
    ),
)
