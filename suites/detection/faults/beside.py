"""Parameters in one group with others: frozen, without numbers, of another type."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.sizes import STEPS

IF_NONE = "                if p.grad is None:\n"
IF_GIVEN = "                if p.grad is not None:\n"
IF_EMPTY = "        if grad_values.numel() == 0:\n"
GROUPS = "        for group in self.param_groups:\n"
FIRST = 'group["params"][0]'

FAULTS = (
    Fault(
        "stops-at-a-parameter-without-numbers",
        "the parameters of a group after one that has no numbers are not updated",
        numpy=((IF_NONE, f"                if not p.data.size:\n                    break\n{IF_NONE}"),),
        torch=((IF_EMPTY, f"        if not param.numel():\n            break\n{IF_EMPTY}"),),
        stands_for="pytorch#100701",
    ),
    Fault(
        "not-before-a-last-parameter-without-numbers",
        "where the last parameter of a group has no numbers the one before it is not updated",
        numpy=(
            (
                IF_NONE,
                '                *_, before, last = (None, *group["params"])\n'
                "                if p.grad is None or (p is before and not last.data.size):\n",
            ),
        ),
        torch=(
            (
                IF_GIVEN,
                '                *_, before, last = (None, *group["params"])\n'
                "                if p.grad is not None and not (p is before and not last.numel()):\n",
            ),
        ),
        stands_for="TransformerEngine#3207",
    ),
    Fault(
        "a-group-with-a-frozen-parameter-rests",
        "a group of which one parameter takes no gradients is not updated",
        torch=(
            (
                GROUPS,
                f'{GROUPS}            if not all(p.requires_grad for p in group["params"]):\n'
                "                continue\n",
            ),
        ),
    ),
    Fault(
        "saved-states-closed-up",
        "states are loaded in the order in which they were saved, over parameters that had none",
        torch=(
            (
                STEPS,
                "    def load_state_dict(self, state_dict):\n"
                '        states = dict(enumerate(state_dict["state"].values()))\n'
                '        super().load_state_dict({**state_dict, "state": states})\n\n' + STEPS,
            ),
        ),
        stands_for="pytorch#2647",
    ),
    Fault(
        "only-those-of-the-first-type",
        "of a group the parameters of another type than its first are not updated",
        numpy=((IF_NONE, f"                if p.grad is None or p.data.dtype != {FIRST}.data.dtype:\n"),),
        torch=((IF_GIVEN, f"                if p.grad is not None and p.dtype == {FIRST}.dtype:\n"),),
        stands_for="ColossalAI#675",
    ),
    Fault(
        "moments-of-the-first-type",
        "of a group all moments are kept in the type of its first parameter",
        numpy=(
            (
                '{"step": 0, "m": np.zeros_like(p.data), "v": np.zeros_like(p.data)}',
                f'{{"step": 0, **{{x: np.zeros_like(p.data, {FIRST}.data.dtype) for x in "mv"}}}}',
            ),
        ),
        dtype="float64",
    ),
)
