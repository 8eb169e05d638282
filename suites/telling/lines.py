"""Lines of 80 columns."""

import os
from pathlib import Path
from textwrap import wrap

WIDTH = 80


def folded(text: str, first: str = "", other: str | None = None, most: int | None = None) -> list[str]:
    """A text in lines. first, other: what stands before it in the first line, and in the others.

    A path or a command is never broken, and so may make a line longer.
    """
    rest = " " * len(first) if other is None else other
    lines = wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        max_lines=most,
        placeholder=" …",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines or [first.rstrip()]


def columns(rows: list[tuple[str, ...]], indent: str = "") -> list[str]:
    """Rows of cells, each column as wide as its widest; the last is cut where the line ends."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)] if rows else []
    lines = []
    for row in rows:
        start = indent + "".join(f"{cell:{width}}  " for cell, width in zip(row, widths, strict=False))
        lines.append(f"{start}{cut(row[-1], WIDTH - len(start))}".rstrip())
    return lines


def cut(text: str, most: int) -> str:
    """The text, or as much of it as there is room for."""
    return text if len(text) <= max(most, 1) else f"{text[: max(most, 1) - 1].rstrip()}…"


def shown(path: Path) -> str:
    """A path as one would type it here."""
    near = os.path.relpath(path)
    return str(path) if near.startswith(os.pardir) else near
