"""What recording costs: python -m lazyadam.suites.backends.torch.recording_cost

Training steps of one table (lookup, backward, SparseAdam), with a recorder in several ways and without one,
twice; rounds of 20 steps each, interleaved, in random order. Ratios to the first without.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from lazyadam.suites.backends.torch.recorder import Recorder

SIZES = ((10_000, 16, 1000), (100_000, 64, 8192), (1_000_000, 64, 8192))
WAYS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "none again": None,
    "every step": {},
    "every 20th step": {"every": 20},
    "256 rows of every step": {"rows": 256},
    "256 rows of every 5th step": {"rows": 256, "every": 5},
}
ROUNDS, STEPS = 15, 20


def training(
    rows: int, width: int, ids: int, options: dict[str, Any] | None, folder: Path
) -> Callable[[], None]:
    """A step of a training."""
    rng = np.random.default_rng(0)
    table = torch.nn.Embedding(rows, width, sparse=True)
    optimizer = torch.optim.SparseAdam(table.parameters())
    batches = [torch.from_numpy((rows ** rng.random(ids)).astype(np.int64) - 1) for _ in range(STEPS)]
    number = 0
    if options is not None:
        Recorder(optimizer, folder, **options)

    def step() -> None:
        nonlocal number
        optimizer.zero_grad()
        (table(batches[number % STEPS]) ** 2).sum().backward()
        optimizer.step()
        number += 1

    return step


def measured(rows: int, width: int, ids: int) -> list[tuple[str, float, float]]:
    """Of each way: its time as a ratio (the median of the paired ones), and MB a step on disk."""
    rng, seconds = np.random.default_rng(0), {name: list[float]() for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        parts = {name: Path(folder) / str(i) for i, name in enumerate(WAYS)}
        steps = {name: training(rows, width, ids, WAYS[name], parts[name]) for name in WAYS}
        size = dict.fromkeys(WAYS, 0)
        for number in range(ROUNDS + 1):
            for i in rng.permutation(len(WAYS)):
                name = [*WAYS][i]
                start = time.perf_counter()
                for _ in range(STEPS):
                    steps[name]()
                if number:  # the first is to warm up
                    seconds[name].append(time.perf_counter() - start)
                files = [*parts[name].glob("steps/*")]
                size[name] += sum(path.stat().st_size for path in files)
                for path in files:
                    path.unlink()
    base = np.array(seconds["none"])
    return [
        (name, float(np.median(np.array(x) / base)), size[name] / 1e6 / STEPS / (ROUNDS + 1))
        for name, x in seconds.items()
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    for size in SIZES:
        grid = Table(
            "recorded", "time of a training step", "MB a step", title="{:,} × {}, {:,} ids".format(*size)
        )
        for name, ratio, megabytes in measured(*size):
            grid.add_row(name, f"{ratio:.3f}", f"{megabytes:.3f}")
        Console().print(grid)
