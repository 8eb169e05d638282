"""Overflow, infinity, NaN, and a learning rate of zero."""

from lazyadam.suites.detection.fault import Fault

_MAXIMIZE = '    if group["maximize"]:\n'
_VALUES = "grad_values = grad._values()"

FAULTS = (
    Fault(
        "nan-hidden",
        "a NaN in the gradient is taken for 0",
        numpy=((_MAXIMIZE, f"    g = np.where(np.isnan(g), to(0), g)\n{_MAXIMIZE}"),),
        torch=((_VALUES, f"{_VALUES}.nan_to_num(0.0, float('inf'), -float('inf'))"),),
    ),
    Fault(
        "infinity-clipped",
        "an infinite gradient is taken for the largest number",
        numpy=(
            (_MAXIMIZE, f"    g = np.clip(g, np.finfo(g.dtype).min, np.finfo(g.dtype).max)\n{_MAXIMIZE}"),
        ),
        torch=((_VALUES, f"{_VALUES}.nan_to_num(float('nan'))"),),
    ),
    Fault(
        "step-skipped-when-not-finite",
        "a gradient that is not finite is ignored",
        numpy=((_MAXIMIZE, f"    if not np.isfinite(g).all():\n        return\n{_MAXIMIZE}"),),
        torch=(
            (
                "if grad_values.numel() == 0:",
                "if not grad_values.isfinite().all() or grad_values.numel() == 0:",
            ),
        ),
        stands_for="pytorch#95847",
    ),
    Fault(
        "second-moment-saturates",
        "the second moment stops at 1e30",
        numpy=(("v[rows] = v_rows", "v[rows] = np.minimum(v_rows, to(1e30))"),),
        torch=(
            (
                "exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values))",
                "exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values)).clamp_(max=1e30)",
            ),
        ),
    ),
    Fault(
        "learning-rate-0-is-nan",
        "a learning rate of 0 makes w NaN",
        numpy=(("numerator / denominator)", "numerator / denominator) * (to(lr) / to(lr))"),),
        torch=(("* numer.div_(denom)", "* numer.div_(denom) * (lr / lr if lr else float('nan'))"),),
        stands_for="pytorch#186444",
    ),
    Fault(
        "learning-rate-0-keeps-the-moments",
        "with a learning rate of 0 nothing is done at all",
        numpy=((_MAXIMIZE, f"    if lr == 0:\n        return\n{_MAXIMIZE}"),),
        torch=(("if grad_values.numel() == 0:", "if grad_values.numel() == 0 or lr == 0:"),),
    ),
)
