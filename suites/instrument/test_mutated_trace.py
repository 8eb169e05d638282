"""A trace changed in any way is a case that can be judged, or is refused in a line."""

import json
import math
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lazyadam.reference.dialect import BiasCorrection, Dialect, Duplicates, Epsilon, Untouched, ZeroRows
from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.backends.own import NumpyOptimizer
from lazyadam.suites.cases import trace
from lazyadam.suites.cases.case import Case, Gradient, Group, Manner, Parameter, Step, Trajectory
from lazyadam.suites.instrument.samples import sample
from lazyadam.suites.judge.fitting import fitting
from lazyadam.suites.judge.judgement import QUANTITIES
from lazyadam.suites.judge.step_by_step import step_by_step

ANY: Any = NumpyOptimizer  # it may compute in any usual way
DIALECTS = (
    Dialect(),
    Dialect(epsilon=Epsilon.BESIDE_HAT, duplicates=Duplicates.MEAN),
    Dialect(untouched=Untouched.DENSE, duplicates=Duplicates.SQUARES_APART),
    Dialect(bias_correction=BiasCorrection.NEXT, zero_rows=ZeroRows.IGNORED, duplicates=Duplicates.SCATTERED),
)


def several(dtype: str) -> Case:
    """Two parameters in two groups, every layout, repeated rows, a changed learning rate, a reload."""
    ones, twos = np.ones((3, 2)), np.full((4,), 2.0)
    sparse, repeated = Gradient(ones[:2], np.array([2, 0])), Gradient(ones, np.array([1, 1, 0]))
    steps = (
        Step((sparse, Gradient(twos))),
        Step((repeated, None), {"lr": (0.5, 0.25)}, True),
        Step((Gradient(ones[:0], np.empty(0, np.int64)), Gradient(twos[:1], np.array([3])))),
    )
    groups = (Group((1,), Hyperparameters(lr=0.125)), Group((0,), Hyperparameters(weight_decay=0.5)))
    parameters = (Parameter(ones, ones, ones), Parameter(twos, 0 * twos, 0 * twos))
    manner = frozenset({Manner.INT32_ROWS, Manner.COLD})
    return Case(dtype, parameters, groups, steps, (1, 2, 3), 7, manner)


CASES = (several("float32"), several("float64"), several("float16"), sample(steps=3, nesterov=True))


_LARGE, _SMALL = (1e300, 2.0**127, 1 - 2.0**-24, 1 - 2.0**-53), (0.1, 2.0**-126, 5e-324, 0.0, -0.0)
NUMBERS = [x.hex() for x in (*_LARGE, 1.0, 0.5, *_SMALL, -1.0, math.inf, -math.inf, math.nan)]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 1.0, 0.5, 1e999, 2**24, 2**31, 2**63, 10**30),
    *("", "0", "0x1p0", "one", "nan:7ff8000000000001", "nan:xyz", "float16", "float64", "é\n\u2028"),
    *("INT64_ROWS", "FLOAT_ROWS", "STRIDED", "WATCHED"),
    *([], {}, [[]], [0], [0, 0], [-1], [None], {"": 0}),
]


def nodes(tree: Any) -> list[tuple[Any, Any]]:
    """The nodes just below, each as what holds it and where."""
    if isinstance(tree, list):
        return [(tree, at) for at in range(len(tree))]
    return [(tree, at) for at in tree] if isinstance(tree, dict) else []


def place(tree: Any, draw: Any) -> tuple[Any, Any]:
    """Where a node is, found from the root down: one among many siblings is as likely as one among few."""
    found = [node for node in nodes(tree) if node[1] not in ("format", "version", "about")]
    while True:
        holder, at = found[draw(st.integers(0, len(found) - 1))]
        found = nodes(holder[at])
        if not found or draw(st.integers(0, 5)) == 5:
            return holder, at


def changed(tree: Any, draw: Any) -> None:
    """A node is left out, doubled, replaced, exchanged for another, or put into a list."""
    holder, at = place(tree, draw)
    what = draw(st.sampled_from(["remove", "double", "replace", "replace", "exchange", "wrap"]))
    if what == "remove":
        del holder[at]
    elif what == "double":
        holder.insert(at, holder[at]) if isinstance(holder, list) else holder.update({f"{at}2": holder[at]})
    elif what == "replace":
        numbers = isinstance(holder[at], str) and draw(st.integers(0, 3)) > 0
        holder[at] = deepcopy(draw(st.sampled_from(NUMBERS if numbers else ODD)))
    elif what == "exchange":
        other, there = place(tree, draw)
        holder[at], other[there] = json.loads(json.dumps([other[there], holder[at]]))
    else:
        holder[at] = [holder[at]]


@settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_trace_can_be_judged_or_is_refused_in_a_line(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "case.json"
    trace.save(CASES[data.draw(st.integers(0, len(CASES) - 1))], path)
    tree = json.loads(path.read_text())
    for _ in range(data.draw(st.integers(0, 3))):
        changed(tree, data.draw)
    text = json.dumps(tree)
    if data.draw(st.integers(0, 9)) == 9:
        text = text[: data.draw(st.integers(0, len(text)))]
    path.write_text(text)
    try:
        case = trace.load(path)
    except trace.TraceError as error:
        line = str(error)
        assert line.startswith(f"{path}: ")
        assert line.isprintable()
        return
    counts = case.t + np.array(case.observed)[:, None] + np.zeros(len(case.parameters), np.int64)
    w, m, v = ([np.stack([getattr(p, q)] * len(counts)) for p in case.parameters] for q in QUANTITIES[:3])
    for dialect in DIALECTS:
        judge = partial(step_by_step, [case], [Trajectory(w, m, v, counts)], dialect)
        with np.errstate(all="ignore"):
            for finding in fitting(ANY, dialect, case.dtype, judge).divergences:
                assert finding.message().isprintable()
