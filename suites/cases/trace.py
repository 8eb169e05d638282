"""Trace files: a case as versioned JSON with exact, hexadecimal floats.

What is read is checked wholly, so that a case that was loaded can be judged: its structure by pydantic,
strictly (an integer is no float and no flag), and what it means by `check`.
"""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.reports.tables import text_of, write_text
from lazyadam.suites.cases.case import QUANTITIES, Case, Gradient, Group, Manner, Parameter, Step
from lazyadam.suites.cases.printable import printable
from lazyadam.suites.cases.valid import LARGEST, LARGEST_BETA, LARGEST_SCALE, check

FORMAT = "lazyadam-trace"
VERSION = 2
MOST_DIGITS = 400  # more than any double has before its point


class TraceError(Exception):
    """A file that is not a trace of this version; the message is one line with the path."""


def _number(text: Any) -> float:
    """The number that `_text` writes so, and no other way to write one ('0.1' would be 1/16)."""
    try:
        bits = text.startswith("nan:")
        x = np.uint64(int(text[4:], 16)).view(np.float64) if bits else float.fromhex(text)
    except (AttributeError, ValueError, OverflowError):
        raise ValueError(f"{text!r} is no hexadecimal number") from None
    if _text(float(x)) != text:
        raise ValueError(f"{text!r} is not as float.hex() writes it")
    return float(x)


def _manner(name: Any) -> Manner:
    if not isinstance(name, str) or name not in Manner.__members__:
        raise ValueError(f"{name!r} is not one of {', '.join(Manner.__members__)}")
    return Manner[name]


Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, BeforeValidator(_number)]
Setting = Annotated[Number, Field(ge=0, le=LARGEST)]
Beta = Annotated[Number, Field(ge=0, le=LARGEST_BETA)]
Scale = Annotated[Number, Field(ge=1 / LARGEST_SCALE, le=LARGEST_SCALE)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Array(_Part):
    shape: Annotated[list[Count], Field(max_length=16)]
    values: list[Number]

    @model_validator(mode="after")
    def fits(self) -> Self:
        if math.prod(self.shape) != len(self.values):
            raise ValueError(f"{len(self.values)} values do not fill the shape {self.shape}")
        return self

    def numbers(self) -> np.ndarray:
        return np.array(self.values, np.float64).reshape(self.shape)


class _Hyperparameters(_Part):
    lr: Setting
    beta1: Beta
    beta2: Beta
    epsilon: Setting
    weight_decay: Setting
    loss_scale: Scale
    nesterov: bool
    maximize: bool


class _Group(_Part):
    parameters: Annotated[list[Count], Field(min_length=1)]
    hyperparameters: _Hyperparameters


class _Parameter(_Part):
    w: _Array
    m: _Array
    v: _Array
    v_max: _Array | None = None

    def parameter(self) -> Parameter:
        return Parameter(*(x.numbers() for x in (self.w, self.m, self.v, self.v_max) if x is not None))


class _Gradient(_Part):
    rows: list[Annotated[Count, Field(lt=2**63)]] | None
    values: _Array


class _Changes(_Part):
    """What is set anew beside the learning rate, of each group."""

    beta1: list[Beta] = []
    beta2: list[Beta] = []
    epsilon: list[Setting] = []
    weight_decay: list[Setting] = []
    loss_scale: list[Scale] = []
    maximize: list[bool] = []


class _Step(_Part):
    lr: list[Setting] | None
    changes: _Changes = _Changes()
    reload: bool
    gradients: list[_Gradient | None]

    def set_anew(self) -> dict[str, tuple[float, ...]]:
        lr = {} if self.lr is None else {"lr": tuple(self.lr)}
        given = self.changes.model_dump(exclude_unset=True)
        return lr | {name: tuple(values) for name, values in given.items()}


class _Document(_Part):
    format: str
    version: int
    about: dict[str, Any]
    dtype: str
    t: Count
    observed: Annotated[list[int], Field(min_length=1)]
    manner: list[Annotated[Manner, BeforeValidator(_manner)]]
    groups: list[_Group]
    parameters: Annotated[list[_Parameter], Field(min_length=1)]
    steps: list[_Step]


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
                "hyperparameters": {name: _said(x) for name, x in asdict(group.hyperparameters).items()},
            }
            for group in case.groups
        ],
        "parameters": [
            {q: _array(x) for q, x in zip(QUANTITIES, p.arrays, strict=False)} for p in case.parameters
        ],
        "steps": [
            {
                **_changes(step),
                "reload": step.reload,
                "gradients": [
                    None
                    if g is None
                    else {"rows": None if g.rows is None else g.rows.tolist(), "values": _array(g.values)}
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
        TraceError: the file cannot be read, is of another version, or holds no case that can be judged.
    """
    document = _read(path)
    try:
        case = _case(document)
        with np.errstate(all="ignore"):  # numbers that the type of the case doesn't have are told
            check(case)
    except (ValueError, OverflowError) as error:
        raise _refusal(path, f"malformed ({error})") from None
    return case


def about(path: Path) -> dict[str, Any]:
    """What a trace file says of its case. Raises as `load` does."""
    return _read(path).about


def _refusal(path: Path, reason: str) -> TraceError:
    """One line, whatever the file or its name holds."""
    line = f"{path}: {reason if len(reason) <= 300 else reason[:300] + ' …'}"
    return TraceError(printable(line))


def _read(path: Path) -> _Document:
    """The JSON of a trace file of this version."""
    try:
        document = json.loads(
            text_of(path), object_pairs_hook=_once, parse_constant=_constant, parse_int=_whole
        )
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror or error})") from None
    except RecursionError:
        raise _refusal(path, "not a trace file (nested too deeply)") from None
    except ValueError as error:
        raise _refusal(path, f"not JSON, or truncated ({error})") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _refusal(path, f"not a trace file (no format '{FORMAT}')")
    if document.get("version") != VERSION:
        raise _refusal(path, f"trace version {document.get('version')!r}, this suite reads {VERSION}")
    try:
        return _Document.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in first["loc"]).lstrip(".")
        raise _refusal(path, f"malformed ({where}: {first['msg'].removeprefix('Value error, ')})") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _case(document: _Document) -> Case:
    return Case(
        dtype=document.dtype,
        t=document.t,
        observed=tuple(document.observed),
        manner=frozenset(document.manner),
        groups=tuple(
            Group(tuple(group.parameters), Hyperparameters(**group.hyperparameters.model_dump()))
            for group in document.groups
        ),
        parameters=tuple(p.parameter() for p in document.parameters),
        steps=tuple(
            Step(
                changes=step.set_anew(),
                reload=step.reload,
                gradients=tuple(
                    None
                    if g is None
                    else Gradient(
                        rows=None if g.rows is None else np.array(g.rows, np.int64),
                        values=g.values.numbers(),
                    )
                    for g in step.gradients
                ),
            )
            for step in document.steps
        ),
    )


def _said(x: float) -> str | bool:
    return x if isinstance(x, bool) else x.hex()


def _changes(step: Step) -> dict[str, Any]:
    """What is set anew. The learning rate stands beside the others, as in files that have no more."""
    said = {name: [_said(x) for x in values] for name, values in step.changes.items()}
    lr = said.pop("lr", None)
    return {"lr": lr, "changes": said} if said else {"lr": lr}


def _array(x: np.ndarray) -> dict[str, Any]:
    return {"shape": list(x.shape), "values": [_text(v) for v in x.ravel().tolist()]}


_NAN_BITS = np.float64("nan").view(np.uint64)


def _text(x: float) -> str:
    """float.hex, and for a NaN that isn't the ordinary one its bits."""
    if x == x:
        return x.hex()
    bits = np.float64(x).view(np.uint64)
    return "nan" if bits == _NAN_BITS else f"nan:{int(bits):016x}"
