"""What in a training touches the axes on which implementations differ, in shares and in words."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lazyadam.reports.words import number, percent, plural
from lazyadam.suites.cases.recording import LARGEST, STATE, Header, Recorded, Taken
from lazyadam.suites.recordings.following import Following

Row = dict[str, Any]
NORMAL = {"float16": 2.0**-14, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}
LARGE = 0.01  # of the denominator: an ε that is felt


def exposure(of: Header, recorded: Sequence[Recorded]) -> list[Row]:
    """Rows of exposure.csv: of each parameter each circumstance that was met, and of the training."""
    by_parameter: dict[int, list[Taken]] = {}
    for step in recorded:
        for taken in step.taken:
            by_parameter.setdefault(taken.parameter, []).append(taken)
    rows = [
        {"parameter": of.parameters[p].name, "circumstance": name, "value": value, "told": told}
        for p, taken in sorted(by_parameter.items())
        for name, value, told in _of(of.parameters[p].name, of.parameters[p].dtype, taken)
    ]
    numbers = [step.number for step in recorded]
    if numbers and len(numbers) == numbers[-1] - numbers[0] + 1:  # else steps lie between that nobody saw
        for p in sorted(by_parameter):
            name = of.parameters[p].name
            seen = [(step.number, x) for step in recorded for x in step.taken if x.parameter == p]
            rows += [
                {"parameter": name, "circumstance": what, "value": value, "told": f"{name}: {told}"}
                for what, value, told in _between(seen)
            ]
    return rows + [
        {"parameter": "", "circumstance": name, "value": value, "told": told}
        for name, value, told in _of_all(of, recorded, by_parameter)
    ]


def _of(name: str, dtype: str, taken: Sequence[Taken]) -> Iterator[tuple[str, float, str]]:
    """Of one parameter: what was met, how much of it, and in words."""
    steps = plural(len(taken), "recorded step")
    counts = [(x.occurrences, x.distinct or 0) for x in taken if x.occurrences is not None]
    repeated = [k / d for k, d in counts if k > d > 0]
    if repeated:
        share = len(repeated) / len(taken)
        yield (
            "duplicates",
            share,
            f"{name}: batches repeat ids in {percent(share)} of {steps}, {number(np.mean(repeated))} "
            "gradient rows to a distinct one where they do",
        )
    if empty := sum(k == 0 for k, _ in counts):
        yield "empty gradients", empty / len(taken), f"{name}: no row in {empty} of {steps}"
    zeros = [_zero_rows(x) for x in taken]
    if any(zeros):
        share = float(np.mean(zeros))
        yield "rows of zeros", share, f"{name}: {percent(share)} of the gradient's rows are zeros"
    again = sum(map(_same_gradient, taken, taken[1:]))
    if again:
        yield (
            "gradient again",
            again / len(taken),
            f"{name}: its gradient is that of the step before in {again}",
        )
    for circumstance, of_it, words in _ELEMENTS:
        share = float(np.mean([of_it(x, dtype) for x in taken]))
        if share:
            yield circumstance, share, f"{name}: {words.format(percent(share))}"


def _same_gradient(before: Taken, after: Taken) -> bool:
    """Whether two steps were given the same, and that is not nothing."""
    x, y = before.gradient, after.gradient
    if x is None or y is None or not x.values.any() or not np.array_equal(x.values, y.values):
        return False
    if x.rows is None or y.rows is None:
        return x.rows is y.rows
    return np.array_equal(before.rows[x.rows], after.rows[y.rows])


def _zero_rows(x: Taken) -> float:
    if x.gradient is None or x.gradient.rows is None or not len(x.gradient.rows):
        return 0.0
    values = x.gradient.values.reshape(len(x.gradient.rows), -1)
    return float((values == 0).all(axis=1).mean())


def _touched(x: Taken) -> np.ndarray:
    """Which of the recorded rows the gradient names."""
    if x.gradient is None or x.gradient.rows is None:
        return np.full(len(x.rows), x.gradient is not None)
    return np.isin(np.arange(len(x.rows)), x.gradient.rows)


def _epsilon_felt(x: Taken, dtype: str) -> float:
    """Where ε is more than a hundredth of √v̂ + ε."""
    h, t = x.hyperparameters, max(1, x.t[1])
    root = np.sqrt(x.after[-1][_touched(x)] / (1 - h.beta2**t))
    return _share(h.epsilon > LARGE * (root + h.epsilon))


def _not_moved(x: Taken, dtype: str) -> float:
    """Of the elements whose first moment is not 0: where w is as it was."""
    touched = _touched(x)
    moment = x.after[1][touched]
    return _share((x.before[0] == x.after[0])[touched][moment != 0]) if x.hyperparameters.lr else 0.0


def _subnormal(x: Taken, dtype: str) -> float:
    least = NORMAL[dtype]
    values = [*x.before[1:], *([x.gradient.values] if x.gradient else [])]
    return max(_share((v != 0) & (np.abs(v) < least)) for v in values)


def _not_finite(x: Taken, dtype: str) -> float:
    values = [*x.before, *x.after, *([x.gradient.values] if x.gradient else [])]
    return max(_share(~np.isfinite(v)) for v in values)


def _share(where: np.ndarray) -> float:
    return float(where.mean()) if where.size else 0.0


_ELEMENTS: tuple[tuple[str, Callable[[Taken, str], float], str], ...] = (
    ("epsilon", _epsilon_felt, "ε is more than 1 % of the denominator in {} of the updated elements"),
    (
        "not moved",
        _not_moved,
        "w stays as it is in {} of the updated elements: the update is below its precision",
    ),
    ("subnormals", _subnormal, "{} of gradient or moments are below the least normal number"),
    ("not finite", _not_finite, "{} of gradient, state or weights are not finite"),
)


def _between(taken: Sequence[tuple[int, Taken]]) -> Iterator[tuple[str, float, str]]:
    """What changed between one step and the next: by somebody else than the optimizer."""
    following, changed = Following([x for _, x in taken]), dict[str, list[int]]()
    last = None
    for at, x in taken:
        if last is not None and x.t[0] != last:
            changed.setdefault("step count", []).append(at)
        for name, anew in zip((*STATE, LARGEST), following.take(x).any(axis=1), strict=False):
            if anew:
                changed.setdefault(name, []).append(at)
        last = x.t[1]
    for name, numbers in changed.items():
        share = len(numbers) / len(taken)
        seen = f"first before step {numbers[0]}, and seen in {plural(len(numbers), 'step')}, as rows come up"
        told = f"{name} is not what the last step left that recorded the row: {seen}"
        if name == "step count":
            told = f"step count was changed by somebody else, first before step {numbers[0]}"
        yield f"{name} changed between steps", share, told


def _of_all(
    of: Header, recorded: Sequence[Recorded], by_parameter: dict[int, list[Taken]]
) -> Iterator[tuple[str, float, str]]:
    """Of the training as a whole."""
    apart = [step.number for step in recorded if len({x.t[1] for x in step.taken}) > 1]
    lacking = [step for step in recorded if len(step.taken) < len(by_parameter)]
    if apart or lacking:
        told = (
            [f"parameters have counted different steps in {len(apart)} of {len(recorded)}"] if apart else []
        )
        told += [f"in {len(lacking)} of {len(recorded)} not all have a gradient"] if lacking else []
        yield "step count", len(apart) / len(recorded), "; ".join(told)
    numbers = [step.number for step in recorded]
    due = range(numbers[0], numbers[-1] + 1, of.every) if numbers else range(0)
    if gaps := sorted({*due} - {*numbers}):
        yield (
            "steps without a record",
            len(gaps),
            f"{plural(len(gaps), 'step')} without a record, the first {gaps[0]}",
        )
    if hollow := [step.number for step in recorded if not step.taken]:
        yield (
            "empty steps",
            len(hollow),
            f"{plural(len(hollow), 'step')} without a parameter, the first {hollow[0]}",
        )
    never = [x.name for i, x in enumerate(of.parameters) if i not in by_parameter]
    if never:
        yield "never recorded", len(never), f"never recorded: {', '.join(never)}"
    rates = [x.hyperparameters.lr for step in recorded for x in step.taken]
    if len({*rates}) > 1:
        yield (
            "learning rate",
            len({*rates}),
            f"{len({*rates})} learning rates, from {min(rates):.3g} to {max(rates):.3g}",
        )
    for name in ("beta1", "beta2", "epsilon", "loss_scale", "maximize"):
        values = list(dict.fromkeys(getattr(x.hyperparameters, name) for s in recorded for x in s.taken))
        if len(values) > 1:
            some = ", ".join(f"{x:g}" for x in values[:4]) + " …" * (len(values) > 4)
            yield name, len(values), f"{name} has several values: {some}"
    if decay := {x.hyperparameters.weight_decay for step in recorded for x in step.taken} - {0.0}:
        yield "weight decay", max(decay), f"weight decay {', '.join(f'{x:.3g}' for x in sorted(decay))}"
