"""How a step is taken: through a loss scaler, and where deterministic algorithms alone may run."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.sizes import STEPS

IF_GIVEN = "                if p.grad is not None:\n"
COALESCE = "grad = grad.coalesce()  # the update is non-linear so indices must be unique"
SCALES = f"    _step_supports_amp_scaling = True\n\n{STEPS}"
SKIPPED = '(self.__dict__.get("found_inf") or 0) > 0'
ALONE = '__import__("torch").are_deterministic_algorithms_enabled()'
UNSCALED = '                    p.grad = p.grad / self.__dict__.get("grad_scale", 1)\n'

FAULTS = (
    Fault(
        "takes-a-step-that-is-to-be-skipped",
        "of a loss scaler the factor is taken out, and not heeded that a gradient is infinite",
        torch=((STEPS, SCALES), (IF_GIVEN, f"{IF_GIVEN}{UNSCALED}")),
        stands_for="pytorch#95781",
    ),
    Fault(
        "counts-a-step-that-is-skipped",
        "a step that a loss scaler has skipped counts",
        torch=(
            (STEPS, SCALES),
            (
                IF_GIVEN,
                f"                if p.grad is not None and {SKIPPED}:\n"
                '                    if self.state[p]:\n                        self.state[p]["step"] += 1\n'
                f"                elif p.grad is not None:\n{UNSCALED}",
            ),
        ),
        stands_for="DeepSpeed#5775",
    ),
    Fault(
        "deterministic-keeps-one-of-repeated-rows",
        "where deterministic algorithms alone may run, rows are taken for distinct",
        torch=((COALESCE, f"grad = grad.clone()._coalesced_(True) if {ALONE} else grad.coalesce()"),),
    ),
)
