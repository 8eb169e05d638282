"""Trace files: a case as versioned JSON with exact, hexadecimal floats."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from reference.rounding import PRECISIONS
from reference.scalars import Hyperparameters
from reports.tables import write_text
from suites.case import Case, Gradient, Group, Manner, Parameter, Step

FORMAT = "lazyadam-trace"
VERSION = 2


class TraceError(Exception):
    """A file that is not a trace of this version; the message is one line with the path."""


def save(case: Case, path: Path, about: dict[str, Any] | None = None) -> None:
    """Write the case. about: for the reader, ignored by `load`. Raises as `write_text` does."""
    document = {
        "format": FORMAT,
        "version": VERSION,
        "about": about or {},
        "dtype": case.dtype,
        "t": case.t,
        "observed": list(case.observed),
        "manner": sorted(x.name for x in case.manner),
        "groups": [
            {
                "parameters": list(group.parameters),
                "hyperparameters": {
                    name: x if isinstance(x, bool) else x.hex()
                    for name, x in asdict(group.hyperparameters).items()
                },
            }
            for group in case.groups
        ],
        "parameters": [{"w": _array(p.w), "m": _array(p.m), "v": _array(p.v)} for p in case.parameters],
        "steps": [
            {
                "lr": None if step.lr is None else [x.hex() for x in step.lr],
                "reload": step.reload,
                "gradients": [
                    None
                    if g is None
                    else {
                        "rows": None if g.rows is None else g.rows.tolist(),
                        "values": _array(g.values),
                    }
                    for g in step.gradients
                ],
            }
            for step in case.steps
        ],
    }
    write_text(json.dumps(document, indent=1), path)


def load(path: Path) -> Case:
    """The case in a trace file.

    Raises:
        TraceError: the file is missing, truncated, of another version, or not a well-formed case.
    """
    document = _document(path)
    try:
        case = _case(document)
        _check(case)
        return case
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TraceError(f"{path}: malformed ({type(error).__name__}: {error})") from None


def about(path: Path) -> dict[str, Any]:
    """What a trace file says of its case. Raises as `load` does."""
    told = _document(path).get("about")
    if not isinstance(told, dict):
        raise TraceError(f"{path}: malformed (no object 'about')")
    return told


def _document(path: Path) -> dict[str, Any]:
    """The JSON of a trace file of this version."""
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise TraceError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise TraceError(f"{path}: not JSON, or truncated ({error})") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise TraceError(f"{path}: not a trace file (no format '{FORMAT}')")
    if document.get("version") != VERSION:
        raise TraceError(f"{path}: trace version {document.get('version')!r}, this suite reads {VERSION}")
    return document


def _case(document: dict[str, Any]) -> Case:
    return Case(
        dtype=document["dtype"],
        t=document["t"],
        observed=tuple(document["observed"]),
        manner=frozenset(Manner[name] for name in document["manner"]),
        groups=tuple(
            Group(
                tuple(group["parameters"]),
                Hyperparameters(**{n: _setting(x) for n, x in group["hyperparameters"].items()}),
            )
            for group in document["groups"]
        ),
        parameters=tuple(
            Parameter(_numbers(p["w"]), _numbers(p["m"]), _numbers(p["v"])) for p in document["parameters"]
        ),
        steps=tuple(
            Step(
                lr=None if step["lr"] is None else tuple(float.fromhex(x) for x in step["lr"]),
                reload=step["reload"],
                gradients=tuple(
                    None
                    if g is None
                    else Gradient(
                        rows=None if g["rows"] is None else np.array(g["rows"], np.int64),
                        values=_numbers(g["values"]),
                    )
                    for g in step["gradients"]
                ),
            )
            for step in document["steps"]
        ),
    )


def _setting(x: Any) -> Any:
    return x if isinstance(x, bool) else float.fromhex(x)


def _check(case: Case) -> None:
    """Raise ValueError where the parts of a case do not fit together."""
    count = len(case.parameters)

    def need(condition: bool, message: str) -> None:
        if not condition:
            raise ValueError(message)

    need(case.dtype in PRECISIONS, f"dtype {case.dtype!r} is not one of {', '.join(PRECISIONS)}")
    need(isinstance(case.t, int) and case.t >= 0, f"t is {case.t!r}, not a count of steps")
    owners = sorted(p for group in case.groups for p in group.parameters)
    need(owners == list(range(count)), "the groups do not hold every parameter once")
    numbers = list(case.observed)
    need(
        numbers == sorted(set(numbers)) and all(1 <= k <= len(case.steps) for k in numbers),
        "observed is not an increasing list of step numbers",
    )
    for i, p in enumerate(case.parameters):
        need(p.w.ndim >= 1 and p.w.shape == p.m.shape == p.v.shape, f"parameter {i}: shapes differ")
    for k, step in enumerate(case.steps, 1):
        need(
            len(step.gradients) == count, f"step {k}: {len(step.gradients)} gradients for {count} parameters"
        )
        need(step.lr is None or len(step.lr) == len(case.groups), f"step {k}: lr does not fit the groups")
        for i, g in enumerate(step.gradients):
            if g is not None:
                shape = case.parameters[i].w.shape
                expected = shape if g.rows is None else (len(g.rows), *shape[1:])
                need(
                    g.values.shape == expected,
                    f"step {k}, parameter {i}: values of shape {g.values.shape}, expected {expected}",
                )


def _array(x: np.ndarray) -> dict[str, Any]:
    return {"shape": list(x.shape), "values": [_text(v) for v in x.ravel().tolist()]}


def _numbers(document: dict[str, Any]) -> np.ndarray:
    values = np.array([_number(text) for text in document["values"]], np.float64)
    return values.reshape(document["shape"])


_NAN_BITS = np.float64("nan").view(np.uint64)


def _text(x: float) -> str:
    """float.hex, and for a NaN that isn't the ordinary one its bits."""
    bits = np.float64(x).view(np.uint64)
    return x.hex() if x == x or bits == _NAN_BITS else f"nan:{int(bits):016x}"


def _number(text: str) -> float:
    if text.startswith("nan:"):
        return float(np.uint64(int(text[4:], 16)).view(np.float64))
    return float.fromhex(text)
