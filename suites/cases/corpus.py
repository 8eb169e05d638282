"""The cases of a profile: generated once for all runs of a user, since that takes longer than to judge them.

Kept in the user's cache folder (XDG Base Directory Specification), by all that they depend on. It may be
deleted at any time; where it can't be read or written, cases are generated as if there were none.
"""

import hashlib
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import numpy as np

from lazyadam.reference import rounding, scalars
from lazyadam.reports.tables import NotWritten, write_bytes
from lazyadam.suites.cases import case as case_module
from lazyadam.suites.cases import pickled, strategies, values
from lazyadam.suites.cases.case import Case
from lazyadam.suites.cases.pickled import CASES
from lazyadam.suites.cases.strategies import Menu, generated

Made = TypeVar("Made")
MOST = 30  # as many as profile ci has: there are too many of the others' to keep
LIMIT = 2**29  # bytes in all
LARGEST = 2**26  # bytes of a file: nine times the largest of profile ci
SOURCES = (strategies, values, case_module, rounding, scalars, pickled)


def collect(menu: Menu, dtype: str, count: int, seed: int) -> list[Case]:
    """`count` cases, in a list of the caller's own: the same for the same seed."""
    return list(_collected(menu, dtype, count, seed))


@lru_cache(maxsize=1024)  # backends that take the same are given the same, clause by clause
def _collected(menu: Menu, dtype: str, count: int, seed: int) -> tuple[Case, ...]:
    if count > MOST:
        return generated(menu, dtype, count, seed)
    manner = sorted(x.name for x in menu.manner)  # the order within a set is another in each process
    drawn = {name: value for name, value in vars(menu).items() if name != "manner"}
    made_from = (_generator(), drawn, manner, dtype, count, seed)
    return kept(made_from, lambda: generated(menu, dtype, count, seed), _are_cases)


def forget() -> None:
    """Let go of all cases that are held in memory."""
    _collected.cache_clear()


def kept(made_from: object, make: Callable[[], Made], sound: Callable[[Any], bool]) -> Made:
    """What is made, once for all runs. made_from: what it depends on. sound: whether it is of its kind."""
    key = hashlib.sha256(repr(made_from).encode()).hexdigest()[:32]
    path = folder() / f"{key}.cases"
    found: Made | None = _read(path, key)
    if found is None or not sound(found):
        found = make()
        _keep(found, path, key)
    return found


def _are_cases(found: Any) -> bool:
    return isinstance(found, tuple) and bool(found) and all(isinstance(case, Case) for case in found)


def folder() -> Path:
    """Where they are kept: nowhere, where that is a relative path, which the specification ignores."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache if os.path.isabs(cache) else os.devnull) / "lazyadam"


@lru_cache(maxsize=1)
def _generator() -> str:
    """What the same draw depends on beside the menu: our own sources, Hypothesis, NumPy."""
    sources = b"".join(Path(module.__file__ or "").read_bytes() for module in SOURCES)
    return f"{hypothesis.__version__} {np.__version__} {hashlib.sha256(sources).hexdigest()}"


def _read(path: Path, key: str) -> Any:
    """What is in a file; None where it isn't there, or isn't whole, or is another's."""
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            return None
        digest, content = path.read_bytes().split(b"\n", 1)
        if digest != _digest(key, content):
            return None
        found = pickled.loads(zlib.decompress(content), CASES)
        os.utime(path)  # what is used stays longest
    except (OSError, ValueError, zlib.error, pickled.Unreadable):
        return None
    return found


def _keep(made: object, path: Path, key: str) -> None:
    content = zlib.compress(pickled.dumps(made), 1)
    with suppress(NotWritten, OSError):
        write_bytes(_digest(key, content) + b"\n" + content, path)
        _make_room(path.parent)


def _digest(key: str, content: bytes) -> bytes:
    """Of what is kept and of what for: a file by another's name is none."""
    return hashlib.sha256(key.encode() + content).hexdigest().encode()


@lru_cache(maxsize=1)  # once in a process
def _make_room(folder: Path) -> None:
    """Delete what was not used for longest, down to half of the limit, where it is passed."""
    files = []
    for file in folder.glob("*.cases"):
        with suppress(OSError):
            about = file.lstat()
            files.append((about.st_mtime, about.st_size, file))
    total = sum(size for _, size, _ in files)
    for _, size, file in sorted(files) if total > LIMIT else ():
        with suppress(OSError):
            file.unlink()
            total -= size
        if total <= LIMIT // 2:
            return
