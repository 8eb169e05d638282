"""ε: its place and its value."""

from lazyadam.suites.detection.fault import Fault

_DENOMINATOR = "np.sqrt(v_rows) + to(eps)"
_DENOM = "sqrt_().add_(eps)"

FAULTS = (
    Fault(
        "epsilon-beside-corrected-root",
        "ε is added to √(v / (1 − β2^t))",
        numpy=((_DENOMINATOR, "np.sqrt(v_rows) + to(eps * math.sqrt(correction2))"),),
        torch=((_DENOM, "sqrt_().add_(eps * math.sqrt(1 - beta2 ** state_steps[i]))"),),
        stands_for="tensorflow#9047; pytorch#22628",
    ),
    Fault(
        "epsilon-inside-root",
        "ε is added to v",
        numpy=((_DENOMINATOR, "np.sqrt(v_rows + to(eps))"),),
        torch=((_DENOM, "add_(eps).sqrt_()"),),
        stands_for="pytorch#26987",
    ),
    Fault(
        "epsilon-after-reciprocal",
        "ε is added to 1 / √v",
        numpy=((_DENOMINATOR, "1 / (1 / np.sqrt(v_rows) + to(eps))"),),
        torch=((_DENOM, "rsqrt_().add_(eps).reciprocal_()"),),
        stands_for="pytorch_optimizer#480",
    ),
    Fault(
        "epsilon-missing",
        "nothing is added to √v",
        numpy=((_DENOMINATOR, "np.sqrt(v_rows)"),),
        torch=((_DENOM, "sqrt_()"),),
    ),
    Fault(
        "epsilon-fixed",
        "ε is 1e-8, whatever eps is",
        numpy=((_DENOMINATOR, "np.sqrt(v_rows) + to(1e-8)"),),
        torch=((_DENOM, "sqrt_().add_(1e-8)"),),
    ),
    Fault(
        "epsilon-squared",
        "ε² is added",
        numpy=((_DENOMINATOR, "np.sqrt(v_rows) + to(eps * eps)"),),
        torch=((_DENOM, "sqrt_().add_(eps * eps)"),),
    ),
    Fault(
        "epsilon-as-least",
        "the denominator is the larger of √v and ε",
        numpy=((_DENOMINATOR, "np.maximum(np.sqrt(v_rows), to(eps))"),),
        torch=((_DENOM, "sqrt_().clamp_(min=eps)"),),
    ),
    Fault(
        "epsilon-in-float16",
        "ε is rounded to float16, where 1e-8 is 0",
        numpy=((_DENOMINATOR, "np.sqrt(v_rows) + to(np.float16(eps))"),),
        torch=((_DENOM, 'sqrt_().add_(float(__import__("numpy").float16(eps)))'),),
    ),
    Fault(
        "epsilon-off-by-a-millionth",
        "ε is too large by 2⁻²⁰ of itself",
        numpy=((_DENOMINATOR, "np.sqrt(v_rows) + to(eps * (1 + 2**-20))"),),
        torch=((_DENOM, "sqrt_().add_(eps * (1 + 2**-20))"),),
    ),
)
