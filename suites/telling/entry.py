"""A word that can be explained, and the lines that explain it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lazyadam.suites.telling.lines import folded

INDENT = 13


@dataclass(frozen=True)
class Entry:
    """A word of some kind. also: other ways to write it. more: what else there is to say, in lines."""

    kind: str
    name: str
    meaning: str
    also: tuple[str, ...] = ()
    more: Callable[[], Iterator[str]] = lambda: iter(())

    def lines(self) -> list[str]:
        return [f"{self.kind} {self.name}", *folded(self.meaning, "  "), *self.more()]


def labelled(name: str, text: str, most: int | None = None) -> Iterator[str]:
    """A line of an entry that has a name, and those that it is folded into."""
    if text:
        yield from folded(text, f"  {name:{INDENT - 3}} ", " " * INDENT, most)
