"""The recorded run that blocks speak of, and tables in Markdown."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PUBLISHED = Path(__file__).resolve().parents[1] / "published"
RUN = PUBLISHED / "cpu"
PEERS = PUBLISHED / "peers"  # of frameworks in environments of their own
HOSTS = ("numpy", "torch")


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """A table in Markdown."""
    cells = list(head)
    yield f"| {' | '.join(cells)} |"
    yield "|---" * len(cells) + "|"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def common(values: Iterable[str]) -> str:
    """What all say; where they differ, each."""
    return " / ".join(dict.fromkeys(values))
