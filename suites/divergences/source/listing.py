"""A case as the source of a script: its numbers as they are written there, in as few lines as they take."""

from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np

from lazyadam.reference.dialect import Dialect, Maximum, StepCount
from lazyadam.reference.rounding import Errors
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient
from lazyadam.suites.divergences.expected import Shown
from lazyadam.suites.divergences.source.formula import Formula
from lazyadam.suites.divergences.source.literals import WIDTH, Text, listed, nested, rounded_up, written
from lazyadam.suites.judge.judgement import QUANTITIES

INLINE = 2000  # numbers: more than that go to a file beside the script
LONG = 40  # steps: more than that have no lines of their own
SHORT = 16  # numbers of an array that is written as it is even then


class Listing:
    """What a script asks of a case.

    count: of parameters. looped: it has steps to loop over; one alone, of one parameter, needs no loop.
    arrays: what goes to a file beside the script, by name. fine: there is a bound for each element, and not
    only one for each quantity. compared: the script compares numbers with what is promised.
    """

    def __init__(self, case: Case, dialect: Dialect, how: Shown | None) -> None:
        self.case, self.dialect, self.how = case, dialect, how
        self.compared = how is not None
        self.fine, self.counts = (how.fine, how.counts) if how else (False, False)
        self.arrays: dict[str, np.ndarray] = {}
        self.count = len(case.parameters)
        self.given = [g for step in case.steps for g in step.gradients]
        self.anew = {name for step in case.steps for name in step.changes}
        self.looped = self.count > 1 or len(case.steps) > 1 or not self.anew <= {"lr"}
        self.guarded = self.looped and any(g is None for g in self.given)  # not every one is a gradient
        self.nothing = not self.looped and self.given[0] is None
        self.manner = {x.name for x in case.manner}
        self.kept = dialect.maximum is not Maximum.NONE
        self.of_optimizer = dialect.step_count is StepCount.OPTIMIZER
        self.one_count = self.of_optimizer or self.count == 1
        self.digits = 17 if case.dtype == "float64" else 9
        self.long = len(case.steps) > LONG
        self.large = self.long or self._size > INLINE
        # In this order: they collect the arrays.
        self.tables = self._tables()
        self.largest = self._largest() if self.kept else ""
        self.steps = self._steps()
        self.bounds = self._bounds()

    @property
    def _size(self) -> int:
        tables = [x for p in self.case.parameters for x in (p.w, p.m, p.v)]
        values = [g.values for g in self.given if g is not None]
        errors = [e for step in self.how.promised.bounds for e in step] if self.how and self.fine else []
        arrays = (*tables, *values, *(x for e in errors for x in e))
        return sum(1 if x.size and (x == x.flat[0]).all() else x.size for x in arrays)

    # Hyperparameters

    @cached_property
    def groups(self) -> list[Hyperparameters]:
        return [group.hyperparameters for group in self.case.groups]

    @cached_property
    def changes(self) -> dict[int, Any]:
        """What a step sets, by its number: all hyperparameters of each group, or learning rates alone.

        Of one group it is one learning rate.
        """
        found = {k: step.changes for k, step in enumerate(self.case.steps, 1) if step.changes}
        if not self.anew <= {"lr"}:
            at = self.case.groups_at()
            return {
                k: Text(f"[{', '.join(f'[{self._hyper(x.hyperparameters)}]' for x in at[k - 1])}]")
                for k in found
            }
        return {k: x["lr"] if len(self.groups) > 1 else x["lr"][0] for k, x in found.items()}

    @cached_property
    def reloads(self) -> list[int]:
        return [k for k, step in enumerate(self.case.steps, 1) if step.reload]

    @property
    def new_lr(self) -> str:
        """What a step sets the one learning rate to."""
        return "changes[k]" if self.looped else repr(self.changes[1])

    @cached_property
    def alike(self) -> bool:
        """Whether all parameters have the same hyperparameters in every step."""
        if not self.anew <= {"lr"}:
            return False
        return len(self.groups) == 1 or (not self.changes and all(h == self.groups[0] for h in self.groups))

    def _apart(self, name: str) -> bool:
        """Whether groups, or steps, differ in it."""
        given = [group.hyperparameters for groups in self.case.groups_at() for group in groups]
        return len({getattr(h, name) for h in (*given, *self.groups)}) > 1

    @cached_property
    def names(self) -> str:
        further = ["weight_decay"] * self._apart("weight_decay") + ["sign"] * self._apart("maximize")
        further += ["loss_scale"] * self._apart("loss_scale")
        return ", ".join(["lr", "beta1", "beta2", "eps", *further])

    @cached_property
    def hyper(self) -> list[str]:
        """Of each group: the values of `names`."""
        return [self._hyper(h) for h in self.groups]

    def _hyper(self, h: Hyperparameters) -> str:
        values = {"sign": -1 if h.maximize else 1, "eps": h.epsilon, **asdict(h)}
        return ", ".join(repr(values[name]) for name in self.names.split(", "))

    @property
    def listed_hyper(self) -> str:
        return listed(f"[{h}]" for h in self.hyper)

    @cached_property
    def group_of(self) -> list[int]:
        of = {p: j for j, group in enumerate(self.case.groups) for p in group.parameters}
        return [of[p] for p in range(self.count)]

    # Gradients

    @cached_property
    def layout(self) -> str:
        kinds = {"dense" if g.rows is None else "sparse" for g in self.given if g is not None}
        return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "dense"

    @cached_property
    def gradient(self) -> str:
        """By which names the script has a gradient: rows and values, or values alone."""
        return "values" if self.layout == "dense" else "(rows, values)"

    @cached_property
    def each(self) -> str:
        """By which names a loop over the steps has the gradients of one."""
        return "gradients" if self.count > 1 else self.gradient

    def _tables(self) -> str:
        texts = [
            [self._numbers(getattr(p, x), f"{x}{i}") for x in "wmv"]
            for i, p in enumerate(self.case.parameters)
        ]
        if self.count > 1:
            return listed(f"({', '.join(text)})" for text in texts)
        one = ", ".join(texts[0])
        return one if len(one) <= WIDTH else f"({listed(texts[0])[1:-1]})"

    def _largest(self) -> str:
        """What v_max starts with; of each parameter, where there are several."""
        parameters = self.case.parameters
        if all(p.largest is None for p in parameters):
            return "v.copy()" if self.count == 1 else "[v.copy() for _, _, v in tables]"
        texts = [self._numbers(p.v_max, f"v_max{i}") for i, p in enumerate(parameters)]
        return listed(texts) if self.count > 1 else texts[0]

    def _steps(self) -> str:
        steps = enumerate(self.case.steps, 1)
        texts = [[self._gradient(g, f"{k}.{i}") for i, g in enumerate(step.gradients)] for k, step in steps]
        if self.nothing:
            return ""
        if not self.looped:
            return texts[0][0][1:-1] if self.layout == "sparse" else texts[0][0]
        if self.long:
            values, rows = (f'data.get(f"{name}{{k}}.{{i}}")' for name in ("values", "rows"))
            return self._of_each(values if self.layout == "dense" else f"({rows}, {values})")
        return self._listed(texts)

    def _gradient(self, gradient: Gradient | None, at: str) -> str:
        if gradient is None:
            return "None" if self.layout == "dense" else "(None, None)"
        values, rows = self._numbers(gradient.values, f"values{at}"), self._rows(gradient, f"rows{at}")
        return values if self.layout == "dense" else f"({rows}, {values})"

    def _rows(self, gradient: Gradient, name: str) -> str:
        rows = gradient.rows
        if rows is None:
            return "None"
        if self.long or (self.large and len(rows) > SHORT):
            self.arrays[name] = rows
            return f'data["{name}"]'
        return f"np.array({rows.tolist()}, int)"

    def _listed(self, texts: list[list[str]]) -> str:
        """By step and parameter; by step alone where there is one parameter."""
        return listed(step[0] if self.count == 1 else f"[{', '.join(step)}]" for step in texts)

    def _of_each(self, one: str) -> str:
        """The same from the file, where names have the step in {k} and the parameter in {i}."""
        of_step = one.replace("{i}", "0") if self.count == 1 else f"[{one} for i in range({self.count})]"
        return f"[{of_step} for k in range(1, {len(self.case.steps) + 1})]"

    # Bounds

    def _bounds(self) -> str:
        if self.how is None:
            return ""
        bounds = self.how.promised.bounds
        if self.long and not self.fine:
            largest = [[[rounded_up(x.max()) for x in errors] for errors in step] for step in bounds]
            self.arrays["bounds"] = np.array(largest if self.count > 1 else [step[0] for step in largest])
            return 'data["bounds"]'
        steps = enumerate(bounds, 1)
        texts = [[self._bound(errors, f"{k}.{i}") for i, errors in enumerate(step)] for k, step in steps]
        if self.long:
            names = '("w", "m", "v", "v_max")' if self.kept else '"wmv"'
            return self._of_each(f'[data[f"{{x}}_bound{{k}}.{{i}}"] for x in {names}]')
        return self._listed(texts) if self.looped else texts[0][0]

    def _bound(self, errors: Errors, at: str) -> str:
        """Of w, m and v: the largest, or all."""
        if not self.fine:
            return f"({', '.join(written(rounded_up(x.max())) for x in errors)})"
        up = [np.vectorize(rounded_up, [float])(x) for x in errors]
        parts = (
            self._numbers(x, f"{name}_bound{at}", plain=True) for name, x in zip(QUANTITIES, up, strict=False)
        )
        return f"({', '.join(parts)})"

    @property
    def bounds_here(self) -> str:
        if not self.looped:
            return self.bounds
        return "bounds[k - 1]" if self.count == 1 else "bounds[k - 1][i]"

    @property
    def special(self) -> bool:
        """Whether numbers that are not finite are expected, or allowed."""
        if self.how is None:
            return False
        bounds = [x for step in self.how.promised.bounds for errors in step for x in errors]
        return self.how.promised.special or any(np.isinf(x).any() for x in bounds)

    # Numbers

    def _numbers(self, x: np.ndarray, name: str, plain: bool = False) -> str:
        """An array as source that evaluates to the same float64 numbers."""
        if not (self.long or x.any()):
            return f"np.zeros({x.shape})"
        if not self.long and (x == x.flat[0]).all():
            return f"np.full({x.shape}, {written(float(x.flat[0]))})"
        if self.long or (self.large and x.size > SHORT):
            self.arrays[name] = x
            return f'data["{name}"]'
        # Of a narrow type the shortest decimals that round to it.
        kind = "float32" if self.case.dtype == "bfloat16" else self.case.dtype
        exact = repr(nested(x, float))
        short = repr(nested(x, np.dtype(kind).type))
        if plain or len(exact) <= len(short) + 24:
            return f"np.array({exact})"
        return f"np.{kind}({short}).astype(float)"

    # The documented update

    @cached_property
    def formula(self) -> Formula:
        h = self.groups[0]
        return Formula(
            self.dialect,
            self.layout,
            max(p.w.ndim for p in self.case.parameters),
            "t" if self.one_count else "t[i]",
            "weight_decay" if self._apart("weight_decay") else repr(h.weight_decay) if h.weight_decay else "",
            "sign * " if self._apart("maximize") else "-" if h.maximize else "",
            "loss_scale" if self._apart("loss_scale") else repr(h.loss_scale) if h.loss_scale != 1 else "",
            h.nesterov,
        )
