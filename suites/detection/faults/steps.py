"""Bias correction, step counts, and what changes from step to step."""

from lazyadam.suites.detection.fault import Fault

_POWERS1, _POWERS2 = "1 - beta1**t", "1 - beta2**t"
_TORCH1, _TORCH2 = "bias_correction1 = 1 - beta1**step", "bias_correction2 = 1 - beta2**step"
_COUNT = 'state["step"] += 1'
_GIVEN = "if p.grad is None:"
_NUMPY32, _TORCH32 = "np.float32", '__import__("numpy").float32'
_HANDED = 'state["step"], group)'
_LR = 'lr=_to_scalar(group["lr"]),'

FAULTS = (
    Fault(
        "correction-missing",
        "the moments are not corrected",
        numpy=(("alpha = lr * math.sqrt(correction2) / correction1", "alpha = lr"),),
        torch=(("step_size = lr * math.sqrt(bias_correction2) / bias_correction1", "step_size = lr"),),
    ),
    Fault(
        "correction-next",
        "the correction takes the number of the next step",
        numpy=((_POWERS1, "1 - beta1 ** (t + 1)"), (_POWERS2, "1 - beta2 ** (t + 1)")),
        torch=(
            (_TORCH1, _TORCH1.replace("step", "(step + 1)")),
            (_TORCH2, _TORCH2.replace("step", "(step + 1)")),
        ),
        stands_for="Paddle#53052",
    ),
    Fault(
        "correction-of-m-missing",
        "the first moment is not corrected",
        numpy=((_POWERS1, "1.0"),),
        torch=((_TORCH1, "bias_correction1 = 1.0"),),
    ),
    Fault(
        "correction-of-v-missing",
        "the second moment is not corrected",
        numpy=((_POWERS2, "1.0"),),
        torch=((_TORCH2, "bias_correction2 = 1.0"),),
    ),
    Fault(
        "correction-one-minus-twice",
        "the second correction is 1 − (1 − β2^t)",
        numpy=((_POWERS2, "beta2**t"),),
        torch=((_TORCH2, "bias_correction2 = beta2**step"),),
        stands_for="pytorch_optimizer#305, #308",
    ),
    Fault(
        "correction-root-of-both",
        "the root is taken of both corrections",
        numpy=(("math.sqrt(correction2) / correction1", "math.sqrt(correction2 / correction1)"),),
        torch=(
            (
                "math.sqrt(bias_correction2) / bias_correction1",
                "math.sqrt(bias_correction2 / bias_correction1)",
            ),
        ),
        stands_for="AdaBound-tensorflow#3",
    ),
    Fault(
        "correction-in-float32",
        "β2^t is a float32 power, so that 1 − β2^t cancels",
        numpy=((_POWERS2, f"1 - float({_NUMPY32}(beta2) ** {_NUMPY32}(t))"),),
        torch=((_TORCH2, f"bias_correction2 = 1 - float({_TORCH32}(beta2) ** {_TORCH32}(step))"),),
        stands_for="Paddle#70856",
    ),
    Fault(
        "correction-stops-at-1000",
        "the powers of β2 come from a table of 1,000",
        numpy=((_POWERS2, "1 - beta2 ** min(t, 1000)"),),
        torch=((_TORCH2, "bias_correction2 = 1 - beta2 ** min(step, 1000)"),),
    ),
    Fault(
        "correction-dropped-late",
        "from step 500 on the correction of v is taken for 1",
        numpy=((_POWERS2, "1 - beta2**t * (t < 500)"),),
        torch=((_TORCH2, "bias_correction2 = 1 - beta2**step * (step < 500)"),),
    ),
    Fault(
        "step-never-rises",
        "every step is the first, or the one it started from",
        numpy=((_COUNT, 'state["step"] = max(state["step"], 1)'),),
        torch=((_COUNT, 'state["step"] = max(state["step"], 1)'),),
        stands_for="OLMo-core#317",
    ),
    Fault(
        "step-rises-by-2",
        "every step counts twice",
        numpy=((_COUNT, 'state["step"] += 2'),),
        torch=((_COUNT, 'state["step"] += 2'),),
    ),
    Fault(
        "step-starts-at-1",
        "the first step is the second",
        numpy=(('"step": 0,', '"step": 1,'),),
        torch=(('state["step"] = 0', 'state["step"] = 1'),),
    ),
    Fault(
        "step-of-all-parameters",
        "one count rises with every parameter",
        numpy=((_COUNT, 'state["step"] = self.count = getattr(self, "count", state["step"]) + 1'),),
        torch=((_COUNT, 'state["step"] = self.count = getattr(self, "count", state["step"]) + 1'),),
        stands_for="DeepLearningExamples#391",
    ),
    Fault(
        "step-counts-without-gradient",
        "a parameter without a gradient counts the step",
        numpy=(
            (
                "                if p.grad is None:\n                    continue",
                "                if p.grad is None:\n"
                "                    if p in self.state:\n"
                '                        self.state[p]["step"] += 1\n'
                "                    continue",
            ),
        ),
        torch=(
            (
                'for p in group["params"]:\n',
                'for p in group["params"]:\n'
                "                if p.grad is None and len(self.state[p]):\n"
                '                    self.state[p]["step"] += 1\n',
            ),
        ),
    ),
    Fault(
        "step-skipped-when-empty",
        "a gradient without rows does not count as a step",
        numpy=((_GIVEN, "if p.grad is None or (isinstance(p.grad, tuple) and not len(p.grad[0])):"),),
        torch=((_COUNT, 'state["step"] += int(p.grad._nnz() > 0)'),),
    ),
    Fault(
        "step-stops-at-256",
        "the count is a bfloat16 number, which 1 no longer raises from 256 on",
        numpy=((_COUNT, 'state["step"] = state["step"] + 1 if state["step"] < 256 else state["step"]'),),
        torch=((_COUNT, 'state["step"] = state["step"] + 1 if state["step"] < 256 else state["step"]'),),
        stands_for="pytorch/ao#4915",
    ),
    Fault(
        "step-wraps-at-1024",
        "the count starts anew after 1,024 steps",
        numpy=((_COUNT, 'state["step"] = state["step"] % 1024 + 1'),),
        torch=((_COUNT, 'state["step"] = state["step"] % 1024 + 1'),),
    ),
    Fault(
        "learning-rate-of-the-step-before",
        "a learning rate acts one step late",
        numpy=(
            (_HANDED, 'state["step"], {**group, "lr": group.get("last", group["lr"])})'),
            (
                "    def state_dict",
                '        for group in self.groups:\n            group["last"] = group["lr"]\n\n    def state_dict',
            ),
        ),
        torch=(
            (_LR, 'lr=_to_scalar(group.get("last", group["lr"])),'),
            (
                "        return loss\n",
                '        for group in self.param_groups:\n            group["last"] = group["lr"]\n        return loss\n',
            ),
        ),
    ),
    Fault(
        "learning-rate-of-the-first-step",
        "a learning rate changed later is ignored",
        numpy=((_HANDED, 'state["step"], {**group, "lr": group.setdefault("first", group["lr"])})'),),
        torch=((_LR, 'lr=_to_scalar(group.setdefault("first", group["lr"])),'),),
    ),
    Fault(
        "learning-rate-decays",
        "the learning rate falls by 10⁻⁷ of itself with every step",
        numpy=(("alpha = lr *", "alpha = lr / (1 + 1e-7 * t) *"),),
        torch=(("step_size = lr *", "step_size = lr / (1 + 1e-7 * step) *"),),
    ),
)
