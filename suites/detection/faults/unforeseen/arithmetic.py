"""Roundings and shortcuts of the formula."""

from lazyadam.suites.detection.fault import Fault

FAULTS = (
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
)
