"""The suite's side of declarations: read in a process of its own, from which they come as data.

The file of somebody's own runs there and in its worker, and nowhere else: whatever it patches, sets or starts
stays there.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import execnet

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own.class_file import DECLARED
from lazyadam.suites.backends.own.declaration import ENTRY_POINTS, BrokenDeclaration
from lazyadam.suites.backends.own.program import Died
from lazyadam.suites.backends.workers import guard
from lazyadam.suites.backends.workers.answers import ANSWERS
from lazyadam.suites.backends.workers.log import Log
from lazyadam.suites.backends.workers.patience import output
from lazyadam.suites.backends.workers.start import ROOT
from lazyadam.suites.cases.pickled import Unreadable, loads

LOAD_SECONDS = 60.0
Attributes = dict[str, Any]
# Of the suite alone: what lies beside it is not of every interpreter.
LOADER = """
import sys, types
root = sys.argv.pop(1)
sys.modules["lazyadam"] = package = types.ModuleType("lazyadam")
package.__path__ = [root]
from lazyadam.suites.backends.own.declaration import main
main()
"""


@lru_cache
def read(path: Path, python: str = "") -> tuple[type[Backend], ...]:
    """The backends that a file declares. python: the interpreter that reads it, where that is not this one.

    Raises:
        BrokenDeclaration: it can't be loaded, holds up or ends the process that loads it, or declares no
            proper backend: one line that says where.
    """
    try:
        str(path.resolve()).encode()
    except UnicodeEncodeError:
        told = "this locale can't tell its name to another process; LC_ALL=C.UTF-8 can"
        raise BrokenDeclaration(f"{str(path.resolve())!a}: {told}") from None
    try:
        return _classes(_asked(str(path.resolve()), python), path)
    except BrokenDeclaration as error:
        if path.parent.name != DECLARED:
            raise
        # The file is ours: what is told is of the program, library or class that it declares.
        inside = re.escape(str(path.resolve()))
        told = re.sub(rf"^{inside}:\d+: ValueError: ", "", str(error))
        raise BrokenDeclaration(re.sub(rf"^{inside}(:\d+)?: ", f"{path.stem}: ", told)) from None


def installed() -> tuple[type[Backend], ...]:
    """The backends of installed packages. Raises as `read` does."""
    points = entry_points(group=ENTRY_POINTS)
    return _of_packages(tuple(points)) if points else ()


@lru_cache
def _of_packages(points: tuple[EntryPoint, ...]) -> tuple[type[Backend], ...]:
    return _classes(_asked(""), Path())


def _classes(declarations: Iterable[tuple[str, Attributes]], path: Path) -> tuple[type[Backend], ...]:
    declared: tuple[type[Backend], ...] = tuple(
        type(name, (Backend,), attributes) for name, attributes in declarations
    )
    for backend in declared:
        try:
            execnet.XSpec(backend.spec)
        except (AttributeError, ValueError) as error:
            told = f"{backend.__name__}: spec is {backend.spec!r}, which execnet does not understand: {error}"
            raise BrokenDeclaration(f"{path.resolve()}: {told}") from None
    return declared


def _asked(file: str, python: str = "") -> list[tuple[str, Attributes]]:
    """What a process says that loads a file, or the installed packages."""
    where, log, mark = file or "installed backends", Log(), guard.new_mark()
    command = [*(shlex.split(python) or [sys.executable]), "-c", LOADER, str(ROOT), file]
    with open(log.path, "wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {guard.MARK: mark, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    try:
        answer, _ = output(process, LOAD_SECONDS)
    except TimeoutError as error:
        line = log.where(process.pid, file)
        raise BrokenDeclaration(f"{where}: hangs when loaded: {error}{line}") from None
    finally:
        guard.end(mark)
        process.wait()
        log.close()
    if process.returncode < 0:
        how = guard.ended(process.returncode)
        raise BrokenDeclaration(f"{where}: dies when loaded, {how}; its last words: {log.last_words(file)}")
    if not answer:
        how = f"ends the process that loads it, with {process.returncode}"
        raise BrokenDeclaration(f"{where}: {how}; its last words: {log.last_words(file)}")
    try:
        kind, told = loads(answer, ANSWERS)
    except (Unreadable, TypeError, ValueError) as error:
        raise BrokenDeclaration(f"{where}: what it declares can't be read: {error}") from None
    if kind == "broken":
        words = f"; it says: {log.last_words(file)}" if f" {Died.__name__}: " in told else ""
        raise BrokenDeclaration(f"{told}{words}")
    declarations: list[tuple[str, Attributes]] = told
    return declarations
