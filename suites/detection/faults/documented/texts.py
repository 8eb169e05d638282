"""Texts of the two hosts that these faults change, and the changes that several make."""

# The NumPy host.
ADD = "np.add.at(total, inverse, values)"
ALPHA_1 = "correction1 = 1 - beta1**t"
CALL = 'lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)'
DECAY = 'g = g + to(group["weight_decay"]) * w[rows]'
DENOMINATOR = "denominator = np.sqrt(v_rows) + to(eps)"
DENSE = "rows, g = np.arange(len(w)), grad"
GROUPS = "for group in self.groups:"
HYPER = 'lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]'
IF_DECAY = 'if group["weight_decay"]:'
IF_NESTEROV = 'if group["nesterov"]:'
IF_SCALE = 'if group["loss_scale"] != 1:'
LOAD = "for p, state in zip(params, saved, strict=True):"
LOADED_STEP = 'int(state["step"])'
MADE = "self.groups = [defaults | group for group in groups]"
MERGE = "rows, g = coalesce(*grad)"
MISSING = "if p.grad is None:\n                    continue"
NEGATED = "g = -g"
NESTEROV = "numerator = to(beta1) * m_rows + to(1 - beta1) * g"
RISE = 'state["step"] += 1'
SCALED = 'g = g / to(group["loss_scale"])'
STATE = "state = self.state[p]"
UNIQUE = "unique, inverse = np.unique(rows, return_inverse=True)"
UPDATE = "update = to(alpha) * (numerator / denominator)"
V = "v_rows = to(beta2) * v[rows] + to(1 - beta2) * (g * g)"
WRITE_M = "m[rows] = m_rows"
WRITE_W = "w[rows] -= update"

# torch.
T_BETAS = 'beta1, beta2 = group["betas"]'
T_COALESCE = "grad = grad.coalesce()  # the update is non-linear so indices must be unique"
T_EMPTY = "# Skip update for empty grad\n            continue"
T_EPS = 'eps=group["eps"],'
T_GRAD = "grad = grads[i]"
T_GROUPS = "for group in self.param_groups:"
T_HAS_GRAD = "if p.grad is not None:"
T_LR = 'lr=_to_scalar(group["lr"]),'
T_MAXIMIZE = 'maximize = group.get("maximize", False)'
T_OLD_V = "old_exp_avg_sq_values = exp_avg_sq.sparse_mask(grad)._values()"
T_STEP = "step = state_steps[i]"
T_VALUES = "grad_values = grad._values()"
T_WRITE_M = "exp_avg.add_(make_sparse(exp_avg_update_values))"
T_WRITE_W = "param.add_(make_sparse(-step_size * numer.div_(denom)))"


def merged(new: str, *, then: str = "") -> tuple[tuple[str, str], ...]:
    """The NumPy host with `new` after the merge of a sparse gradient."""
    return ((MERGE, f"{MERGE}\n        {new}{then}"),)


def t_kept(which: str, *, when: str) -> tuple[tuple[str, str], ...]:
    """torch's with only the entries `which` of the merged gradient, `when`."""
    return (
        (
            T_COALESCE,
            "grad = grad.coalesce()\n"
            f"        if {when}:\n"
            f"            keep = {which}\n"
            "            grad = grad.new(grad._indices()[:, keep], grad._values()[keep], grad.size()).coalesce()",
        ),
    )


def t_entries(rows: str, values: str, *, when: str) -> tuple[tuple[str, str], ...]:
    """torch's with other rows and values before the merge, `when`."""
    return (
        (
            T_COALESCE,
            f"if {when}:\n"
            f"            grad = grad.new({rows}, {values}, grad.size())\n"
            "        grad = grad.coalesce()",
        ),
    )
