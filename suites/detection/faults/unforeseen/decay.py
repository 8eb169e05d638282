"""Weight decay, loss scale and Nesterov's form, alone and together."""

from lazyadam.suites.detection.fault import Fault

FAULTS = (
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
