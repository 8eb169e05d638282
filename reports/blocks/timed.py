"""Blocks of speed."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from lazyadam.reports.blocks.markdown import PEERS, RUN, table
from lazyadam.reports.tables import read, records
from lazyadam.reports.words import percent

SIZES = {
    "1,000 × 16, 1,000": (1_000, 16, 1_000, "none"),
    "100,000 × 16, 1,000": (100_000, 16, 1_000, "none"),
    "1,000,000 × 16, 1,000": (1_000_000, 16, 1_000, "none"),
    "100,000 × 16, 10,000": (100_000, 16, 10_000, "none"),
    "the same, by Zipf's law": (100_000, 16, 10_000, "zipf"),
    "10,000 × 512, 1,000": (10_000, 512, 1_000, "none"),
}
DENSE_TABLE = (100_000, 16, 100_000, "dense")
TIMED = {
    "torch SparseAdam": "torch.SparseAdam",
    "LazyAdam, target CPU": "mindspore.LazyAdam.target_cpu.graph",
    "LazyAdam, default target": "mindspore.LazyAdam.default.graph",
    "nn.Adam, target CPU": "mindspore.Adam.target_cpu.graph",
    "by hand, C": "by_hand.c",
}
DENSE = {
    "torch Adam, fused": "torch.Adam.fused",
    "torch Adam, foreach": "torch.Adam.foreach",
    "torch Adam, loop": "torch.Adam.loop",
    "LazyAdam, target CPU": "mindspore.LazyAdam.target_cpu.graph",
    "nn.Adam, target CPU": "mindspore.Adam.target_cpu.graph",
    "by hand, C": "by_hand.c",
}


def performance() -> Iterator[str]:
    """µs a step, and how many times what the memory allows."""
    seen = read("performance", RUN)
    yield from table(
        ("table, rows of the gradient", *TIMED),
        ((size, *(_step(seen, backend, of) for backend in TIMED.values())) for size, of in SIZES.items()),
    )
    yield ""
    told = (f"{title} {_step(seen, backend, DENSE_TABLE)}" for title, backend in DENSE.items())
    yield f"Dense, 100,000 × 16: {'; '.join(told)}."
    row = next(
        row for row in records(read("performance_break_even", RUN)) if row["lazy"] == "torch.SparseAdam"
    )
    yield (
        f"From {row['touched_rows']:,.0f} touched rows of {row['table_rows']:,} on, the dense step of "
        f"`{row['dense']}` is faster than SparseAdam's."
    )


def peers_timed() -> Iterator[str]:
    """µs a step of each framework, sparse and dense, and how many times what the memory allows."""
    seen = read("performance", PEERS)
    judged = seen[~seen["backend"].str.startswith(("floor.", "by_hand."))]
    names = [*sorted(judged["backend"].unique()), "by_hand.c"]
    sizes = SIZES["100,000 × 16, 1,000"], DENSE_TABLE
    yield from table(
        ("backend", "100,000 × 16, 1,000 rows", "100,000 × 16, dense"),
        ((name, *(_step(seen, name, size) for size in sizes)) for name in names),
    )


def _step(seen: pd.DataFrame, backend: str, size: tuple[Any, ...]) -> str:
    """Of a backend in float32 on one thread, for a size; struck through where it diverges."""
    part = seen[(seen["threads"] == 1) & (seen["dtype"] == "float32") & (seen["backend"] == backend)]
    for key, value in zip(("table_rows", "width", "touched_rows", "duplicates"), size, strict=True):
        part = part[part[key] == value]
    if part.empty or pd.isna(part.iloc[0]["seconds_median"]):
        return "–"
    row = part.iloc[0]
    told = f"{row['seconds_median'] * 1e6:,.0f}"
    return f"~~{told}~~" if row["worst_ratio"] > 1 else f"{told} ({_times(row['floor_multiple'])})"


def _times(multiple: float) -> str:
    return f"{multiple:,.0f}" if multiple >= 100 else f"{multiple:.1f}"


def performance_trials() -> Iterator[str]:
    """What the gate sees of a slowdown that is seeded, and of none."""
    rows = records(read("performance_trials", RUN))
    yield from table(
        ("backend", "configuration", "seeded slowdown", "called slower"),
        (
            (
                row["backend"],
                row["configuration"],
                percent(row["slowdown"]),
                f"{row['slower']} of {row['trials']}",
            )
            for row in rows
        ),
    )


BLOCKS = (performance, peers_timed, performance_trials)
