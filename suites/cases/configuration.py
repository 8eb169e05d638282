"""Configurations: the size of a table and of a gradient, the case it makes, and the bytes it takes."""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from lazyadam.reference.scalars import Hyperparameters
from lazyadam.suites.cases.case import Case, Gradient, Group, Parameter, Step

INSTANCES = 3  # of each arm, where there is room: where a table lies in memory matters
DUPLICATES = ("none", "zipf", "hot", "dense")
STEPS_BEFORE = 1000  # every row was touched before, and bias correction is over
ROTATED, ROTATED_NUMBERS = 8, 2**22


@dataclass(frozen=True)
class Configuration:
    """A table and the gradients of its steps.

    touched_rows: of a gradient, repeats counted. duplicates: 'none'; 'zipf' (rows drawn by Zipf's law);
    'hot' (every second one is the same row); 'dense' (a dense gradient: all rows).
    """

    table_rows: int
    width: int
    touched_rows: int
    duplicates: str = "none"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.duplicates not in DUPLICATES:
            raise ValueError(f"unknown duplicates {self.duplicates!r}; known: {', '.join(DUPLICATES)}")
        if min(self.table_rows, self.width, self.touched_rows) < 1:
            raise ValueError(f"{self}: sizes start at 1")
        if self.duplicates == "none" and self.touched_rows > self.table_rows:
            raise ValueError(f"{self}: more distinct rows than the table has")
        if self.duplicates == "dense" and self.touched_rows != self.table_rows:
            raise ValueError(f"{self}: a dense gradient touches every row")

    def __str__(self) -> str:
        return f"{self.table_rows} × {self.width}, {self.touched_rows} rows, {self.duplicates}"

    @property
    def layout(self) -> str:
        return "dense" if self.duplicates == "dense" else "sparse"

    @property
    def itemsize(self) -> int:
        return np.dtype(self.dtype).itemsize

    @property
    def gradients(self) -> int:
        """How many gradients take turns: enough that the rows of one have left the caches when it returns."""
        return max(1, min(ROTATED, ROTATED_NUMBERS // (self.touched_rows * self.width)))

    def _generator(self, number: int) -> np.random.Generator:
        return np.random.default_rng([number, self.table_rows, self.width, self.touched_rows])

    def rows(self, number: int) -> np.ndarray | None:
        """The rows of a gradient, in the order of their occurrences; None where it is dense."""
        rng, n, k = self._generator(number), self.table_rows, self.touched_rows
        if self.layout == "dense":
            return None
        if self.duplicates == "zipf":
            rank = np.minimum(n ** rng.random(k), n - 1).astype(np.int64)  # density 1 / rank
            return (rank * 7_368_787 + rng.integers(n)) % n  # a prime: neighbours in rank are none in memory
        if self.duplicates == "hot":
            rows = rng.integers(n, size=k)
            rows[::2] = rows[0]
            return rows
        return rng.permutation(n)[:k] if 4 * k > n else _distinct(rng, n, k)

    def tables(self) -> np.ndarray:
        """w, m and v of a state in mid-training: (3, rows, width)."""
        # Multiples of 2⁻²⁴: numbers of float32, and kept as such; of a large table float64 would be too much.
        tables = self._generator(self.gradients).random((3, self.table_rows, self.width), np.float32)
        tables[:2] -= 0.5
        np.maximum(tables[2], 2.0**-10, out=tables[2])
        return tables

    def case(self, file: str = "") -> Case:
        """The steps of every gradient in turn, from these tables. file: where they are, as np.save writes."""
        w, m, v = np.load(file, mmap_mode="r") if file else self.tables()
        rng, steps = self._generator(self.gradients + 1), []
        for i in range(self.gradients):
            values = rng.random((self.touched_rows, self.width), np.float32) - np.float32(0.5)
            steps.append(Step((Gradient(values, self.rows(i)),)))
        group = Group((0,), Hyperparameters())
        return Case(self.dtype, (Parameter(w, m, v),), (group,), tuple(steps), (), STEPS_BEFORE)

    @cached_property
    def distinct_rows(self) -> int:
        """Rows that a step updates, on average."""
        drawn = [self.rows(i) for i in range(self.gradients)]
        return round(float(np.mean([self.table_rows if r is None else len(np.unique(r)) for r in drawn])))

    @property
    def step_bytes(self) -> int:
        """What a step has to move: w, m and v read and written, the gradient and its rows read."""
        state = 6 * self.distinct_rows * self.width * self.itemsize
        gradient = self.touched_rows * self.width * self.itemsize
        return state + gradient + (8 * self.touched_rows if self.layout == "sparse" else 0)

    @property
    def gradient_bytes(self) -> int:
        """Of the gradients that are ready, with their rows."""
        return self.gradients * self.touched_rows * (self.width * self.itemsize + 8)

    @property
    def instance_bytes(self) -> int:
        """Of one instance at least, its tables and the gradients; of the case, in float32, at most."""
        return 3 * self.table_rows * self.width * self.itemsize + self.gradient_bytes

    @property
    def state_bytes(self) -> int:
        """Of a state in float64, while the first steps are judged."""
        return (3 * 8 + self.itemsize) * self.table_rows * self.width

    def part(self, divisor: int) -> "Configuration":
        """One whose tables and gradients have so many times fewer rows."""
        rows, touched = (max(1, x // divisor) for x in (self.table_rows, self.touched_rows))
        return replace(self, table_rows=rows, touched_rows=touched)


def _distinct(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """k of n rows, in random order, at a cost that does not grow with n."""
    rows = np.unique(rng.integers(n, size=k + k // 2 + 16))
    return rng.permutation(rows)[:k]


def refusal(configuration: Configuration, host: int, device: int | None = None, instances: int = 1) -> str:
    """Why a configuration can't fit into the bytes that are free; '' where it can.

    device: free bytes of the device, where tables live there and not on the host: all instances. What the
    host has room for is planned before (suites/performance/room.py); here it is one instance.
    """
    needed = configuration.instance_bytes + configuration.state_bytes
    needed += configuration.instance_bytes if device is None else 0
    if needed > host:
        return f"needs {needed / 1e9:.3g} GB of memory, {host / 1e9:.3g} GB are free"
    needed = instances * configuration.instance_bytes
    if device is not None and needed > device:
        return f"needs {needed / 1e9:.3g} GB of the device's memory, {device / 1e9:.3g} GB are free"
    return ""


STANDARD = (Configuration(100_000, 16, 1000), Configuration(100_000, 16, 100_000, "dense"))


def _lines(
    touched: tuple[int, ...], tables: tuple[int, ...], widths: tuple[int, ...], many: int, largest: int
) -> list[Configuration]:
    """From the standard configurations out along each axis. largest: of dense tables, in numbers."""
    sparse, _ = STANDARD
    n, d, k = sparse.table_rows, sparse.width, sparse.touched_rows
    dense = [Configuration(x, d, x, "dense") for x in tables]
    dense += [Configuration(10_000, x, 10_000, "dense") for x in widths]
    chosen = [
        *(Configuration(n, d, x) for x in touched),
        *(Configuration(x, d, min(k, x)) for x in tables),
        *(Configuration(10_000, x, k) for x in widths),
        *(Configuration(n, d, many, x) for x in ("none", "zipf", "hot")),
        *(c for c in dense if c.table_rows * c.width <= largest),
    ]
    return list(dict.fromkeys(chosen))


QUICK = list(STANDARD)
USUAL = _lines(
    touched=(1, 10, 100, 1000, 10_000),
    tables=(1000, 10_000, 100_000, 1_000_000),
    widths=(1, 16, 128, 512),
    many=10_000,
    largest=2_000_000,
)
# On a card whose L2 has 50 MB: what the gradients of eight steps touch is more than that.
LARGE = [
    *STANDARD,
    Configuration(1_000_000, 64, 8192),
    Configuration(1_000_000, 64, 8192, "zipf"),
    Configuration(1_000_000, 64, 1_000_000, "dense"),
    Configuration(10_000_000, 16, 100_000),
]
FULL = [
    *_lines(
        touched=(1, 10, 100, 1000, 10_000, 100_000),
        tables=(1000, 10_000, 100_000, 1_000_000, 10_000_000),
        widths=(1, 4, 16, 64, 128, 512),
        many=100_000,
        largest=20_000_000,
    ),
    Configuration(10_000_000, 16, 1_000_000),
    Configuration(100_000_000, 4, 1_000_000),
]


def grid(
    table_rows: list[int], widths: list[int], touched: list[int], duplicates: list[str]
) -> list[Configuration]:
    """Every combination that makes sense."""
    chosen = [
        Configuration(n, d, n if kind == "dense" else k, kind)
        for n, d, k, kind in product(table_rows, widths, touched, duplicates)
        if kind != "none" or k <= n
    ]
    return list(dict.fromkeys(chosen))


def chosen(
    table_rows: list[int] | None,
    widths: list[int] | None,
    touched: list[int] | None,
    duplicates: list[str] | None,
    quick: bool = False,
    full: bool = False,
    device: str = "cpu",
) -> list[Configuration]:
    """The usual ones, some or all; or every combination of the sizes given, with usual ones for the others.

    Raises:
        ValueError: none of these makes sense, or fits; the message is one line.
    """
    if not any((table_rows, widths, touched, duplicates)):
        return FULL if full else QUICK if quick else USUAL if device == "cpu" else LARGE
    usual, _ = STANDARD
    found = grid(
        table_rows or [usual.table_rows],
        widths or [usual.width],
        touched or [usual.touched_rows],
        duplicates or [usual.duplicates],
    )
    if not found:
        raise ValueError("no table has so many rows as a gradient is to touch")
    try:
        for configuration in found:
            _ = configuration.step_bytes
    except MemoryError as error:
        raise ValueError(f"{error}") from None
    return found
