"""Hyperparameters and their limits."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.documented.texts import (
    ALPHA_1,
    DECAY,
    DENOMINATOR,
    GROUPS,
    HYPER,
    IF_DECAY,
    IF_NESTEROV,
    IF_SCALE,
    NESTEROV,
    SCALED,
    T_BETAS,
    T_EPS,
    T_LR,
    T_MAXIMIZE,
    T_WRITE_M,
    WRITE_M,
)

FAULTS = (
    Fault(
        "learning-rate-0-becomes-default",
        "a learning rate of 0 is taken for none given",
        numpy=((HYPER, f"{HYPER}\n    lr = lr or 1e-3"),),
        torch=((T_LR, 'lr=_to_scalar(group["lr"]) or 1e-3,'),),
    ),
    Fault(
        "learning-rate-above-1-taken-as-1",
        "a learning rate is held to at most 1",
        numpy=((HYPER, f"{HYPER}\n    lr = min(lr, 1.0)"),),
        torch=((T_LR, 'lr=min(_to_scalar(group["lr"]), 1.0),'),),
    ),
    Fault(
        "learning-rate-change-within-a-percent-ignored",
        "the step size is computed anew only when the learning rate changes by more than a percent",
        numpy=(
            (
                HYPER,
                f"{HYPER}\n"
                '    kept = group.get("kept_lr", lr)\n'
                '    lr = group["kept_lr"] = lr if abs(lr - kept) > 0.01 * abs(lr) else kept',
            ),
        ),
        torch=(
            (
                T_MAXIMIZE,
                f"{T_MAXIMIZE}\n"
                '            lr = _to_scalar(group["lr"])\n'
                '            kept = group.get("kept_lr", lr)\n'
                '            group["kept_lr"] = lr if abs(lr - kept) > 0.01 * abs(lr) else kept',
            ),
            (T_LR, 'lr=group["kept_lr"],'),
        ),
    ),
    Fault(
        "beta2-0-becomes-default",
        "a β2 of 0 is taken for none given",
        numpy=((HYPER, f"{HYPER}\n    beta2 = beta2 or 0.999"),),
        torch=((T_BETAS, f"{T_BETAS}\n            beta2 = beta2 or 0.999"),),
    ),
    Fault(
        "beta2-capped-at-0.9999",
        "a β2 closer to 1 than 0.9999 is not taken",
        numpy=((HYPER, f"{HYPER}\n    beta2 = min(beta2, 0.9999)"),),
        torch=((T_BETAS, f"{T_BETAS}\n            beta2 = min(beta2, 0.9999)"),),
    ),
    Fault(
        "epsilon-above-1-taken-as-1",
        "ε is held to at most 1",
        numpy=((HYPER, f"{HYPER}\n    eps = min(eps, 1.0)"),),
        torch=((T_EPS, 'eps=min(group["eps"], 1.0),'),),
    ),
    Fault(
        "default-beta2-of-0.99",
        "β2 is 0.99 where none is given",
        numpy=(('"betas": (0.9, 0.999)', '"betas": (0.9, 0.99)'),),
        torch=(("betas: tuple[float, float] = (0.9, 0.999)", "betas: tuple[float, float] = (0.9, 0.99)"),),
    ),
    Fault(
        "default-epsilon-of-keras",
        "ε is 1e-7 where none is given",
        numpy=(('"eps": 1e-8', '"eps": 1e-7'),),
        torch=(("eps: float = 1e-8", "eps: float = 1e-7"),),
    ),
    Fault(
        "beta1-0-moment-not-stored",
        "with β1 of 0 the first moment is not stored, so that it is stale once β1 is raised or the state saved",
        numpy=((WRITE_M, f"if beta1:\n        {WRITE_M}"),),
        torch=((T_WRITE_M, f"if beta1:\n            {T_WRITE_M}"),),
    ),
    Fault(
        "loss-scale-capped-at-65504",
        "the loss scale is held to the greatest number of float16",
        numpy=((SCALED, 'g = g / to(min(group["loss_scale"], 65504.0))'),),
    ),
    Fault(
        "loss-scale-of-the-step-before",
        "when the loss scale changes, one more step is divided by the old one",
        numpy=(
            (
                GROUPS,
                f"{GROUPS}\n"
                '            before = group.get("scale_before", group["loss_scale"])\n'
                '            group["scale_before"] = group["loss_scale"]\n'
                '            group = group | {"loss_scale": before}',
            ),
        ),
    ),
    Fault(
        "loss-scale-ignored-when-maximizing",
        "a gradient that is negated is not unscaled",
        numpy=((IF_SCALE, 'if group["loss_scale"] != 1 and not group["maximize"]:'),),
    ),
    Fault(
        "loss-scale-ignored-when-dense",
        "a dense gradient is not unscaled",
        numpy=((IF_SCALE, 'if group["loss_scale"] != 1 and isinstance(grad, tuple):'),),
    ),
    Fault(
        "epsilon-times-loss-scale",
        "ε is scaled along with the loss",
        numpy=((DENOMINATOR, 'denominator = np.sqrt(v_rows) + to(eps * group["loss_scale"])'),),
    ),
    Fault(
        "maximize-ignored-when-dense",
        "a dense gradient is not negated",
        numpy=(('if group["maximize"]:', 'if group["maximize"] and isinstance(grad, tuple):'),),
        stands_for="pytorch_optimizer#527",
    ),
    Fault(
        "nesterov-ignored-when-dense",
        "a dense gradient steps without the look-ahead",
        numpy=((IF_NESTEROV, 'if group["nesterov"] and isinstance(grad, tuple):'),),
    ),
    Fault(
        "nesterov-corrects-with-next-step",
        "with nesterov, the first moment is corrected with the step count of the next step",
        numpy=((ALPHA_1, 'correction1 = 1 - beta1 ** (t + bool(group["nesterov"]))'),),
    ),
    Fault(
        "nesterov-weighted-by-beta2",
        "the look-ahead weighs moment and gradient by β2",
        numpy=((NESTEROV, "numerator = to(beta2) * m_rows + to(1 - beta2) * g"),),
    ),
    Fault(
        "nesterov-of-the-unnegated-gradient",
        "with maximize, the look-ahead adds the gradient as it came",
        numpy=(
            (
                NESTEROV,
                'numerator = to(beta1) * m_rows + to(1 - beta1) * (-g if group["maximize"] else g)',
            ),
        ),
    ),
    Fault(
        "nesterov-of-the-scaled-gradient",
        "with a loss scale, the look-ahead adds the gradient before it was unscaled",
        numpy=(
            (
                NESTEROV,
                'numerator = to(beta1) * m_rows + to((1 - beta1) * group["loss_scale"]) * g',
            ),
        ),
    ),
    Fault(
        "decay-decoupled-when-dense",
        "with a dense gradient, the decay takes from the weights and does not enter the gradient",
        numpy=(
            (
                IF_DECAY,
                'if group["weight_decay"] and not isinstance(grad, tuple):\n'
                '        w *= to(1 - lr * group["weight_decay"])\n'
                '    elif group["weight_decay"]:',
            ),
        ),
    ),
    Fault(
        "decay-of-row-0-for-a-single-row",
        "when one row alone is named, its decay is that of row 0",
        numpy=((DECAY, 'g = g + to(group["weight_decay"]) * (w[:1] if len(rows) == 1 else w[rows])'),),
    ),
    Fault(
        "empty-gradient-decays-the-table",
        "a gradient that names no rows lets the whole table decay",
        numpy=(
            (
                IF_DECAY,
                'if group["weight_decay"] and not len(rows):\n'
                '        w *= to(1 - lr * group["weight_decay"])\n'
                f"    {IF_DECAY}",
            ),
        ),
    ),
    Fault(
        "decay-left-out-at-learning-rate-0",
        "while the learning rate is 0, the decay does not enter the moments",
        numpy=((IF_DECAY, 'if group["weight_decay"] and lr:'),),
        beyond="no case has a weight decay and a learning rate of 0",
    ),
)
