"""Faults written from the optimizers' documentation alone, by somebody who had not seen the checks.

When they were first tried, before anything was mended for them, 48 of the 67 were found on the NumPy host
and 38 of the 50 on torch.
"""

from lazyadam.suites.detection.fault import Fault

_LIVE = "torch's own optimizers hand out live tensors when they save, and take them over when they load"

FAULTS = (
    Fault(
        "hoisted-step-count",
        "the step count of the first parameter of the group is used in the bias correction of all its parameters",
        numpy=(
            (
                '        for group in self.groups:\n            for p in group["params"]:\n                if p.grad is None:\n',
                '        for group in self.groups:\n            t = 0\n            for p in group["params"]:\n                if p.grad is None:\n',
            ),
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                t = t or state["step"]\n                lazy_adam(p.data, state["m"], state["v"], p.grad, t, group)',
            ),
        ),
        torch=(("        step = state_steps[i]\n", "        step = state_steps[0]\n"),),
    ),
    Fault(
        "empty-gradient-not-a-step",
        "a step whose gradient has no rows does not advance the step count of the parameter",
        numpy=(
            (
                '                state["step"] += 1\n',
                '                if isinstance(p.grad, tuple) and len(p.grad[0]) == 0:\n                    continue\n                state["step"] += 1\n',
            ),
        ),
        torch=(
            (
                '                    state["step"] += 1\n',
                '                    state["step"] += p.grad._nnz() > 0\n',
            ),
        ),
    ),
    Fault(
        "correction-table-of-4096",
        "bias corrections come from a table of 4096 steps, whose last entry is used from then on",
        numpy=(("    correction2 = 1 - beta2**t\n", "    correction2 = 1 - beta2 ** min(t, 4096)\n"),),
        torch=(
            (
                "        bias_correction2 = 1 - beta2**step\n",
                "        bias_correction2 = 1 - beta2 ** min(step, 4096)\n",
            ),
        ),
    ),
    Fault(
        "power-by-single-exp-log",
        "beta2^t is computed as exp(t log beta2) in single precision, also for the first steps, where it cancels",
        numpy=(
            (
                "    correction2 = 1 - beta2**t\n",
                "    correction2 = float(1 - np.exp(np.float32(t) * np.log(np.float32(beta2 or 1e-30))))\n",
            ),
        ),
        torch=(
            (
                "        bias_correction2 = 1 - beta2**step\n",
                "        import torch\n        bias_correction2 = float(1 - torch.exp(step * torch.log(torch.tensor(beta2 or 1e-30, dtype=torch.float32))))\n",
            ),
        ),
    ),
    Fault(
        "step-saved-in-half",
        "the saved step count passes through half precision: odd counts above 2048 are rounded",
        numpy=(
            (
                "            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n",
                '            {key: np.float16(min(x, 60_000)) if key == "step" else np.copy(x) for key, x in self.state.get(p, {}).items()}\n',
            ),
        ),
        torch=(
            (
                "    @torch.no_grad()\n",
                '    def load_state_dict(self, state_dict):\n        super().load_state_dict(state_dict)\n        for state in self.state.values():\n            state["step"] = int(torch.tensor(min(state["step"], 60_000), dtype=torch.float16))\n\n    @torch.no_grad()\n',
            ),
        ),
    ),
    Fault(
        "load-one-step-for-all",
        "loading gives every parameter the step count of the first one that has a state",
        numpy=(
            (
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}',
                'self.state[p] = {"step": int(next(s["step"] for s in saved if s)), "m": state["m"].copy(), "v": state["v"].copy()}',
            ),
        ),
        torch=(
            (
                "    @torch.no_grad()\n",
                '    def load_state_dict(self, state_dict):\n        super().load_state_dict(state_dict)\n        steps = [s["step"] for _, s in sorted(state_dict["state"].items())]\n        for state in self.state.values():\n            state["step"] = steps[0]\n\n    @torch.no_grad()\n',
            ),
        ),
    ),
    Fault(
        "load-moments-in-single",
        "moments of float64 parameters are rounded to float32 when a state is loaded",
        numpy=(
            (
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}',
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].astype(np.float32).astype(p.data.dtype), "v": state["v"].astype(np.float32).astype(p.data.dtype)}',
            ),
        ),
        torch=(
            (
                "    @torch.no_grad()\n",
                '    def load_state_dict(self, state_dict):\n        super().load_state_dict(state_dict)\n        for p, state in self.state.items():\n            for key in ("exp_avg", "exp_avg_sq"):\n                state[key] = state[key].float().to(p.dtype)\n\n    @torch.no_grad()\n',
            ),
        ),
        dtype="float64",
    ),
    Fault(
        "load-without-copy",
        "load_state_dict keeps the loaded arrays: two optimizers loaded from one saved state share their moments",
        numpy=(
            (
                'self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}',
                'self.state[p] = {"step": int(state["step"]), "m": state["m"], "v": state["v"]}',
            ),
        ),
        allowed=_LIVE,
    ),
    Fault(
        "save-without-copy",
        "state_dict hands out the live arrays: a saved state changes while training goes on",
        numpy=(
            (
                "            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n",
                "            {key: np.asarray(x) for key, x in self.state.get(p, {}).items()}\n",
            ),
        ),
        allowed=_LIVE,
    ),
    Fault(
        "save-in-order-of-first-step",
        "state_dict lists the parameters in the order of their first gradients, not in the order of the groups",
        numpy=(
            (
                '            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n            for group in self.groups\n            for p in group["params"]\n        ]\n',
                '            {key: np.copy(x) for key, x in self.state.get(p, {}).items()}\n            for p in dict.fromkeys([*self.state, *(p for group in self.groups for p in group["params"])])\n        ]\n',
            ),
            ("            if state:\n", '            if state and state["m"].shape == p.data.shape:\n'),
        ),
    ),
    Fault(
        "correction-counts-own-steps",
        "the bias correction counts the steps this optimizer object took; the loaded step count is not used",
        numpy=(
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                own = self.__dict__.setdefault("own", {})\n                own[p] = own.get(p, 0) + 1\n                lazy_adam(p.data, state["m"], state["v"], p.grad, own[p], group)',
            ),
        ),
        torch=(
            (
                '                    state_steps.append(state["step"])\n',
                '                    own = self.__dict__.setdefault("_own", {})\n                    own[p] = own.get(p, 0) + 1\n                    state_steps.append(own[p])\n',
            ),
        ),
    ),
    Fault(
        "no-gradient-advances-step",
        "a parameter that has a state but whose gradient is None still advances its step count",
        numpy=(
            (
                "                if p.grad is None:\n",
                '                if p.grad is None and p in self.state:\n                    self.state[p]["step"] += 1\n                if p.grad is None:\n',
            ),
        ),
        torch=(
            (
                "                if p.grad is not None:\n",
                '                if p.grad is None and len(self.state.get(p, ())):\n                    self.state[p]["step"] += 1\n                if p.grad is not None:\n',
            ),
        ),
    ),
    Fault(
        "per-row-step-count",
        "bias corrections use how often the row was touched instead of the step count of the parameter",
        numpy=(
            (
                "    correction1 = 1 - beta1**t\n",
                '    touched = group.setdefault(("touched", id(m)), np.full(len(w), t - 1))\n    touched[rows] += 1\n    t = touched[rows].reshape(-1, *[1] * (w.ndim - 1))\n    correction1 = 1 - beta1**t\n',
            ),
            (
                "    alpha = lr * math.sqrt(correction2) / correction1\n",
                "    alpha = lr * np.sqrt(correction2) / correction1\n",
            ),
        ),
        torch=(
            (
                "        bias_correction1 = 1 - beta1**step\n",
                '        import torch\n        if not hasattr(exp_avg, "touched"):\n            exp_avg.touched = torch.full((len(param),), step - 1, dtype=torch.float64)\n        exp_avg.touched[grad_indices[0]] += 1\n        step = exp_avg.touched[grad_indices[0]].reshape(-1, *[1] * (param.dim() - 1))\n        bias_correction1 = 1 - beta1**step\n',
            ),
            (
                "        step_size = lr * math.sqrt(bias_correction2) / bias_correction1\n",
                "        step_size = (lr * bias_correction2.sqrt() / bias_correction1).to(param.dtype)\n",
            ),
        ),
    ),
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
    Fault(
        "denominator-is-max-with-eps",
        "the denominator is max(sqrt(v), eps) instead of their sum",
        numpy=(
            (
                "    denominator = np.sqrt(v_rows) + to(eps)\n",
                "    denominator = np.maximum(np.sqrt(v_rows), to(eps))\n",
            ),
        ),
        torch=(
            (
                "        denom = exp_avg_sq_update_values.sqrt_().add_(eps)\n",
                "        denom = exp_avg_sq_update_values.sqrt_().clamp_min_(eps)\n",
            ),
        ),
    ),
    Fault(
        "eps-no-smaller-than-machine",
        "eps is raised to float32's machine epsilon (1.2e-7) where it is smaller",
        numpy=(
            (
                "    denominator = np.sqrt(v_rows) + to(eps)\n",
                "    denominator = np.sqrt(v_rows) + to(max(eps, float(np.finfo(np.float32).eps)))\n",
            ),
        ),
        torch=(
            (
                "        denom = exp_avg_sq_update_values.sqrt_().add_(eps)\n",
                "        denom = exp_avg_sq_update_values.sqrt_().add_(max(eps, 1.1920929e-07))\n",
            ),
        ),
    ),
    Fault(
        "small-gradients-flushed",
        "gradient values below 1e-10 in magnitude are flushed to zero",
        numpy=(
            (
                "    m_rows = to(beta1) * m[rows] + to(1 - beta1) * g\n",
                "    g = np.where(np.abs(g) < 1e-10, to(0), g)\n    m_rows = to(beta1) * m[rows] + to(1 - beta1) * g\n",
            ),
        ),
        torch=(
            (
                "        grad_values = grad._values()\n",
                "        grad_values = grad._values()\n        grad_values = grad_values.masked_fill(grad_values.abs() < 1e-10, 0)\n",
            ),
        ),
    ),
    Fault(
        "clipped-to-half-before-unscaling",
        "gradients are clipped to the range of half precision (65504), and that before the loss scale is divided out",
        numpy=(
            (
                '    if group["loss_scale"] != 1:\n',
                '    g = np.clip(g, to(-65504), to(65504))\n    if group["loss_scale"] != 1:\n',
            ),
        ),
        torch=(
            (
                "        grad_values = grad._values()\n",
                "        grad_values = grad._values().clamp(-65504, 65504)\n",
            ),
        ),
    ),
    Fault(
        "zero-beta1-becomes-default",
        "betas[0] = 0 is taken as not given and becomes 0.9",
        numpy=(
            (
                '    lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]\n',
                '    lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]\n    beta1 = beta1 or 0.9\n',
            ),
        ),
        torch=(
            (
                '            beta1, beta2 = group["betas"]\n',
                '            beta1, beta2 = group["betas"]\n            beta1 = beta1 or 0.9\n',
            ),
        ),
    ),
    Fault(
        "zero-lr-skips-the-step",
        "with a learning rate of 0 the group is skipped altogether: moments and step count stand still",
        numpy=(
            (
                "                if p.grad is None:\n",
                '                if p.grad is None or group["lr"] == 0:\n',
            ),
        ),
        torch=(
            (
                '            beta1, beta2 = group["betas"]\n',
                '            if group["lr"] == 0:\n                continue\n            beta1, beta2 = group["betas"]\n',
            ),
        ),
    ),
    Fault(
        "lr-cached-by-identity",
        "the learning rate's value is read again only when group['lr'] is another object: a tensor changed in place is not seen",
        numpy=(
            (
                '    lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]\n',
                '    lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]\n    if group.get("lr_seen", (None,))[0] is not lr:\n        group["lr_seen"] = (lr, float(lr))\n    lr = group["lr_seen"][1]\n',
            ),
        ),
        torch=(
            (
                "            F.sparse_adam(\n",
                '            seen = self.__dict__.setdefault("_seen", {})\n            if seen.get(id(group), (None,))[0] is not group["lr"]:\n                seen[id(group)] = (group["lr"], float(group["lr"]))\n            F.sparse_adam(\n',
            ),
            ('lr=_to_scalar(group["lr"]),', "lr=seen[id(group)][1],"),
        ),
    ),
    Fault(
        "lr-settles-with-correction",
        "once beta2^t is below 2^-24 the step size counts as settled, and later changes of lr are not seen",
        numpy=(
            (
                "    alpha = lr * math.sqrt(correction2) / correction1\n",
                '    if beta2**t < 2**-24:\n        lr = group.setdefault("settled", lr)\n    alpha = lr * math.sqrt(correction2) / correction1\n',
            ),
        ),
        torch=(
            (
                "            F.sparse_adam(\n",
                '            lr = _to_scalar(group["lr"])\n            if state_steps and beta2 ** min(state_steps) < 2**-24:\n                lr = self.__dict__.setdefault("_settled", {}).setdefault(id(group), lr)\n            F.sparse_adam(\n',
            ),
            ('lr=_to_scalar(group["lr"]),', "lr=lr,"),
        ),
    ),
    Fault(
        "step-size-memo-forgets-lr",
        "step sizes are memoized per group by t alone: a parameter that reaches t after lr was changed gets the old one",
        numpy=(
            (
                "    alpha = lr * math.sqrt(correction2) / correction1\n",
                '    alpha = group.setdefault("memo", {}).setdefault(t, lr * math.sqrt(correction2) / correction1)\n',
            ),
        ),
        torch=(
            ("    maximize: bool,\n) -> None:\n", "    maximize: bool,\n    memo: dict,\n) -> None:\n"),
            (
                "        step_size = lr * math.sqrt(bias_correction2) / bias_correction1\n",
                "        step_size = memo.setdefault(step, lr * math.sqrt(bias_correction2) / bias_correction1)\n",
            ),
            (
                "                maximize=maximize,\n",
                '                maximize=maximize,\n                memo=self.__dict__.setdefault("_memo", {}).setdefault(id(group), {}),\n',
            ),
        ),
    ),
    Fault(
        "correction-memo-shared-by-groups",
        "bias corrections are memoized on the optimizer by t and beta1: groups that differ in beta2 only share them",
        numpy=(
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group | {"memo": self.__dict__.setdefault("memo", {})})',
            ),
            (
                "    correction2 = 1 - beta2**t\n",
                '    correction2 = group["memo"].setdefault((t, beta1), 1 - beta2**t)\n',
            ),
        ),
        torch=(
            ("    maximize: bool,\n) -> None:\n", "    maximize: bool,\n    memo: dict,\n) -> None:\n"),
            (
                "        bias_correction2 = 1 - beta2**step\n",
                "        bias_correction2 = memo.setdefault((step, beta1), 1 - beta2**step)\n",
            ),
            (
                "                maximize=maximize,\n",
                '                maximize=maximize,\n                memo=self.__dict__.setdefault("_memo", {}),\n',
            ),
        ),
    ),
    Fault(
        "group-inherits-from-group-before",
        "an option a group leaves out is taken from the group before it instead of the defaults",
        numpy=(
            (
                "        self.groups = [defaults | group for group in groups]\n",
                "        self.groups = []\n        for group in groups:\n            defaults = defaults | group\n            self.groups.append(dict(defaults))\n",
            ),
        ),
        torch=(
            (
                "    @torch.no_grad()\n",
                "    def add_param_group(self, param_group):\n        super().add_param_group(param_group)\n        self.defaults = {key: param_group[key] for key in self.defaults}\n\n    @torch.no_grad()\n",
            ),
        ),
    ),
    Fault(
        "maximize-of-first-group",
        "maximize is read from the first group for all groups",
        numpy=(
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group | {"maximize": self.groups[0]["maximize"]})',
            ),
        ),
        torch=(
            (
                'maximize = group.get("maximize", False)',
                'maximize = self.param_groups[0].get("maximize", False)',
            ),
        ),
    ),
    Fault(
        "maximize-negates-in-place",
        "maximize negates the caller's gradient in place, so a gradient used for two steps alternates",
        numpy=(("        g = -g\n", "        np.negative(g, out=g)\n"),),
        torch=(
            ("grad = grad if not maximize else -grad\n", "grad = grad if not maximize else grad.neg_()\n"),
        ),
    ),
    Fault(
        "gradient-squared-in-place",
        "the caller's (already coalesced or dense) gradient is left squared after the step",
        numpy=(("    w[rows] -= update\n", "    np.multiply(g, g, out=g)\n    w[rows] -= update\n"),),
        torch=(
            (
                "            grad_values.pow(2).sub_(old_exp_avg_sq_values).mul_(1 - beta2)\n",
                "            grad_values.pow_(2).sub(old_exp_avg_sq_values).mul_(1 - beta2)\n",
            ),
        ),
    ),
    Fault(
        "rows-sorted-in-place",
        "the caller's row array is left sorted, its values are not: the same gradient means another one at the next step",
        numpy=(
            (
                "    np.add.at(total, inverse, values)\n",
                "    np.add.at(total, inverse, values)\n    rows.sort()\n",
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        raw = grad\n        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n        raw._indices().copy_(raw._indices().sort(1).values)\n",
            ),
        ),
    ),
    Fault(
        "parameter-storage-replaced",
        "the step gives the parameter a new array: views of the old one (tied or flattened weights) no longer follow",
        numpy=(
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                p.data = p.data.copy()\n                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
            ),
        ),
        torch=(
            (
                "                    params_with_grad.append(p)\n",
                "                    p.data = p.data.clone()\n                    params_with_grad.append(p)\n",
            ),
        ),
    ),
    Fault(
        "strided-parameter-not-written",
        "a parameter that is not contiguous (a view of columns) is updated in a contiguous copy that is thrown away",
        numpy=(("    to = w.dtype.type\n", "    w = np.ascontiguousarray(w)\n    to = w.dtype.type\n"),),
        torch=(
            (
                "        exp_avg = exp_avgs[i]\n",
                "        param = param.contiguous()\n        exp_avg = exp_avgs[i]\n",
            ),
        ),
    ),
    Fault(
        "strided-values-read-flat",
        "values that are not contiguous (a transposed view) are read in memory order",
        numpy=(
            (
                '    if group["maximize"]:\n',
                '    if isinstance(grad, tuple) and not grad[1].flags.c_contiguous:\n        g = coalesce(grad[0], grad[1].ravel("K").reshape(grad[1].shape))[1]\n    elif not isinstance(grad, tuple):\n        g = g.ravel("K").reshape(g.shape)\n    if group["maximize"]:\n',
            ),
        ),
        torch=(
            (
                "        grad = grad.coalesce()  # the update is non-linear so indices must be unique\n",
                "        import torch\n        values = grad._values()\n        if values.dim() > 1 and not values.is_contiguous():\n            order = sorted(range(values.dim()), key=lambda d: -values.stride(d))\n            values = values.permute(order).reshape(-1).view(values.shape)\n        grad = torch.sparse_coo_tensor(grad._indices(), values, grad.size()).coalesce()\n",
            ),
        ),
    ),
    Fault(
        "complement-from-rounded-beta2",
        "1 - beta2 is formed from beta2 already rounded to float32: wrong in the fifth digit for float32 parameters",
        numpy=(
            (
                "    v_rows = to(beta2) * v[rows] + to(1 - beta2) * (g * g)\n",
                "    v_rows = to(beta2) * v[rows] + (to(1) - to(beta2)) * (g * g)\n",
            ),
        ),
        torch=(
            (
                "            grad_values.pow(2).sub_(old_exp_avg_sq_values).mul_(1 - beta2)\n",
                "            grad_values.pow(2).sub_(old_exp_avg_sq_values).mul_(1 - float(param.new_tensor(beta2)))\n",
            ),
        ),
    ),
    Fault(
        "step-size-in-single",
        "the step size of float64 parameters is rounded to float32",
        numpy=(
            (
                "    alpha = lr * math.sqrt(correction2) / correction1\n",
                "    alpha = lr * math.sqrt(correction2) / correction1\n    alpha = float(np.float32(alpha))\n",
            ),
        ),
        torch=(
            (
                "        step_size = lr * math.sqrt(bias_correction2) / bias_correction1\n",
                "        step_size = lr * math.sqrt(bias_correction2) / bias_correction1\n        import numpy\n        step_size = float(numpy.float32(step_size))\n",
            ),
        ),
        dtype="float64",
    ),
    Fault(
        "second-moment-kept-in-single",
        "the second moment of float64 parameters is stored in float32",
        numpy=(('"v": np.zeros_like(p.data)}', '"v": np.zeros_like(p.data, dtype=np.float32)}'),),
        torch=(
            (
                "        exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values))\n",
                "        exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values))\n        exp_avg_sq.copy_(exp_avg_sq.float())\n",
            ),
        ),
        dtype="float64",
    ),
    Fault(
        "root-in-single",
        "the square root is taken in float32 for float64 parameters too",
        numpy=(
            (
                "    denominator = np.sqrt(v_rows) + to(eps)\n",
                "    denominator = np.sqrt(v_rows.astype(np.float32)).astype(w.dtype) + to(eps)\n",
            ),
        ),
        torch=(
            (
                "        denom = exp_avg_sq_update_values.sqrt_().add_(eps)\n",
                "        denom = exp_avg_sq_update_values.float().sqrt_().to(param.dtype).add_(eps)\n",
            ),
        ),
        dtype="float64",
    ),
    Fault(
        "update-clamped-to-2-lr",
        "the update is clamped to twice the learning rate, which rows first touched at late steps exceed",
        numpy=(
            (
                "    update = to(alpha) * (numerator / denominator)\n",
                "    update = to(alpha) * (numerator / denominator)\n    update = np.clip(update, to(-2 * lr), to(2 * lr))\n",
            ),
        ),
        torch=(
            (
                "        param.add_(make_sparse(-step_size * numer.div_(denom)))\n",
                "        param.add_(make_sparse((-step_size * numer.div_(denom)).clamp(-2 * lr, 2 * lr)))\n",
            ),
        ),
    ),
    Fault(
        "second-moment-never-shrinks-below-old",
        "the denominator takes the larger of old and new second moment (AMSGrad's, unasked)",
        numpy=(
            (
                "    denominator = np.sqrt(v_rows) + to(eps)\n",
                "    denominator = np.sqrt(np.maximum(v_rows, v[rows])) + to(eps)\n",
            ),
        ),
        torch=(
            (
                "        denom = exp_avg_sq_update_values.sqrt_().add_(eps)\n",
                "        denom = exp_avg_sq_update_values.maximum(old_exp_avg_sq_values).sqrt_().add_(eps)\n",
            ),
        ),
    ),
    Fault(
        "single-row-path-forgets-maximize",
        "the fast path for a gradient of one entry ignores maximize",
        numpy=(
            (
                '    if group["maximize"]:\n',
                '    if group["maximize"] and not (isinstance(grad, tuple) and len(grad[0]) == 1):\n',
            ),
        ),
        torch=(
            (
                "grad = grad if not maximize else -grad\n",
                "grad = grad if not maximize or grad._nnz() == 1 else -grad\n",
            ),
        ),
    ),
    Fault(
        "decay-before-unscaling",
        "weight decay is added before the loss scale is divided out, so the decay is divided too",
        numpy=(
            (
                '    if group["loss_scale"] != 1:\n        g = g / to(group["loss_scale"])\n    if group["weight_decay"]:\n        g = g + to(group["weight_decay"]) * w[rows]\n',
                '    if group["weight_decay"]:\n        g = g + to(group["weight_decay"]) * w[rows]\n    if group["loss_scale"] != 1:\n        g = g / to(group["loss_scale"])\n',
            ),
        ),
    ),
    Fault(
        "maximize-turns-decay-around",
        "with maximize the weight decay changes its sign too",
        numpy=(
            (
                '    if group["weight_decay"]:\n        g = g + to(group["weight_decay"]) * w[rows]\n',
                '    if group["weight_decay"]:\n        g = g + to(-group["weight_decay"] if group["maximize"] else group["weight_decay"]) * w[rows]\n',
            ),
        ),
    ),
    Fault(
        "decay-for-every-repeat",
        "weight decay is added once for every entry of a repeated row",
        numpy=(
            (
                '        g = g + to(group["weight_decay"]) * w[rows]\n',
                '        times = np.unique(grad[0], return_counts=True)[1] if isinstance(grad, tuple) else np.ones(len(w))\n        g = g + to(group["weight_decay"]) * w[rows] * times.astype(w.dtype).reshape(-1, *[1] * (w.ndim - 1))\n',
            ),
        ),
    ),
    Fault(
        "no-decay-for-vectors",
        "parameters of rank 1 are taken for biases and get no weight decay, though their group sets it",
        numpy=(('    if group["weight_decay"]:\n', '    if group["weight_decay"] and w.ndim > 1:\n'),),
    ),
    Fault(
        "decay-of-leading-rows",
        "with a sparse gradient the weight decay reads the leading rows of the table, not the gradient's rows",
        numpy=(
            (
                '        g = g + to(group["weight_decay"]) * w[rows]\n',
                '        g = g + to(group["weight_decay"]) * w[: len(rows)]\n',
            ),
        ),
    ),
    Fault(
        "loss-scale-below-one-ignored",
        "a loss scale below 1 is not divided out",
        numpy=(('    if group["loss_scale"] != 1:\n', '    if group["loss_scale"] > 1:\n'),),
    ),
    Fault(
        "loss-scale-by-single-reciprocal",
        "float64 gradients are multiplied with a reciprocal of the loss scale that was rounded to float32",
        numpy=(
            (
                '        g = g / to(group["loss_scale"])\n',
                '        g = g * to(np.float32(1 / group["loss_scale"]))\n',
            ),
        ),
        dtype="float64",
    ),
    Fault(
        "loss-scale-unscales-in-place",
        "a dense gradient of the caller is unscaled in place: used for a second step it is unscaled twice",
        numpy=(('        g = g / to(group["loss_scale"])\n', '        g /= to(group["loss_scale"])\n'),),
    ),
    Fault(
        "nesterov-without-decay",
        "with nesterov the look-ahead takes the gradient without the weight decay",
        numpy=(
            (
                '    if group["weight_decay"]:\n        g = g + to(group["weight_decay"]) * w[rows]\n',
                '    plain = g\n    if group["weight_decay"]:\n        g = g + to(group["weight_decay"]) * w[rows]\n',
            ),
            (
                "        numerator = to(beta1) * m_rows + to(1 - beta1) * g\n",
                "        numerator = to(beta1) * m_rows + to(1 - beta1) * plain\n",
            ),
        ),
    ),
    Fault(
        "nesterov-look-ahead-stored",
        "with nesterov the look-ahead is stored as the first moment",
        numpy=(("    m[rows] = m_rows\n", "    m[rows] = numerator\n"),),
    ),
    Fault(
        "nesterov-ignored-when-sparse",
        "nesterov is ignored when the gradient is sparse",
        numpy=(
            ('    if group["nesterov"]:\n', '    if group["nesterov"] and not isinstance(grad, tuple):\n'),
        ),
    ),
    Fault(
        "dense-and-sparse-steps-counted-apart",
        "a parameter that gets dense and sparse gradients counts the steps of the two kinds apart",
        numpy=(
            (
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)',
                '                kinds = self.__dict__.setdefault("kinds", {}).setdefault(p, {})\n                kind = isinstance(p.grad, tuple)\n                kinds[kind] = kinds.get(kind, state["step"] - 1 if not kinds else 0) + 1\n                lazy_adam(p.data, state["m"], state["v"], p.grad, kinds[kind], group)',
            ),
        ),
    ),
)
