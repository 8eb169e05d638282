"""Weight decay, the loss scale, and maximize."""

from lazyadam.suites.detection.fault import Fault

_MAXIMIZE = '    if group["maximize"]:\n        g = -g\n'
_UNSCALE = '    if group["loss_scale"] != 1:\n        g = g / to(group["loss_scale"])\n'
_DECAY = 'g = g + to(group["weight_decay"]) * w[rows]'
_SCALED = 'g = g / to(group["loss_scale"])'

FAULTS = (
    Fault(
        "decay-decoupled",
        "weight decay is taken from w, and the moments don't see it",
        numpy=((_DECAY, 'w[rows] *= to(1 - lr * group["weight_decay"])'),),
        stands_for="FlagGems#4988",
    ),
    Fault(
        "decay-ignored",
        "weight decay is ignored",
        numpy=((_DECAY, "pass"),),
    ),
    Fault(
        "decay-turned",
        "weight decay has the wrong sign",
        numpy=((_DECAY, _DECAY.replace("+", "-")),),
    ),
    Fault(
        "decay-of-the-update",
        "weight decay is multiplied by the learning rate, and enters the moments",
        numpy=((_DECAY, _DECAY.replace("w[rows]", "to(lr) * w[rows]")),),
    ),
    Fault(
        "decay-for-every-occurrence",
        "weight decay joins a repeated row once for each occurrence",
        numpy=(
            (
                _DECAY,
                "times = np.unique(grad[0], return_counts=True)[1] if isinstance(grad, tuple) else rows * 0 + 1\n"
                f"        {_DECAY} * times.reshape(-1, *[1] * (w.ndim - 1)).astype(w.dtype)",
            ),
        ),
        stands_for="a decay applied before duplicates are merged",
    ),
    Fault(
        "decay-not-unscaled",
        "weight decay is added before the gradient is unscaled",
        numpy=((_UNSCALE, ""), (_DECAY, f"{_DECAY}\n{_UNSCALE.rstrip()}")),
        stands_for="bitsandbytes#2010",
    ),
    Fault(
        "decay-before-maximize",
        "weight decay is negated together with the gradient",
        numpy=((_MAXIMIZE, ""), (_DECAY, f"{_DECAY}\n{_MAXIMIZE.rstrip()}")),
        stands_for="bitsandbytes#2010",
    ),
    Fault(
        "decay-of-the-whole-table",
        "weight decay moves untouched rows too",
        numpy=((_DECAY, f'{_DECAY}\n        w *= to(1 - lr * group["weight_decay"] * 1e-3)'),),
    ),
    Fault(
        "loss-scale-ignored",
        "gradients are not unscaled",
        numpy=((_SCALED, "pass"),),
        stands_for="pytorch#36786",
    ),
    Fault(
        "loss-scale-multiplied",
        "gradients are multiplied by the loss scale",
        numpy=((_SCALED, _SCALED.replace("/", "*")),),
    ),
    Fault(
        "loss-scale-in-v-ignored",
        "the second moment takes the gradient as it came",
        numpy=(("(g * g)", '(g * g * to(group["loss_scale"] ** 2))'),),
        stands_for="pytorch#95781",
    ),
    Fault(
        "maximize-ignored",
        "maximize is ignored",
        numpy=((_MAXIMIZE, ""),),
        torch=(("grad = grad if not maximize else -grad", "grad = grad"),),
    ),
    Fault(
        "maximize-turns-the-update",
        "maximize turns the update, and the first moment has the wrong sign",
        numpy=((_MAXIMIZE, ""), ("w[rows] -= update", 'w[rows] -= -update if group["maximize"] else update')),
        torch=(
            ("grad = grad if not maximize else -grad", "grad = grad"),
            ("make_sparse(-step_size", "make_sparse((step_size if maximize else -step_size)"),
        ),
    ),
    Fault(
        "maximize-always",
        "every gradient is negated",
        numpy=((_MAXIMIZE, "    g = -g\n"),),
        torch=(("grad = grad if not maximize else -grad", "grad = -grad"),),
    ),
)
