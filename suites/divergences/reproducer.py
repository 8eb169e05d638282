"""Standalone scripts: what a pin shows, with NumPy and one framework only."""

from dataclasses import replace
from pathlib import Path

import jinja2
import numpy as np

from reference.dialect import Dialect, Epsilon, StepCount, Untouched
from reference.lazy_adam import Rules, State, step
from reference.rounding import PRECISIONS
from suites.backends.base import Backend
from suites.case import Case, Manner
from suites.divergences.pin import Pin
from suites.judge.judgement import QUANTITIES
from suites.judge.stack import Builder, Segment, width_of

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def script(pin: Pin, backend: type[Backend]) -> str:
    """A script that prints what the documentation promises and what the backend does.

    It exits with 1 where they differ and with 0 where they don't.

    Raises:
        ValueError: the witness has more than one step or parameter (`witness.cut` leaves one step), or the
            documentation speaks a dialect that the script's formula doesn't know.
    """
    case = pin.case
    if not has_script(case, backend):
        raise ValueError(f"{pin.name}: a script is made from one step of one parameter in a plain dialect")
    (gradient,) = case.steps[0].gradients
    assert gradient is not None
    assigned = "_assigned" if Manner.ASSIGNED in case.manner else ""
    template = "own" if backend.file else f"{backend.framework}{assigned}"
    return TEMPLATES.get_template(f"{template}.py.j2").render(
        pin=pin,
        backend=backend,
        case=case,
        h=case.groups[0].hyperparameters,
        parameter=case.parameters[0],
        gradient=gradient,
        dense=gradient.rows is None or backend.documented.untouched is Untouched.DENSE,
        bounds=bounds(case, backend),
        epsilon=backend.documented.epsilon.name,
        manner={m.name for m in case.manner},
        has_state=bool(case.t),
        numbers=numbers,
    )


def issue(pin: Pin, backend: type[Backend], version: str, output: str) -> str:
    """The text of an issue for those who have to mend a divergence, in Markdown.

    output: what the script printed, or the last line of its error.
    """
    turned = pin.explaining(backend)
    documented = {axis: getattr(backend.documented, axis) for axis in pin.explained_by if turned}
    if pin.verdict != "diverges":
        expected, got = "the step is taken", f"it {pin.verdict}"
    elif Manner.ASSIGNED in pin.case.manner:
        expected, got = "the same bits as without the assignment", "other numbers"
    elif turned:
        expected = "; ".join(f"{value.value}" for value in documented.values())
        got = "; ".join(getattr(turned, axis).value for axis in documented)
    else:
        expected, got = "the update rule, as in the script", "other numbers"
    return TEMPLATES.get_template("issue.md.j2").render(
        pin=pin,
        backend=backend,
        version=version,
        case=pin.case,
        dtypes=[dtype for dtype in pin.types_of(backend) if dtype != pin.case.dtype],
        others=[name for name in pin.backends if name != backend.name],
        sources=[promise.source for promise in backend.promises if promise.axis in documented],
        expected=expected,
        got=got,
        output=output,
        script=script(pin, backend),
    )


def has_script(case: Case, backend: type[Backend]) -> bool:
    """Whether a script can be made: of one step of one parameter, in a dialect that its formula knows."""
    (first, *more) = case.steps
    plain = replace(
        backend.documented,
        epsilon=Epsilon.BESIDE_ROOT,
        untouched=Untouched.FROZEN,
        step_count=StepCount.PARAMETER,  # of one step
    )
    known = plain == Dialect()
    return known and not more and len(case.parameters) == 1 and first.gradients[0] is not None


def bounds(case: Case, backend: type[Backend]) -> dict[str, float]:
    """The largest error in w, m and v of a correct implementation, against the decimals as written.

    The rounding bound, and what storing hyperparameters as the backend does costs.
    """
    (parameter,), p = case.parameters, PRECISIONS[case.dtype]
    builder = Builder(backend.documented, backend.arithmetic, p, gap=True)
    h = case.groups[0].hyperparameters
    builder.add(Segment(0, 0, 1, 0, len(parameter.w)), case, h, case.t + 1)
    stack = builder.stack(width_of(parameter.w))
    start = State(*(x.reshape(len(parameter.w), -1) for x in (parameter.w, parameter.m, parameter.v)))
    rules = Rules(p, backend.documented, backend.arithmetic, h.nesterov, strict_epsilon=True)
    assert stack.exact is not None
    values, errors, _ = step(start, stack.gradient, stack.scalars, rules)
    exact = step(start, stack.gradient, stack.exact, rules).state
    return {
        name: float((e + np.abs(x - y)).max(initial=0.0))
        for name, e, x, y in zip(QUANTITIES, errors, values, exact, strict=True)
    }


def numbers(x: np.ndarray) -> str:
    """An array as Python source that evaluates to the same numbers."""
    if x.size and (x == x.flat[0]).all():
        return f"np.full({x.shape}, {float(x.flat[0])!r})" if x.flat[0] else f"np.zeros({x.shape})"
    return f"np.array({x.tolist()!r})" if x.size else f"np.zeros({x.shape})"
