"""Recordings of a training: what an optimizer was given in each step, and what it made of it.

A folder: recording.json says of what, and steps/ has a safetensors file for each step, which is written whole
or not at all, so that a training that is killed leaves every step before. Arrays of 16 bits are stored in
float32, which holds them exactly.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.reports.tables import text_of, write_bytes, write_text
from lazyadam.suites.cases.case import Gradient
from lazyadam.suites.cases.printable import printable

FORMAT, VERSION = "lazyadam-recording", 1
HEADER, STEPS = "recording.json", "steps"
STATE, LARGEST = ("w", "m", "v"), "v_max"
MOST = 2**17  # numbers of a parameter in a step, where the rows are not said
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Window:
    """Which steps are recorded: from the first on, so many (None: to the end), and so many apart."""

    first: int
    steps: int | None
    every: int

    def has(self, number: int) -> bool:
        beyond, off = divmod(number - self.first, self.every)
        return beyond >= 0 and not off and (self.steps is None or beyond < self.steps)


class RecordingError(Exception):
    """A folder that is no recording, or a step that can't be read; the message is one line with the path."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Of(_Part):
    """A parameter: its name in the model where that is known, shape (rows, …) and type."""

    name: str
    shape: list[Count]
    dtype: str


class Header(_Part):
    """Of what a recording is.

    framework, version: what ran; optimizer: its class by its full name; step_of: the class that its step is
    of; options: those of its groups that decide how it runs. device: where. every: how many steps lie from
    one that is recorded to the next. rows: so many of a gradient at most are recorded; watched: so many
    beside them, which are to stay. said: what is not recorded, in words.
    """

    format: str = FORMAT
    format_version: int = VERSION
    framework: str
    version: str
    optimizer: str
    step_of: str = ""
    options: dict[str, str | bool | int | float | None] = {}
    device: str = "cpu"
    every: Annotated[int, Field(ge=1)] = 1
    rows: Count = 0
    watched: Count = 0
    parameters: list[Of]
    said: list[str] = []

    @model_validator(mode="after")
    def _is_ours(self) -> Self:
        if self.format != FORMAT:
            raise ValueError(f"its format is {self.format!r}, not {FORMAT}")
        if self.format_version != VERSION:
            raise ValueError(f"version {self.format_version}; this suite reads {VERSION}")
        return self


class _Told(_Part):
    """What is said of a parameter in a step. occurrences: rows of its gradient; None where it is dense."""

    parameter: Count
    t: tuple[int, int]
    hyperparameters: dict[str, float | bool]
    gradient: bool = True
    occurrences: int | None = None
    distinct: int | None = None


class _Step(_Part):
    number: Count
    taken: list[_Told]


@dataclass(frozen=True, eq=False)
class Taken:
    """A parameter in a step.

    rows: those of its table that are recorded, in order; a gradient names rows by their place among these.
    before, after: w, m and v in these rows, and v_max where it is kept. t: the step count before and after.
    occurrences, distinct: rows of the gradient as it came, of which all or some are recorded; None of a dense
    one.
    """

    parameter: int
    t: tuple[int, int]
    hyperparameters: Hyperparameters
    gradient: Gradient | None
    rows: np.ndarray
    before: tuple[np.ndarray, ...]
    after: tuple[np.ndarray, ...]
    occurrences: int | None = None
    distinct: int | None = None


@dataclass(frozen=True, eq=False)
class Recorded:
    """A step of the optimizer: its number, from 1, and each parameter that it was given."""

    number: int
    taken: tuple[Taken, ...]


@dataclass
class Writer:
    """Writes a recording, a step at a time. A folder that has one already is refused.

    Raises:
        RecordingError: there is a recording already.
        NotWritten: of `write_text`.
    """

    folder: Path
    header: Header
    written: int = field(default=0)

    def __post_init__(self) -> None:
        if (self.folder / HEADER).exists():
            raise RecordingError(f"{self.folder}: has a recording already")
        (self.folder / STEPS).mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(self.header.model_dump(), indent=1) + "\n", self.folder / HEADER)

    def say(self, line: str) -> None:
        """What is not recorded, in words."""
        self.header.said.append(line)
        write_text(json.dumps(self.header.model_dump(), indent=1) + "\n", self.folder / HEADER)

    def write(self, step: Recorded) -> None:
        arrays, told = {}, []
        for i, x in enumerate(step.taken):
            told.append(
                _Told(
                    parameter=x.parameter,
                    t=x.t,
                    hyperparameters=asdict(x.hyperparameters),
                    gradient=x.gradient is not None,
                    occurrences=x.occurrences,
                    distinct=x.distinct,
                )
            )
            arrays[f"{i}.rows"] = x.rows
            if x.gradient is not None:
                arrays[f"{i}.gradient"] = x.gradient.values
                if x.gradient.rows is not None:
                    arrays[f"{i}.gradient_rows"] = x.gradient.rows
            for when, state in (("before", x.before), ("after", x.after)):
                arrays |= {f"{i}.{when}.{q}": s for q, s in zip((*STATE, LARGEST), state, strict=False)}
        meta = {"step": _Step(number=step.number, taken=told).model_dump_json()}
        whole = save({name: np.ascontiguousarray(a) for name, a in arrays.items()}, meta)
        write_bytes(whole, self.folder / STEPS / f"{step.number:09d}.safetensors")
        self.written += 1


def header(folder: Path) -> Header:
    """Of what a recording is.

    Raises:
        RecordingError: it is none, or of another version.
    """
    path = folder / HEADER
    try:
        return Header.model_validate_json(text_of(path))
    except FileNotFoundError:
        inside = [x.parent.name for x in sorted(folder.glob(f"*/{HEADER}"))]
        beside = f"; in it are {', '.join(inside)}" if inside else ""
        raise RecordingError(f"{folder}: no recording: it has no {HEADER}{beside}") from None
    except NotADirectoryError:
        raise RecordingError(f"{folder}: is a file; a recording is a folder") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: {printable(str(error))}") from None
    except ValidationError as error:
        raise RecordingError(f"{path}: {_first(error)}") from None


def steps(folder: Path, of: Header) -> Iterator[Recorded]:
    """The recorded steps, in order.

    Raises:
        RecordingError: one is cut off, or does not fit the header.
    """
    for path in sorted((folder / STEPS).glob("*.safetensors")):
        try:
            with safe_open(path, "numpy") as file:
                told = _Step.model_validate_json((file.metadata() or {}).get("step", ""))
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if f"{told.number:09d}" != path.stem:
                raise ValueError(f"is step {told.number} by what it says")
            yield Recorded(told.number, tuple(_taken(i, x, arrays, of) for i, x in enumerate(told.taken)))
        except ValidationError as error:
            raise RecordingError(f"{path}: {_first(error)}") from None
        except KeyError as error:
            raise RecordingError(f"{path}: it has no {error}") from None
        except (SafetensorError, OSError, ValueError, TypeError) as error:
            raise RecordingError(f"{path}: {printable(str(error))}") from None


def _taken(i: int, told: _Told, arrays: Mapping[str, np.ndarray], of: Header) -> Taken:
    if told.parameter >= len(of.parameters):
        raise ValueError(f"parameter {told.parameter} of {len(of.parameters)}")
    shape = tuple(of.parameters[told.parameter].shape)
    rows = arrays[f"{i}.rows"]
    if rows.ndim != 1 or rows.dtype != np.int64 or (np.diff(rows, prepend=-1) < 1).any():
        raise ValueError("its rows are not in order")
    if len(rows) and rows[-1] >= max(shape[:1], default=1):
        raise ValueError(f"row {rows[-1]} of a table of {max(shape[:1], default=1)}")
    due = (len(rows), *shape[1:])

    kept = (*STATE, *([LARGEST] if f"{i}.before.{LARGEST}" in arrays else []))

    def state(when: str) -> tuple[np.ndarray, ...]:
        return tuple(_floats(arrays[f"{i}.{when}.{q}"], due, f"{when}.{q}") for q in kept)

    gradient = None
    if told.gradient:
        values, at = arrays[f"{i}.gradient"], arrays.get(f"{i}.gradient_rows")
        if at is not None and (at.dtype != np.int64 or at.ndim != 1 or not _within(at, len(rows))):
            raise ValueError("its gradient names rows that are not recorded")
        gradient = Gradient(_floats(values, due if at is None else (len(at), *shape[1:]), "gradient"), at)
    return Taken(
        told.parameter,
        told.t,
        _hyperparameters(told.hyperparameters),
        gradient,
        rows,
        state("before"),
        state("after"),
        told.occurrences,
        told.distinct,
    )


def _floats(x: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    if x.shape != shape or x.dtype.kind != "f":
        raise ValueError(f"{name} is {x.dtype}{[*x.shape]}, not numbers of shape {[*shape]}")
    return x.astype(np.float64)


def _within(at: np.ndarray, count: int) -> bool:
    return not len(at) or bool(at.min() >= 0 and at.max() < count)


def _hyperparameters(given: Mapping[str, Any]) -> Hyperparameters:
    unknown = given.keys() - asdict(Hyperparameters()).keys()
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]!r} is no hyperparameter")
    return Hyperparameters(**given)


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, in a line."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    return printable(f"{where + ': ' if where else ''}{first['msg'].removeprefix('Value error, ')}")


def size_of(folder: Path) -> int:
    """Bytes on disk."""
    return sum(os.path.getsize(path) for path in (folder / STEPS).glob("*.safetensors"))
