"""Parameters and groups."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.documented.texts import (
    CALL,
    GROUPS,
    MADE,
    MISSING,
    RISE,
    STATE,
    T_BETAS,
    T_EMPTY,
    T_GRAD,
    T_GROUPS,
    T_HAS_GRAD,
    T_LR,
    T_STEP,
)

FAULTS = (
    Fault(
        "parameters-past-36-take-first-step",
        "a launch holds 36 parameters; later ones of a group are corrected with the step count of the first",
        numpy=(
            (
                CALL,
                'head = group["params"][0] if list(group["params"]).index(p) >= 36 else p\n'
                '                t = self.state.get(head, state)["step"]\n'
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, t, group)',
            ),
        ),
        torch=((T_STEP, "step = state_steps[i if i < 36 else 0]"),),
    ),
    Fault(
        "parameter-after-empty-one-skipped",
        "a parameter without elements takes the place of the next one in the list",
        numpy=(
            (
                MISSING,
                'place = list(group["params"]).index(p)\n'
                '                if place and not group["params"][place - 1].data.size:\n'
                "                    continue\n"
                f"                {MISSING}",
            ),
        ),
        torch=(
            (T_GRAD, "if i and not params[i - 1].numel():\n            continue\n        grad = grads[i]"),
        ),
        stands_for="TransformerEngine#3202",
    ),
    Fault(
        "stacked-parameters-take-first-step",
        "parameters of equal shape in a group are stacked, and corrected with the step count of the first",
        numpy=(
            (
                CALL,
                'head = next(q for q in group["params"] if q.data.shape == p.data.shape and q.grad is not None)\n'
                '                t = self.state[head]["step"]\n'
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, t, group)',
            ),
        ),
        torch=(
            (
                T_STEP,
                "step = state_steps[next(j for j, q in enumerate(params) if q.shape == param.shape)]",
            ),
        ),
    ),
    Fault(
        "stacked-shapes-take-first-group",
        "parameters of equal shape are stacked across groups, and use the hyperparameters of the first group",
        numpy=(
            (
                CALL,
                'alike = (g for g in self.groups if any(q.data.shape == p.data.shape for q in g["params"]))\n'
                '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], next(alike))',
            ),
        ),
    ),
    Fault(
        "stacked-rows-without-offset",
        "sparse gradients of parameters of equal shape are joined without an offset: common rows add up",
        numpy=(
            (
                CALL,
                "grad = p.grad\n"
                '                for q in group["params"] if isinstance(grad, tuple) else ():\n'
                "                    if q is not p and isinstance(q.grad, tuple) and q.data.shape == p.data.shape:\n"
                "                        common = np.isin(q.grad[0], p.grad[0])\n"
                "                        rows = np.append(grad[0], q.grad[0][common])\n"
                "                        grad = rows, np.concatenate([grad[1], q.grad[1][common]])\n"
                '                lazy_adam(p.data, state["m"], state["v"], grad, state["step"], group)',
            ),
        ),
    ),
    Fault(
        "betas-of-8-groups",
        "the table of betas has 8 places, and later groups start it again",
        numpy=(
            (
                GROUPS,
                "for index, group in enumerate(self.groups):\n"
                '            group = group | {"betas": self.groups[index % 8]["betas"]}',
            ),
        ),
        torch=(
            (T_GROUPS, "for index, group in enumerate(self.param_groups):"),
            (T_BETAS, 'beta1, beta2 = self.param_groups[index % 8]["betas"]'),
        ),
    ),
    Fault(
        "nesterov-of-any-group",
        "one group with nesterov makes all groups step with it",
        numpy=(
            (
                GROUPS,
                f"{GROUPS}\n"
                '            group = group | {"nesterov": any(g["nesterov"] for g in self.groups)}',
            ),
        ),
        beyond="groups do not differ in Nesterov's form",
    ),
    Fault(
        "loss-scale-of-last-group",
        "every group is divided by the loss scale of the last one",
        numpy=(
            (
                GROUPS,
                f'{GROUPS}\n            group = group | {{"loss_scale": self.groups[-1]["loss_scale"]}}',
            ),
        ),
    ),
    Fault(
        "later-groups-keep-first-learning-rate",
        "a schedule reaches the first group only: the others keep the learning rate of their first step",
        numpy=(
            (MADE, f"{MADE}\n        self.rates: dict[int, Any] = {{}}"),
            (
                GROUPS,
                "for index, group in enumerate(self.groups):\n"
                "            if index:\n"
                '                group = group | {"lr": self.rates.setdefault(index, group["lr"])}',
            ),
        ),
        torch=(
            (
                T_LR,
                "lr=_to_scalar(\n"
                '                    group["lr"]\n'
                "                    if group is self.param_groups[0]\n"
                '                    else group.setdefault("first_lr", group["lr"])\n'
                "                ),",
            ),
        ),
    ),
    Fault(
        "empty-group-ends-the-step",
        "a group without parameters ends the step, and later groups are not updated",
        numpy=((GROUPS, f'{GROUPS}\n            if not group["params"]:\n                break'),),
        torch=((T_GROUPS, f'{T_GROUPS}\n            if not group["params"]:\n                break'),),
    ),
    Fault(
        "group-without-gradients-ends-the-step",
        "a group none of whose parameters has a gradient ends the step, and later groups are not updated",
        numpy=(
            (
                GROUPS,
                f'{GROUPS}\n            if all(p.grad is None for p in group["params"]):\n                break',
            ),
        ),
        torch=(
            (
                T_GROUPS,
                f'{T_GROUPS}\n            if all(p.grad is None for p in group["params"]):\n                break',
            ),
        ),
    ),
    Fault(
        "missing-gradient-ends-the-group",
        "parameters after one without a gradient are not updated",
        numpy=((MISSING, "if p.grad is None:\n                    break"),),
        torch=((T_HAS_GRAD, f"if p.grad is None:\n                    break\n                {T_HAS_GRAD}"),),
    ),
    Fault(
        "empty-gradient-ends-the-group",
        "parameters after one whose gradient names no rows are not updated",
        numpy=(
            (
                CALL,
                f"{CALL}\n"
                "                if isinstance(p.grad, tuple) and not len(p.grad[0]):\n"
                "                    break",
            ),
        ),
        torch=((T_EMPTY, "# Skip update for empty grad\n            break"),),
    ),
    Fault(
        "moments-by-place-among-gradients",
        "moments belong to a place in the list of parameters that have a gradient, which moves if one lacks it",
        numpy=(
            (
                STATE,
                'present = [q for q in group["params"] if q.grad is not None]\n'
                '                owner = group["params"][present.index(p)]\n'
                "                if owner not in self.state or owner.data.shape != p.data.shape:\n"
                "                    owner = p\n"
                "                state = self.state[owner]",
            ),
        ),
    ),
    Fault(
        "state-of-256-parameters",
        "states are numbered in 8 bits: parameter 256 shares the moments of the first, if of equal shape",
        numpy=(
            (
                STATE,
                'every = [q for g in self.groups for q in g["params"]]\n'
                "                owner = every[every.index(p) % 256]\n"
                "                if owner not in self.state or owner.data.shape != p.data.shape:\n"
                "                    owner = p\n"
                "                state = self.state[owner]",
            ),
        ),
        beyond="there are 40 parameters at most",
    ),
    Fault(
        "group-of-one-kind-of-gradient",
        "if the first gradient of a group is dense, the sparse ones in it are made dense",
        numpy=(
            (
                CALL,
                "grad = p.grad\n"
                '                first = next(q.grad for q in group["params"] if q.grad is not None)\n'
                "                if isinstance(grad, tuple) and not isinstance(first, tuple):\n"
                "                    grad = np.zeros_like(p.data)\n"
                "                    np.add.at(grad, *p.grad)\n"
                '                lazy_adam(p.data, state["m"], state["v"], grad, state["step"], group)',
            ),
        ),
        beyond="in a step all gradients are sparse, or all dense",
    ),
    Fault(
        "group-step-counted-by-first-parameter",
        "the step counts of a group rise only when its first parameter has a gradient",
        numpy=((RISE, 'state["step"] += group["params"][0].grad is not None or not state["step"]'),),
        torch=((RISE, 'state["step"] += int(group["params"][0].grad is not None or not state["step"])'),),
    ),
    Fault(
        "late-parameter-joins-the-count",
        "a parameter whose first gradient comes late starts at the step count of those before it in its group",
        numpy=(
            (
                '"step": 0',
                '"step": max((self.state[q]["step"] for q in group["params"][: group["params"].index(p)]'
                " if q in self.state), default=1) - 1",
            ),
        ),
        torch=(('state["step"] = 0', 'state["step"] = max(state_steps, default=1) - 1'),),
        stands_for="InfiniTrain#235",
    ),
)
