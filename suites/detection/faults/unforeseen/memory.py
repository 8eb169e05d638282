"""Whose memory is written, and in which order it lies."""

from lazyadam.suites.detection.fault import Fault

FAULTS = (
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
)
