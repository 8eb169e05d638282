"""Faults that show only after many steps, or in few of them."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.hosts.edit import Edits

_LR = '_to_scalar(group["lr"])'
_NUMPY_LOOP, _TORCH_LOOP = (
    '    def step(self) -> None:\n        """Update every parameter that has a gradient."""\n',
    "        for group in self.param_groups:\n",
)


def _numpy(condition: str) -> Edits:
    """The update is off by a thousandth in the calls of `step` that meet a condition on `self.calls`."""
    count = 'self.calls = vars(self).get("calls", 0) + 1'
    return (
        (_NUMPY_LOOP, f"{_NUMPY_LOOP}        {count}\n"),
        (
            'state["step"], group)',
            f'state["step"], {{**group, "lr": group["lr"] * (1 + 2**-10 * ({condition}))}})',
        ),
    )


def _torch(condition: str) -> Edits:
    count = 'self.calls = vars(self).get("calls", 0) + 1'
    return ((_TORCH_LOOP, f"        {count}\n{_TORCH_LOOP}"), (_LR, f"{_LR} * (1 + 2**-10 * ({condition}))"))


def _in_steps(id: str, sentence: str, condition: str) -> Fault:
    """By the parameter's own count, which a case may start anywhere."""
    return Fault(
        id,
        sentence,
        (("alpha = lr *", f"alpha = (1 + 2**-10 * ({condition})) * lr *"),),
        (("step_size = lr *", f"step_size = (1 + 2**-10 * ({condition.replace('t ', 'step ')})) * lr *"),),
    )


def _in_calls(id: str, sentence: str, condition: str) -> Fault:
    """By the calls of this optimizer, which a case has to make."""
    return Fault(id, sentence, _numpy(condition), _torch(condition))


FAULTS = (
    _in_steps("late-after-step-20", "w is off by 2⁻¹⁰ of its movement after step 20", "t > 20"),
    _in_steps("late-after-step-64", "w is off by 2⁻¹⁰ of its movement after step 64", "t > 64"),
    _in_steps("late-after-step-1000", "w is off by 2⁻¹⁰ of its movement after step 1,000", "t > 1000"),
    _in_calls("late-after-20-calls", "… after 20 calls of an optimizer", "self.calls > 20"),
    _in_calls("late-after-64-calls", "… after 64 calls of an optimizer", "self.calls > 64"),
    _in_calls("late-after-1000-calls", "… after 1,000 calls of an optimizer", "self.calls > 1000"),
    _in_steps("rare-one-step-in-50", "… in one step of 50", "t % 50 == 17"),
    _in_calls("rare-one-call-in-50", "… in one call of 50", "self.calls % 50 == 0"),
    Fault(
        "rare-one-element",
        "one element of a row in 10,000 is off by 2⁻¹⁰ of its movement",
        numpy=(
            (
                "w[rows] -= update",
                "update.reshape(len(rows), math.prod(w.shape[1:]))[rows % 10_000 == 1_234, -1:] *= to(1 + 2**-10)\n    w[rows] -= update",
            ),
        ),
        torch=(
            (
                "param.add_(make_sparse(-step_size * numer.div_(denom)))",
                "update = numer.div_(denom).contiguous()\n"
                "        elements = update.view(len(update), update[0].numel())\n"
                "        elements[grad_indices[0] % 10_000 == 1_234, -1:] *= 1 + 2**-10\n"
                "        param.add_(make_sparse(-step_size * update))",
            ),
        ),
    ),
)
