"""Intermediates, state and hyperparameters in a precision that is too small."""

from lazyadam.suites.detection.fault import Fault

_BFLOAT16 = '__import__("ml_dtypes").bfloat16'
_UPDATE = "to(alpha) * (numerator / denominator)"
_QUOTIENT = "numer.div_(denom)"
_M = "exp_avg.add_(make_sparse(exp_avg_update_values))"
_V = "exp_avg_sq.add_(make_sparse(exp_avg_sq_update_values))"
_GROUP = 'group["betas"]\n    if'
_BETAS = 'beta1, beta2 = group["betas"]'
_DENOM = "exp_avg_sq_update_values.sqrt_()"

FAULTS = (
    Fault(
        "quotient-in-float16",
        "m / (√v + ε) is rounded to float16",
        numpy=((_UPDATE, "to(alpha) * (numerator / denominator).astype(np.float16).astype(w.dtype)"),),
        torch=((_QUOTIENT, f"{_QUOTIENT}.half().to(param.dtype)"),),
    ),
    Fault(
        "quotient-in-bfloat16",
        "m / (√v + ε) is rounded to bfloat16",
        numpy=((_UPDATE, f"to(alpha) * (numerator / denominator).astype({_BFLOAT16}).astype(w.dtype)"),),
        torch=((_QUOTIENT, f"{_QUOTIENT}.bfloat16().to(param.dtype)"),),
    ),
    Fault(
        "first-moment-in-float16",
        "the first moment is stored in float16",
        numpy=(("m[rows] = m_rows", "m[rows] = m_rows.astype(np.float16)"),),
        torch=((_M, f"{_M}.copy_(exp_avg.half())"),),
    ),
    Fault(
        "second-moment-in-bfloat16",
        "the second moment is stored in bfloat16",
        numpy=(("v[rows] = v_rows", f"v[rows] = v_rows.astype({_BFLOAT16})"),),
        torch=((_V, f"{_V}.copy_(exp_avg_sq.bfloat16())"),),
    ),
    Fault(
        "gradient-in-bfloat16",
        "the gradient is rounded to bfloat16",
        numpy=(("m_rows = to", f"g = g.astype({_BFLOAT16}).astype(w.dtype)\n    m_rows = to"),),
        torch=(("grad_values = grad._values()", "grad_values = grad._values().bfloat16().to(param.dtype)"),),
    ),
    Fault(
        "beta2-in-bfloat16",
        "β2 is a bfloat16 number: 0.99609 for 0.999",
        numpy=((_GROUP, f'group["betas"]\n    beta2 = min(float({_BFLOAT16}(beta2)), 0.99609375)\n    if'),),
        torch=((_BETAS, f"{_BETAS}\n            beta2 = min(float({_BFLOAT16}(beta2)), 0.99609375)"),),
        stands_for="tt-metal#55935",
    ),
    Fault(
        "beta1-in-float16",
        "β1 is a float16 number",
        numpy=((_GROUP, 'group["betas"]\n    beta1 = float(np.float16(beta1))\n    if'),),
        torch=((_BETAS, f'{_BETAS}\n            beta1 = float(__import__("numpy").float16(beta1))'),),
        stands_for="pytorch#173224, #153649",
    ),
    Fault(
        "learning-rate-in-float16",
        "the learning rate is a float16 number",
        numpy=(("alpha = lr *", "alpha = float(np.float16(lr)) *"),),
        torch=(("step_size = lr *", 'step_size = float(__import__("numpy").float16(lr)) *'),),
    ),
    Fault(
        "one-minus-beta2-in-float32",
        "1 − β2 is formed from the float32 β2, and off by 1.3e-5",
        numpy=(("to(1 - beta2)", "(to(1) - to(beta2))"),),
        torch=((".mul_(1 - beta2)", '.mul_(1 - float(__import__("numpy").float32(beta2)))'),),
    ),
    Fault(
        "root-approximate",
        "√v is approximate, off by 2⁻¹⁸",
        numpy=(("np.sqrt(v_rows)", "np.sqrt(v_rows) * to(1 + 2**-18)"),),
        torch=((_DENOM, f"{_DENOM}.mul_(1 + 2**-18)"),),
    ),
    Fault(
        "squares-flushed",
        "squares below 1e-30 become zero",
        numpy=(("(g * g)", "np.where(g * g < 1e-30, to(0), g * g)"),),
        torch=(("grad_values.pow(2)", "(lambda s: s.where(s >= 1e-30, s * 0))(grad_values.pow(2))"),),
    ),
    Fault(
        "moment-flushed",
        "first moments below 1e-12 are stored as zero",
        numpy=(("m[rows] = m_rows", "m[rows] = np.where(abs(m_rows) < 1e-12, to(0), m_rows)"),),
        torch=((_M, f"{_M}[exp_avg.abs() < 1e-12] = 0"),),
    ),
    Fault(
        "float32-root",
        "√v is a float32 number where float64 is asked",
        numpy=(("np.sqrt(v_rows)", "np.sqrt(v_rows.astype(np.float32)).astype(w.dtype)"),),
        torch=((_DENOM, "exp_avg_sq_update_values.float().sqrt_().to(param.dtype)"),),
        dtype="float64",
    ),
    Fault(
        "float32-gradient",
        "the gradient is rounded to float32 where float64 is asked",
        numpy=(("m_rows = to", "g = g.astype(np.float32).astype(w.dtype)\n    m_rows = to"),),
        torch=(("grad_values = grad._values()", "grad_values = grad._values().float().to(param.dtype)"),),
        dtype="float64",
    ),
    Fault(
        "float32-step-size",
        "the step size is a float32 number where float64 is asked",
        numpy=(("to(alpha)", "to(np.float32(alpha))"),),
        torch=(("make_sparse(-step_size", 'make_sparse(-float(__import__("numpy").float32(step_size))'),),
        dtype="float64",
    ),
    Fault(
        "float32-betas",
        "the betas are float32 numbers where float64 is asked",
        numpy=((_GROUP, 'group["betas"]\n    beta2 = float(np.float32(beta2))\n    if'),),
        torch=((_BETAS, f'{_BETAS}\n            beta2 = float(__import__("numpy").float32(beta2))'),),
        dtype="float64",
    ),
    Fault(
        "float32-epsilon",
        "ε is a float32 number where float64 is asked",
        numpy=(("to(eps)", "to(np.float32(eps))"),),
        torch=(("add_(eps)", 'add_(float(__import__("numpy").float32(eps)))'),),
        dtype="float64",
    ),
    Fault(
        "float32-second-moment",
        "the second moment is stored in float32 where float64 is asked",
        numpy=(("v[rows] = v_rows", "v[rows] = v_rows.astype(np.float32)"),),
        torch=((_V, f"{_V}.copy_(exp_avg_sq.float())"),),
        dtype="float64",
    ),
)
