"""Hyperparameters: what they mean, when they are read, whose they are."""

from lazyadam.suites.detection.fault import Fault

FAULTS = (
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
)
