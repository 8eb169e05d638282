"""State that is saved and loaded."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.faults.documented.texts import GROUPS, LOAD, LOADED_STEP

FAULTS = (
    Fault(
        "step-loaded-in-8-bits",
        "a loaded step count keeps its lowest 8 bits",
        numpy=((LOADED_STEP, 'int(state["step"]) % 256'),),
    ),
    Fault(
        "load-keeps-the-greater-step",
        "an optimizer that has stepped takes a loaded step count only if that is greater than its own",
        numpy=((LOADED_STEP, 'max(int(state["step"]), self.state.get(p, {}).get("step", 0))'),),
        stands_for="DeepSpeed#564",
    ),
    Fault(
        "load-skips-missing-states",
        "states are dealt out in order to all parameters, also to those that had none when it was saved",
        numpy=(
            (LOAD, "for p, state in zip(params, [s for s in saved if s]):"),
            ("if state:", 'if state["m"].shape == p.data.shape:'),
        ),
    ),
    Fault(
        "load-in-memory-order",
        "the first moment is loaded in the order of memory, which is another for a transposed parameter",
        numpy=(
            ('"m": state["m"].copy()', '"m": state["m"].ravel(order="K").reshape(state["m"].shape).copy()'),
        ),
        beyond="three at once: columns that lie together, a start at 0, and a state that is saved",
    ),
    Fault(
        "load-first-learning-rate-for-all",
        "every group takes over the learning rate of the first",
        numpy=(('group["lr"] = lr', 'group["lr"] = rates[0]'),),
    ),
    Fault(
        "schedule-lost-after-load",
        "loading makes copies of the groups, and the step no longer sees what is set in the groups",
        numpy=(
            (
                'params = [p for group in self.groups for p in group["params"]]',
                'params = [p for group in self.groups for p in group["params"]]\n'
                "        self.loaded_groups = [dict(group) for group in self.groups]",
            ),
            (GROUPS, 'for group in getattr(self, "loaded_groups", self.groups):'),
        ),
        stands_for="apex#766",
    ),
)
