"""The update rule."""

from lazyadam.suites.detection.fault import Fault

_M = "m_rows = to(beta1) * m[rows] + to(1 - beta1) * g"
_UPDATE = "to(alpha) * (numerator / denominator)"
_NUMER = "numer = exp_avg_update_values.add_(old_exp_avg_values)"
_DENOM = "denom = exp_avg_sq_update_values.sqrt_().add_(eps)"
_QUOTIENT = "numer.div_(denom)"

FAULTS = (
    Fault(
        "betas-swapped",
        "β1 and β2 change places",
        numpy=(('lr, eps, (beta1, beta2) = group["lr"]', 'lr, eps, (beta2, beta1) = group["lr"]'),),
        torch=(("beta1, beta2 = group", "beta2, beta1 = group"),),
    ),
    Fault(
        "sign-turned",
        "the update is added",
        numpy=(("w[rows] -= update", "w[rows] += update"),),
        torch=(("make_sparse(-step_size", "make_sparse(step_size"),),
    ),
    Fault(
        "sign-for-update",
        "every element moves by the step size",
        numpy=((_UPDATE, "to(alpha) * np.sign(numerator)"),),
        torch=((_QUOTIENT, "numer.sign_()"),),
    ),
    Fault(
        "weight-of-gradient-missing",
        "the gradient enters the first moment without 1 − β1",
        numpy=((_M, "m_rows = to(beta1) * m[rows] + g"),),
        torch=(
            (
                "grad_values.sub(old_exp_avg_values).mul_(1 - beta1)",
                "grad_values - old_exp_avg_values.mul(1 - beta1)",
            ),
        ),
    ),
    Fault(
        "first-moment-without-memory",
        "the first moment is the gradient",
        numpy=((_M, "m_rows = g"),),
        torch=(("sub(old_exp_avg_values).mul_(1 - beta1)", "sub(old_exp_avg_values)"),),
    ),
    Fault(
        "second-moment-of-the-deviation",
        "the second moment averages (g − m)²",
        numpy=(("(g * g)", "((g - m_rows) * (g - m_rows))"),),
        torch=(("grad_values.pow(2)", "(grad_values - exp_avg_update_values - old_exp_avg_values).pow(2)"),),
    ),
    Fault(
        "second-moment-of-the-magnitude",
        "the second moment averages |g|",
        numpy=(("(g * g)", "abs(g)"),),
        torch=(("grad_values.pow(2)", "grad_values.abs()"),),
    ),
    Fault(
        "old-first-moment",
        "w moves by the first moment of the step before",
        numpy=(("numerator = m_rows", "numerator = m[rows]"),),
        torch=((_NUMER, "numer = old_exp_avg_values"),),
    ),
    Fault(
        "old-second-moment",
        "w is scaled by the second moment of the step before",
        numpy=(("np.sqrt(v_rows)", "np.sqrt(v[rows])"),),
        torch=((_DENOM, "denom = old_exp_avg_sq_values.sqrt().add_(eps)"),),
    ),
    Fault(
        "largest-second-moment",
        "w is scaled by the larger of the old and the new second moment",
        numpy=(("np.sqrt(v_rows)", "np.sqrt(np.maximum(v_rows, v[rows]))"),),
        torch=((_DENOM, "denom = exp_avg_sq_update_values.max(old_exp_avg_sq_values).sqrt_().add_(eps)"),),
    ),
    Fault(
        "root-missing",
        "w is scaled by v, not by √v",
        numpy=(("np.sqrt(v_rows)", "v_rows"),),
        torch=((_DENOM, "denom = exp_avg_sq_update_values.add_(eps)"),),
    ),
    Fault(
        "momentum-missing",
        "w moves by the gradient over √v",
        numpy=(("numerator = m_rows", "numerator = g"),),
        torch=((_NUMER, "numer = grad_values.clone()"),),
    ),
    Fault(
        "beta1-fixed",
        "1 − β1 is 0.1, whatever β1 is",
        numpy=((_M, "m_rows = to(beta1) * m[rows] + to(0.1) * g"),),
        torch=((".mul_(1 - beta1)", ".mul_(0.1)"),),
    ),
    Fault(
        "beta2-fixed",
        "1 − β2 is 0.001, whatever β2 is",
        numpy=(("to(1 - beta2)", "to(0.001)"),),
        torch=((".mul_(1 - beta2)", ".mul_(0.001)"),),
    ),
    Fault(
        "learning-rate-fixed",
        "the learning rate is 0.001, whatever lr is",
        numpy=(("alpha = lr *", "alpha = 1e-3 *"),),
        torch=(("step_size = lr *", "step_size = 1e-3 *"),),
    ),
    Fault(
        "update-clipped",
        "no element moves by more than 0.1",
        numpy=((_UPDATE, f"np.clip({_UPDATE}, -0.1, 0.1)"),),
        torch=((f"-step_size * {_QUOTIENT}", f"(-step_size * {_QUOTIENT}).clamp_(-0.1, 0.1)"),),
    ),
    Fault(
        "gradient-clipped",
        "gradients are clipped at 100",
        numpy=((_M, f"g = np.clip(g, -100, 100)\n    {_M}"),),
        torch=(("grad_values = grad._values()", "grad_values = grad._values().clamp(-100, 100)"),),
    ),
    Fault(
        "moments-crossed",
        "m is stored in v's place where v is small",
        numpy=(("v[rows] = v_rows", "v[rows] = np.where(v_rows < 1e-20, m_rows * m_rows, v_rows)"),),
    ),
    Fault(
        "nesterov-ignored",
        "Nesterov's form is the plain one",
        numpy=(('if group["nesterov"]:', "if False:"),),
    ),
    Fault(
        "nesterov-from-old-moment",
        "Nesterov's form starts from the moment of the step before",
        numpy=(("numerator = to(beta1) * m_rows +", "numerator = to(beta1) * m[rows] +"),),
    ),
    Fault(
        "nesterov-full-gradient",
        "Nesterov's form adds the gradient without 1 − β1",
        numpy=(("numerator = to(beta1) * m_rows + to(1 - beta1) * g", "numerator = to(beta1) * m_rows + g"),),
    ),
)
