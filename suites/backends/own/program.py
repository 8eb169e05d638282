"""A backend that is a program, which speaks the protocol of suites/backends/PROGRAM.md.

A number is the hexadecimal digits of its bits, so that any language reads and writes it exactly.
"""

import hashlib
import math
import os
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np

from lazyadam.reference.rounding import PRECISIONS
from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.own.bases import Own
from lazyadam.suites.backends.workers import guard
from lazyadam.suites.cases.case import Case, Group, Manner, State, Step

VERSION = 1
GREETING = f"lazyadam {VERSION}"
LAYOUTS = ("sparse", "dense")
BITS = {"float16": "<u2", "bfloat16": "<u2", "float32": "<u4", "float64": "<u8"}
LONGEST = 200  # of a greeting, in bytes
GREETING_SECONDS = 30.0  # on a machine that is busy
ENDED_SECONDS = 0.5  # how often to look whether a program that doesn't answer is still there
SHOWN = 50  # of an answer that is none, in characters


class Died(Exception):
    """The program has ended; the message says how."""

    kind = Verdict.DIES


class Program:
    """A running program. Every answer is one line, of at most so many bytes as are due."""

    def __init__(self, command: Sequence[str]) -> None:
        self.name = Path(command[0]).name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b""

    def tell(self, text: str) -> None:
        """Write lines that have no answer."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except OSError:
            raise Died(self._end()) from None

    def ask(self, text: str, answers: int, most: int) -> list[str]:
        """Write a line, and read the lines that answer it. most: the bytes of the longest."""
        if self.pending or self._ready():
            raise ValueError(f"{self.name} writes more than it was asked for: {self._some()}")
        self.tell(text)
        return [self._line(most) for _ in range(answers)]

    def greet(self) -> str:
        """What it answers to the greeting, whether it has waited for that or not."""
        with suppress(Died):  # what it has written before its end is told first
            self.tell(f"{GREETING}\n")
        return self._line(LONGEST, time.monotonic() + GREETING_SECONDS)

    def _line(self, most: int, end: float = math.inf) -> str:
        while b"\n" not in self.pending:
            if len(self.pending) > most:
                raise ValueError(f"{self.name} answers a line of more than {most} bytes: {self._some()}")
            while not select.select([self._out], [], [], ENDED_SECONDS)[0]:
                if self.process.poll() is not None:  # what it has started may hold its output open
                    raise Died(f"{self._end()} in the middle of an answer: {self._some()}")
                if time.monotonic() > end:
                    raise ValueError(f"{self.name} does not greet: does it flush what it writes?")
            chunk = os.read(self._out, 2**16)
            if not chunk:
                raise Died(f"{self._end()} in the middle of an answer: {self._some()}")
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b"\n")
        return line.decode(errors="replace").strip()

    @property
    def _out(self) -> int:
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def _ready(self) -> bool:
        if not select.select([self._out], [], [], 0)[0]:
            return False
        chunk = os.read(self._out, LONGEST)
        self.pending += chunk
        return bool(chunk)

    def _some(self) -> str:
        return repr(self.pending[:SHOWN].decode(errors="replace"))

    def _end(self) -> str:
        try:
            code = self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            return f"{self.name} has closed its output, and runs on"
        return f"{self.name} has ended {guard.ended(code)}"

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class ProgramOptimizer(Own):
    """A program. A subclass has a `name` and a `command`: the path of the program, and its arguments."""

    framework = "program"
    devices = ("cpu",)
    manners = possible = frozenset({Manner.INT64_ROWS})
    command: ClassVar[tuple[str, ...]]
    lacking = ("command",)
    program: Program | None = None

    def prepare(self) -> str:
        return hashlib.sha256(Path(self.command[0]).read_bytes()).hexdigest()[:8]

    def build(self, case: Case) -> None:
        if self.program is None:
            self.program = started(self.command)[0]
        self.dtype, self.count = case.dtype, len(case.parameters)
        self.shapes = [p.w.shape for p in case.parameters]
        of = {i: g.hyperparameters for g in case.groups for i in g.parameters}
        lines = [f"case {case.dtype} {self.count}"]
        for i, p in enumerate(case.parameters):
            h, (rows, *width) = of[i], p.w.shape
            scalars = written(np.array([h.lr, h.beta1, h.beta2, h.epsilon]), "float64")
            lines += [f"{rows} {int(np.prod(width))} {case.t} {scalars}"]
            lines += [written(x, case.dtype) for x in (p.w, p.m, p.v)]
        self.program.tell("\n".join(lines) + "\n")
        self.now: State = (
            [p.w for p in case.parameters],
            [p.m for p in case.parameters],
            [p.v for p in case.parameters],
            [case.t] * self.count,
        )

    def step_function(self, case: Case, step: Step) -> Callable[[], object]:
        lines = ["step"]
        for g, shape in zip(step.gradients, self.shapes, strict=True):
            if g is not None and g.values.shape != (shape if g.rows is None else (len(g.rows), *shape[1:])):
                raise ValueError(f"values of shape {g.values.shape}, which the protocol can't say")
            if g is None:
                lines.append("none")
            elif g.rows is None:
                lines += ["dense", written(g.values, case.dtype)]
            else:
                lines += [f"sparse {len(g.rows)}", " ".join(map(str, g.rows.tolist()))]
                lines.append(written(g.values, case.dtype))
        asked, program = "\n".join(lines) + "\n", self.program
        assert program is not None
        longest = max(3 * int(np.prod(s)) * 2 * np.dtype(BITS[case.dtype]).itemsize for s in self.shapes)

        def take() -> None:
            answers = program.ask(asked, self.count, 2 * longest + 64)
            self.now = self._read(answers)

        return take

    def _read(self, answers: list[str]) -> State:
        w: list[np.ndarray] = []
        m: list[np.ndarray] = []
        v: list[np.ndarray] = []
        t: list[int] = []
        for i, (answer, shape) in enumerate(zip(answers, self.shapes, strict=True)):
            if answer.startswith("refuse"):
                raise ValueError(answer.partition(" ")[2] or "refuse")
            count, *numbers = answer.split() or [""]
            if not count.isdecimal():
                raise ValueError(f"parameter {i}: {answer[:SHOWN]!r}, where a step count was due")
            size = int(np.prod(shape))
            if len(numbers) != 3 * size:
                raise ValueError(f"parameter {i}: {len(numbers)} numbers, not the {3 * size} of w, m and v")
            state = read(numbers, self.dtype).reshape(3, *shape)
            for to, x in zip((w, m, v), state, strict=True):
                to.append(x)
            t.append(int(count))
        return w, m, v, t

    def change(self, case: Case, groups: tuple[Group, ...]) -> None:
        of = {i: g.hyperparameters.lr for g in groups for i in g.parameters}
        rates = np.array([of[i] for i in range(self.count)])
        assert self.program is not None
        self.program.tell(f"lr {written(rates, 'float64')}\n")

    def reload(self, case: Case) -> None:
        assert self.program is not None
        self.program.tell("reload\n")

    def state(self) -> State:
        return self.now

    def path(self) -> dict[str, str]:
        return {"mode": self.mode, "device": self.device, "dtype": self.dtype}

    def kept(self, step: Step) -> bool:
        return True  # of what is in another process nothing can be told

    def discard(self) -> None:
        if self.program is not None:
            self.program.close()
            self.program = None


def written(x: np.ndarray, dtype: str) -> str:
    """Numbers in a line, of a type."""
    bits = np.ascontiguousarray(x.astype(dtype)).view(BITS[dtype])
    digits = 2 * bits.dtype.itemsize
    return " ".join(f"{int(b):0{digits}x}" for b in bits.ravel())


def read(words: list[str], dtype: str) -> np.ndarray:
    """The numbers of a type, as float64.

    Raises:
        ValueError: a word is none; the message says which.
    """
    digits = 2 * np.dtype(BITS[dtype]).itemsize
    for i, word in enumerate(words):
        if len(word) != digits or set(word) - set("0123456789abcdefABCDEF"):
            raise ValueError(f"{word[:SHOWN]!r} (number {i}) is no {dtype} in {digits} hexadecimal digits")
    bits = np.array([int(word, 16) for word in words], BITS[dtype])
    return bits.view(dtype).astype(np.float64)


def _first_line(script: str) -> str:
    """What the first line of a script says is to run it."""
    with open(script, "rb") as file:
        return file.readline(200).decode(errors="replace").strip().removeprefix("#!").strip()


def _is_of_windows(script: Path) -> bool:
    """Whether the system would take a carriage return for a part of the interpreter's name."""
    if not script.is_file():
        return False
    with script.open("rb") as file:
        first = file.readline(LONGEST)
    return first.startswith(b"#!") and first.endswith(b"\r\n")


def started(command: Sequence[str]) -> tuple[Program, tuple[str, ...], frozenset[str]]:
    """A program that has greeted, with the types and layouts that it takes.

    Raises:
        ValueError, Died: it is no program that speaks this protocol; the message is a line.
    """
    try:
        if _is_of_windows(Path(command[0])):
            raise ValueError(f"{command[0]} does not start: its lines end as on Windows, in a return")
        program = Program(command)
    except OSError as error:
        why = error.strerror
        if isinstance(error, FileNotFoundError) and Path(command[0]).exists():
            why = f"its first line names {_first_line(command[0])}, which is not there"
        raise ValueError(f"{command[0]} does not start: {why}") from None
    try:
        line = program.greet()
        word, version, *lists = [*line.split(), *4 * [""]][:4]
        dtypes, layouts = (words.split(",") for words in lists)
        if f"{word} {version}" != GREETING:
            raise ValueError(f"{program.name} greets with {line[:SHOWN]!r}, and not {GREETING!r} …")
        for what, given, known in (("type", dtypes, tuple(PRECISIONS)), ("layout", layouts, LAYOUTS)):
            if set(given) - set(known):
                raise ValueError(f"{program.name} takes no {what} of {', '.join(known)}: {line[:SHOWN]!r}")
            if len(set(given)) < len(given):
                raise ValueError(f"{program.name} names a {what} twice: {line[:SHOWN]!r}")
    except BaseException:
        with suppress(OSError):
            program.close()
        raise
    return program, tuple(dtypes), frozenset({*layouts, "none"})


def taken(command: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The types and layouts that a program takes. Raises as `started` does."""
    program, dtypes, layouts = started(command)
    program.close()
    return dtypes, layouts
