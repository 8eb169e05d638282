"""Names as they are typed: leading parts of them, in any case; and what is near to one that nothing has."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class Unclear(Exception):
    """A name that nothing has, or several; the message is one line."""


def meant(typed: str, known: Iterable[str]) -> list[str]:
    """All that a name may mean: those of which it is the first parts, else the first letters; any case."""
    known, low = list(known), typed.lower()
    if not typed:
        return []
    return (
        [name for name in known if f"{name}.".startswith(f"{typed}.")]
        or [name for name in known if f"{name}.".lower().startswith(f"{low}.")]
        or [name for name in known if name.lower().startswith(low)]
    )


def the_one(typed: str, known: Iterable[str]) -> str:
    """The one that a name means.

    Raises:
        Unclear: there is none, or more than one.
    """
    known = list(known)
    found = [typed] if typed in known else meant(typed, known)
    if not found:
        raise Unclear(f"unknown backend {typed!r}{near(typed, known)}")
    if len(found) > 1:
        raise Unclear(f"{typed!r} may be {', '.join(found)}")
    return found[0]


def near(typed: str, known: Iterable[str]) -> str:
    """What goes behind a name that nothing has: the known one, or its first parts, that is nearest."""
    known = list(known)
    parts = {
        part.lower(): part
        for name in known
        for end in range(1, name.count(".") + 2)
        for part in [".".join(name.split(".")[:end])]
    }
    close = get_close_matches(typed.lower(), parts, n=1)
    return f", did you mean {parts[close[0]]}?" if close else f"; known: {', '.join(known)}"


def near_path(path: Path) -> str:
    """What goes behind a path where nothing is: what lies beside it under nearly its name; '' for nothing."""
    parent = path.parent
    beside = [file.name for file in parent.iterdir()] if parent.is_dir() else []
    close = get_close_matches(path.name, beside, n=1)
    return f", did you mean {parent / close[0]}?" if close else ""
