"""Sizes, numbers and ways of use that are out of the ordinary: none shows in a table of 6 rows of 4."""

from lazyadam.suites.detection.fault import Fault
from lazyadam.suites.detection.hosts.edit import Edits

WRITES = "    w[rows] -= update\n"
TORCH_WRITES = "        param.add_(make_sparse(-step_size * numer.div_(denom)))\n"
COALESCES = "        rows, g = coalesce(*grad)\n"
CALLS = '                lazy_adam(p.data, state["m"], state["v"], p.grad, state["step"], group)\n'
COUNTS = '                state["step"] += 1\n'
TORCH_COUNTS = '                    state["step"] += 1\n'
LOADS = '                self.state[p] = {"step": int(state["step"]), "m": state["m"].copy(), "v": state["v"].copy()}\n'
STEPS = "    @torch.no_grad()\n    def step("


def _unwritten(width: int, columns: int) -> tuple[Edits, Edits]:
    """Of rows whose width is a multiple the last columns are not written."""
    numpy = (
        f"    if update.ndim > 1 and update.shape[1] % {width} == 0:\n        update[:, -{columns}:] = 0\n"
    )
    torch = (
        "        change = -step_size * numer.div_(denom)\n"
        f"        if change.dim() > 1 and change.size(1) % {width} == 0:\n"
        f"            change[:, -{columns}:] = 0\n"
        "        param.add_(make_sparse(change))\n"
    )
    return ((WRITES, numpy + WRITES),), ((TORCH_WRITES, torch),)


def _last_of(condition: str) -> Edits:
    """Of rows that repeat the last counts, on a condition."""
    last = "g = grad[1][[np.flatnonzero(grad[0] == row)[-1] for row in rows]]"
    return ((COALESCES, f"{COALESCES}        if {condition}:\n            {last}\n"),)


def _read_once(id: str, sentence: str, name: str, torch: Edits) -> Fault:
    """A hyperparameter that is kept as it was at the first step."""
    first = f'group.setdefault("first_{name}", group["{name}"])'
    kept = CALLS.replace("group)", f'group | {{"{name}": {first}}})')
    return Fault(id, sentence, numpy=((CALLS, kept),), torch=torch)


FAULTS = (
    *(
        Fault(
            f"last-block-of-width-{width}",
            f"the last {columns} columns are not written where the width is a multiple of {width}",
            *_unwritten(width, columns),
        )
        for width, columns in ((32, 8), (64, 8), (128, 16))
    ),
    Fault(
        "four-parameters-at-most",
        "parameters after the fourth of a group are not updated",
        numpy=(
            (
                "                if p.grad is None:\n",
                '                if p.grad is None or p in group["params"][4:]:\n',
            ),
        ),
        torch=(
            ("        grad = grads[i]\n", "        if i >= 4:\n            break\n        grad = grads[i]\n"),
        ),
    ),
    Fault(
        "third-group-as-the-second",
        "from the third group on the hyperparameters of the second are taken",
        numpy=(
            (
                CALLS,
                CALLS.replace(
                    ", group)", ", self.groups[min(1, [g is group for g in self.groups].index(True))])"
                ),
            ),
        ),
        torch=(
            (
                '            beta1, beta2 = group["betas"]\n',
                '            beta1, beta2 = self.param_groups[min(1, [g is group for g in self.param_groups].index(True))]["betas"]\n',
            ),
        ),
    ),
    Fault(
        "betas-of-the-constructor-ignored",
        "betas given to the constructor are not taken where groups have none of their own",
        torch=(('            "betas": betas,\n', '            "betas": (0.9, 0.999),\n'),),
    ),
    Fault(
        "load-resets-betas",
        "loading a state puts the default betas back",
        numpy=(
            (LOADS, f'{LOADS}        for group in self.groups:\n            group["betas"] = (0.9, 0.999)\n'),
        ),
        torch=(
            (
                STEPS,
                "    def load_state_dict(self, state_dict):\n        super().load_state_dict(state_dict)\n"
                '        for group in self.param_groups:\n            group["betas"] = (0.9, 0.999)\n\n'
                + STEPS,
            ),
        ),
    ),
    Fault(
        "last-duplicate-in-large-tables",
        "in tables of more than 1,000 rows the last of repeated rows counts",
        numpy=_last_of("len(w) > 1000"),
    ),
    Fault(
        "last-duplicate-in-rank-1",
        "in a parameter of rank 1 the last of repeated rows counts",
        numpy=_last_of("w.ndim == 1"),
    ),
    Fault(
        "last-duplicate-in-rank-3",
        "in a parameter of rank 3 the last of repeated rows counts",
        numpy=_last_of("w.ndim == 3"),
    ),
    Fault(
        "last-duplicate-beyond-eight",
        "where a gradient has more than eight distinct rows the last of repeated ones counts",
        numpy=_last_of("len(rows) > 8"),
    ),
    Fault(
        "step-count-of-15-bits",
        "the step count stays at the largest of 16 bits",
        numpy=((COUNTS, '                state["step"] = min(state["step"] + 1, 2**15 - 1)\n'),),
        torch=((TORCH_COUNTS, '                    state["step"] = min(state["step"] + 1, 2**15 - 1)\n'),),
    ),
    _read_once(
        "betas-read-once",
        "β1 and β2 stay as they were at the first step",
        "betas",
        ((' = group["betas"]', ' = group.setdefault("first_betas", group["betas"])'),),
    ),
    _read_once(
        "epsilon-read-once",
        "ε stays as it was at the first step",
        "eps",
        (('eps=group["eps"]', 'eps=group.setdefault("first_eps", group["eps"])'),),
    ),
    _read_once("weight-decay-read-once", "λ stays as it was at the first step", "weight_decay", ()),
    _read_once(
        "sign-read-once",
        "whether the gradient is negated stays as it was at the first step",
        "maximize",
        (("maximize=maximize", 'maximize=group.setdefault("first_maximize", maximize)'),),
    ),
)
