"""Several parameters and groups, state saved and loaded, and side effects."""

from lazyadam.suites.detection.fault import Fault

_HANDED = 'state["step"], group)'
_STEP = "    @torch.no_grad()\n    def step(self, closure=None):"
_LOADED = '{"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}'


def _loading(line: str) -> tuple[tuple[str, str], ...]:
    """`line` is done to every `state` that is loaded."""
    method = (
        "    def load_state_dict(self, saved):\n"
        "        super().load_state_dict(saved)\n"
        "        for state in self.state.values():\n"
        f"            {line}\n\n"
    )
    return ((_STEP, method + _STEP),)


FAULTS = (
    Fault(
        "group-learning-rate-of-the-first",
        "every group has the learning rate of the first",
        numpy=((_HANDED, 'state["step"], {**group, "lr": self.groups[0]["lr"]})'),),
        torch=(('_to_scalar(group["lr"])', '_to_scalar(self.param_groups[0]["lr"])'),),
    ),
    Fault(
        "group-betas-of-the-first",
        "every group has the betas of the first",
        numpy=((_HANDED, 'state["step"], {**group, "betas": self.groups[0]["betas"]})'),),
        torch=(('beta1, beta2 = group["betas"]', 'beta1, beta2 = self.param_groups[0]["betas"]'),),
    ),
    Fault(
        "group-epsilon-of-the-first",
        "every group has the ε of the first",
        numpy=((_HANDED, 'state["step"], {**group, "eps": self.groups[0]["eps"]})'),),
        torch=(('eps=group["eps"]', 'eps=self.param_groups[0]["eps"]'),),
    ),
    Fault(
        "group-decay-of-the-first",
        "every group has the weight decay of the first",
        numpy=((_HANDED, 'state["step"], {**group, "weight_decay": self.groups[0]["weight_decay"]})'),),
    ),
    Fault(
        "parameter-last-lost",
        "the last of several parameters of a group is not updated",
        numpy=(
            (
                'for p in group["params"]:\n                if p.grad is None',
                'for p in group["params"][: max(1, len(group["params"]) - 1)]:\n                if p.grad is None',
            ),
        ),
        torch=(
            (
                'for p in group["params"]:\n',
                'for p in group["params"][: max(1, len(group["params"]) - 1)]:\n',
            ),
        ),
        stands_for="pytorch#86209",
    ),
    Fault(
        "parameter-of-the-same-shape",
        "the first parameter of a shape is updated instead of the others",
        numpy=(
            (
                "lazy_adam(p.data,",
                'lazy_adam(next(q.data for q in group["params"] if q.data.shape == p.data.shape),',
            ),
        ),
        torch=(
            (
                "params_with_grad.append(p)",
                'params_with_grad.append(next(q for q in group["params"] if q.shape == p.shape))',
            ),
        ),
    ),
    Fault(
        "moment-shared-by-shape",
        "parameters of one shape share their first moment",
        numpy=(('p.data, state["m"],', 'p.data, vars(self).setdefault(p.data.shape, state["m"]),'),),
        torch=(
            (
                'exp_avgs.append(state["exp_avg"])',
                'exp_avgs.append(vars(self).setdefault(p.shape, state["exp_avg"]))',
            ),
        ),
    ),
    Fault(
        "gradient-of-the-parameter-before",
        "a parameter without a gradient takes that of the one before",
        numpy=(
            (
                "                if p.grad is None:\n                    continue",
                "                if p.grad is None:\n"
                "                    p.grad = next((q.grad for q in group['params'] if q.grad is not None"
                " and q.data.shape == p.data.shape), None)\n"
                "                if p.grad is None:\n                    continue",
            ),
        ),
    ),
    Fault(
        "load-forgets-step",
        "a loaded state starts counting at 0",
        numpy=((_LOADED, _LOADED.replace('int(state["step"])', "0")),),
        torch=_loading('state["step"] = 0'),
        stands_for="tt-metal#53212; FBGEMM#4102",
    ),
    Fault(
        "load-forgets-first-moment",
        "a loaded state has no first moment",
        numpy=((_LOADED, _LOADED.replace('state["m"].copy()', 'np.zeros_like(state["m"])')),),
        torch=_loading('state["exp_avg"].zero_()'),
        stands_for="pytorch#4034",
    ),
    Fault(
        "load-forgets-second-moment",
        "a loaded state has no second moment",
        numpy=((_LOADED, _LOADED.replace('state["v"].copy()', 'np.zeros_like(state["v"])')),),
        torch=_loading('state["exp_avg_sq"].zero_()'),
        stands_for="pytorch#78807",
    ),
    Fault(
        "load-forgets-learning-rate",
        "a loaded optimizer has the learning rate that it was made with",
        numpy=(('group["lr"] = lr', "pass"),),
        torch=(
            (
                _STEP,
                "    def load_state_dict(self, saved):\n"
                '        made = [group["lr"] for group in self.param_groups]\n'
                "        super().load_state_dict(saved)\n"
                "        for group, lr in zip(self.param_groups, made, strict=True):\n"
                '            group["lr"] = lr\n\n' + _STEP,
            ),
        ),
    ),
    Fault(
        "load-in-float16",
        "a loaded state has been rounded to float16",
        numpy=(
            (
                _LOADED,
                _LOADED.replace(
                    'state["m"].copy()', 'state["m"].astype(np.float16).astype(state["m"].dtype)'
                ),
            ),
        ),
        torch=_loading('state["exp_avg"].copy_(state["exp_avg"].half())'),
    ),
    Fault(
        "load-in-another-order",
        "states are loaded in the reverse order of the parameters",
        numpy=(
            ("in zip(params, saved, strict=True)", "in zip(params, reversed(saved), strict=True)"),
            ("            if state:\n", '            if state and state["m"].shape == p.data.shape:\n'),
        ),
    ),
    Fault(
        "gradient-scaled-in-place",
        "the caller's gradient has changed after the step",
        numpy=(
            (
                "w[rows] -= update",
                "w[rows] -= update\n    (grad[1] if isinstance(grad, tuple) else grad)[...] *= to(0.5)",
            ),
        ),
        torch=(
            (
                "param.add_(make_sparse(-step_size * numer.div_(denom)))",
                "param.add_(make_sparse(-step_size * numer.div_(denom)))\n        grads[i]._values().mul_(0.5)",
            ),
        ),
        stands_for="pytorch#116507",
    ),
    Fault(
        "gradient-rows-sorted-in-place",
        "the rows of the caller's gradient are sorted after the step",
        numpy=(
            (
                "w[rows] -= update",
                "w[rows] -= update\n    if isinstance(grad, tuple):\n        grad[0].sort()",
            ),
        ),
        torch=(
            (
                "grad_values = grad._values()",
                "grad_values = grad._values()\n        grads[i]._indices().copy_(grads[i]._indices().sort()[0])",
            ),
        ),
    ),
    Fault(
        "gradient-negated-in-place",
        "maximize negates the caller's gradient where it is dense",
        numpy=(("g = -g", "g = np.negative(g, out=g)"),),
    ),
    Fault(
        "gradient-decayed-in-place",
        "weight decay is added to the caller's gradient where it is dense",
        numpy=(('g = g + to(group["weight_decay"]) * w[rows]', 'g += to(group["weight_decay"]) * w[rows]'),),
    ),
)
