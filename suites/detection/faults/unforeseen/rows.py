"""Rows and their repeats, the tails of blocks, zeros."""

from lazyadam.suites.detection.fault import Fault

FAULTS = (
    Fault(
        "sorted-taken-as-coalesced",
        "entries whose rows already ascend are taken as coalesced, though rows may repeat",
        numpy=(
            (
                "    unique, inverse = np.unique(rows, return_inverse=True)\n",
                "    if len(rows) and np.all(np.diff(rows.astype(np.int64)) >= 0):\n        return rows, values\n    unique, inverse = np.unique(rows, return_inverse=True)\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        if not bool((grad._indices()[0].diff() >= 0).all()):\n            grad = grad.coalesce()\n        else:\n            grad = grad.detach().clone()._coalesced_(True)\n",
            ),
        ),
    ),
    Fault(
        "unique-rows-lose-permutation",
        "when no row repeats, the rows are sorted but the values are left in their order",
        numpy=(
            (
                "    total = np.zeros((len(unique), *values.shape[1:]), values.dtype)\n",
                "    if len(unique) == len(rows):\n        return unique, values\n    total = np.zeros((len(unique), *values.shape[1:]), values.dtype)\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        raw_values, entries = grad._values(), grad._nnz()\n        grad = grad.coalesce()\n        if grad._nnz() == entries:\n            grad = grad.clone()\n            grad._values().copy_(raw_values)\n",
            ),
        ),
    ),
    Fault(
        "repeats-capped-at-256",
        "of a row that occurs more than 256 times only the first 256 entries are summed",
        numpy=(
            (
                "    unique, inverse = np.unique(rows, return_inverse=True)\n",
                '    order = np.argsort(rows, kind="stable")\n    ranks = np.empty(len(rows), np.int64)\n    ranks[order] = np.arange(len(rows)) - np.searchsorted(rows[order], rows[order])\n    rows, values = rows[ranks < 256], values[ranks < 256]\n    unique, inverse = np.unique(rows, return_inverse=True)\n',
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        import torch\n        ordered, order = grad._indices()[0].sort(stable=True)\n        keep = order[torch.arange(len(order)) - torch.searchsorted(ordered, ordered) < 256]\n        grad = torch.sparse_coo_tensor(grad._indices()[:, keep], grad._values()[keep], grad.size()).coalesce()\n",
            ),
        ),
    ),
    Fault(
        "repeats-summed-in-single",
        "repeated rows of float64 gradients are summed in float32",
        numpy=(
            (
                "    np.add.at(total, inverse, values)\n",
                "    if len(unique) < len(rows):\n        total = total.astype(np.float32)\n    np.add.at(total, inverse, values.astype(total.dtype))\n    total = total.astype(values.dtype)\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        whole = grad.coalesce()\n        grad = whole if whole._nnz() == grad._nnz() else grad.float().coalesce().to(grad.dtype)\n",
            ),
        ),
        dtype="float64",
    ),
    Fault(
        "second-moment-of-entries",
        "the second moment takes the sum of the squares of repeated entries, not the square of their sum",
        numpy=(
            (
                "        rows, g = coalesce(*grad)\n",
                "        rows, g = coalesce(*grad)\n        square = coalesce(grad[0], grad[1] * grad[1])[1]\n",
            ),
            (
                "        rows, g = np.arange(len(w)), grad\n",
                "        rows, g, square = np.arange(len(w)), grad, grad * grad\n",
            ),
            (
                "    m_rows = to(beta1) * m[rows] + to(1 - beta1) * g\n",
                '    if group["weight_decay"]:\n        square = g * g\n    elif group["loss_scale"] != 1:\n        square = square / to(group["loss_scale"]) ** 2\n    m_rows = to(beta1) * m[rows] + to(1 - beta1) * g\n',
            ),
            (
                "    v_rows = to(beta2) * v[rows] + to(1 - beta2) * (g * g)\n",
                "    v_rows = to(beta2) * v[rows] + to(1 - beta2) * square\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        import torch\n        square = torch.sparse_coo_tensor(grad._indices(), grad._values().pow(2), grad.size()).coalesce()._values()\n        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
            ),
            (
                "            grad_values.pow(2).sub_(old_exp_avg_sq_values).mul_(1 - beta2)\n",
                "            square.sub_(old_exp_avg_sq_values).mul_(1 - beta2)\n",
            ),
        ),
    ),
    Fault(
        "repeats-across-chunks",
        "entries are merged in chunks of 1024; a row that occurs in two chunks is not merged across them",
        numpy=(
            (
                "        rows, g = coalesce(*grad)\n",
                "        chunks = [coalesce(grad[0][i : i + 1024], grad[1][i : i + 1024]) for i in range(0, len(grad[0]) or 1, 1024)]\n        rows, g = (np.concatenate(part) for part in zip(*chunks))\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        import torch\n        chunks = [\n            torch.sparse_coo_tensor(grad._indices()[:, k : k + 1024], grad._values()[k : k + 1024], grad.size()).coalesce()\n            for k in range(0, grad._nnz() or 1, 1024)\n        ]\n        grad = torch.sparse_coo_tensor(\n            torch.cat([c._indices() for c in chunks], 1), torch.cat([c._values() for c in chunks]), grad.size()\n        )._coalesced_(True)\n",
            ),
        ),
    ),
    Fault(
        "tail-of-last-block-dropped",
        "beyond 1024 distinct rows only whole blocks of 1024 rows are updated; the rows of the tail are left",
        numpy=(
            (
                "    m_rows = to(beta1) * m[rows] + to(1 - beta1) * g\n",
                "    if len(rows) > 1024:\n        rows, g = rows[: len(rows) // 1024 * 1024], g[: len(rows) // 1024 * 1024]\n    m_rows = to(beta1) * m[rows] + to(1 - beta1) * g\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n        if grad._nnz() > 1024:\n            import torch\n            whole = grad._nnz() // 1024 * 1024\n            grad = torch.sparse_coo_tensor(\n                grad._indices()[:, :whole], grad._values()[:whole], grad.size()\n            )._coalesced_(True)\n",
            ),
        ),
    ),
    Fault(
        "columns-past-1024-unread",
        "of rows wider than 1024 elements the gradient past column 1024 is read as zero",
        numpy=(
            (
                '    if group["maximize"]:\n',
                '    if g.size > len(g) * 1024:\n        g = g.reshape(len(g), -1).copy()\n        g[:, 1024:] = 0\n        g = g.reshape(-1, *w.shape[1:])\n    if group["maximize"]:\n',
            ),
        ),
        torch=(
            (
                "        grad_values = grad._values()\n",
                "        grad_values = grad._values()\n        if grad_values.numel() > len(grad_values) * 1024:\n            grad_values = grad_values.clone()\n            grad_values.view(len(grad_values), -1)[:, 1024:] = 0\n",
            ),
        ),
    ),
    Fault(
        "odd-tail-columns-eps-in-root",
        "the width % 4 last columns that the vector loop leaves take eps under the square root",
        numpy=(
            (
                "    denominator = np.sqrt(v_rows) + to(eps)\n",
                "    denominator = np.sqrt(v_rows) + to(eps)\n    if len(g) and w.ndim > 1:\n        flat, width = denominator.reshape(len(g), -1), w[0].size\n        flat[:, width // 4 * 4 :] = np.sqrt(v_rows.reshape(len(g), -1)[:, width // 4 * 4 :] + to(eps))\n",
            ),
        ),
        torch=(
            (
                "        denom = exp_avg_sq_update_values.sqrt_().add_(eps)\n",
                "        denom = exp_avg_sq_update_values.sqrt().add_(eps)\n        if param.dim() > 1:\n            flat = denom.view(len(denom), -1)\n            tail = flat.size(1) // 4 * 4\n            flat[:, tail:] = exp_avg_sq_update_values.view(len(denom), -1)[:, tail:].add(eps).sqrt()\n",
            ),
        ),
    ),
    Fault(
        "last-odd-column-decays-by-beta1",
        "with an odd number of columns the last column's second moment decays with beta1 (paired-lane slip)",
        numpy=(
            (
                "    v_rows = to(beta2) * v[rows] + to(1 - beta2) * (g * g)\n",
                "    v_rows = to(beta2) * v[rows] + to(1 - beta2) * (g * g)\n    if len(g) and w.ndim > 1 and w[0].size > 1 and w[0].size % 2:\n        old, sq = v[rows].reshape(len(g), -1)[:, -1], (g * g).reshape(len(g), -1)[:, -1]\n        v_rows.reshape(len(g), -1)[:, -1] = to(beta1) * old + to(1 - beta2) * sq\n",
            ),
        ),
        torch=(
            (
                "        exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values))\n",
                "        if param.dim() > 1 and param[0].numel() > 1 and param[0].numel() % 2:\n            last = exp_avg_sq_update_values.view(len(grad_values), -1)[:, -1]\n            last += (beta1 - beta2) * old_exp_avg_sq_values.reshape(len(grad_values), -1)[:, -1]\n        exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values))\n",
            ),
        ),
    ),
    Fault(
        "all-zero-row-skipped",
        "a materialized row whose (summed) gradient is all zero is left out of the update",
        numpy=(
            (
                "        rows, g = coalesce(*grad)\n",
                "        rows, g = coalesce(*grad)\n        some = g.reshape(len(g), -1).any(axis=1) if len(g) else slice(0)\n        rows, g = rows[some], g[some]\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n        if grad._values().numel():\n            import torch\n            some = (grad._values().reshape(grad._nnz(), -1) != 0).any(1)\n            grad = torch.sparse_coo_tensor(\n                grad._indices()[:, some], grad._values()[some], grad.size()\n            )._coalesced_(True)\n",
            ),
        ),
    ),
    Fault(
        "zero-element-keeps-parameter",
        "elements whose gradient is exactly zero in a materialized row keep their parameter (momentum not applied)",
        numpy=(
            (
                "    update = to(alpha) * (numerator / denominator)\n",
                "    update = to(alpha) * (numerator / denominator)\n    update[g == 0] = 0\n",
            ),
        ),
        torch=(
            (
                "        param.add_(make_sparse(-step_size * numer.div_(denom)))\n",
                "        numer.div_(denom)[grad_values == 0] = 0\n        param.add_(make_sparse(-step_size * numer))\n",
            ),
        ),
    ),
    Fault(
        "dense-zero-row-taken-as-sparse",
        "rows of a dense gradient that are all zero are skipped as though the gradient were sparse",
        numpy=(
            (
                "        rows, g = np.arange(len(w)), grad\n",
                "        rows = np.flatnonzero(grad.reshape(len(w), -1).any(axis=1))\n        g = grad[rows]\n",
            ),
        ),
    ),
    Fault(
        "row-ids-in-16-bits",
        "row ids are kept in 16 bits: rows from 65536 on wrap around",
        numpy=(
            (
                "        rows, g = coalesce(*grad)\n",
                "        rows, g = coalesce(grad[0].astype(np.uint16).astype(np.int64), grad[1])\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        import torch\n        grad = torch.sparse_coo_tensor(grad._indices() & 0xFFFF, grad._values(), grad.size()).coalesce()\n",
            ),
        ),
    ),
    Fault(
        "many-entries-go-dense",
        "a gradient with at least as many entries as the table has rows goes through the dense path, untouched rows too",
        numpy=(
            (
                "    if isinstance(grad, tuple):\n",
                "    if isinstance(grad, tuple) and len(grad[0]) >= len(w):\n        rows, g = np.arange(len(w)), np.zeros_like(w)\n        np.add.at(g, grad[0], grad[1])\n    elif isinstance(grad, tuple):\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        if grad._nnz() >= grad.size(0):\n            import torch\n            grad = torch.sparse_coo_tensor(torch.arange(len(param))[None], grad.to_dense(), grad.size())\n        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
            ),
        ),
    ),
    Fault(
        "merge-plan-kept-by-fingerprint",
        "the plan that merges rows is reused when count, first and last row are those of the step before",
        numpy=(
            (
                "        rows, g = coalesce(*grad)\n",
                '        key = (len(grad[0]), *grad[0][:1].tolist(), *grad[0][-1:].tolist())\n        plan = group.setdefault(("plan", id(m)), {})\n        if key not in plan:\n            plan.clear()\n            plan[key] = grad[0].copy()\n        rows, g = coalesce(plan[key], grad[1])\n',
            ),
        ),
        torch=(
            (
                "                    grads.append(p.grad)\n",
                '                    ids = p.grad._indices()\n                    key = (ids.size(1), *ids[0, :1].tolist(), *ids[0, -1:].tolist())\n                    plans = self.__dict__.setdefault("_plans", {})\n                    if plans.get(p, (None,))[0] != key:\n                        plans[p] = (key, ids.clone())\n                    grads.append(torch.sparse_coo_tensor(plans[p][1], p.grad._values(), p.grad.size()))\n',
            ),
        ),
    ),
    Fault(
        "merge-scratch-not-cleared",
        "the buffer for merged gradients is kept per parameter and shape and not cleared before repeated rows are summed into it again",
        numpy=(
            (
                "def coalesce(rows: np.ndarray, values: np.ndarray)",
                "def coalesce(rows: np.ndarray, values: np.ndarray, buffers: dict)",
            ),
            (
                "    total = np.zeros((len(unique), *values.shape[1:]), values.dtype)\n",
                "    total = buffers.setdefault((len(unique), *values.shape[1:]), None)\n    if total is None:\n        total = buffers[(len(unique), *values.shape[1:])] = np.zeros((len(unique), *values.shape[1:]), values.dtype)\n    elif len(unique) == len(rows):\n        total[:] = 0\n",
            ),
            (
                "        rows, g = coalesce(*grad)\n",
                '        rows, g = coalesce(*grad, group.setdefault(("buffers", id(m)), {}))\n',
            ),
        ),
    ),
)
