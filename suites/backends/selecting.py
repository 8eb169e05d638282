"""Backends by what was typed: of the suite, of installed packages, and of files."""

from collections.abc import Iterable
from pathlib import Path

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.own import reader
from lazyadam.suites.backends.own.declaration import BrokenDeclaration
from lazyadam.suites.backends.registry import BACKENDS, BESIDE, NAMED
from lazyadam.suites.backends.typed import begun, near


class UnknownBackend(Exception):
    """No backend has this name; the message is one line."""


def select(names: list[str], files: Iterable[Path] = (), python: str = "") -> list[type[Backend]]:
    """The backends of these names or leading parts of names, in any case.

    Where there are none: those that the files declare, or all where there are no files either. python: the
    interpreter in which they run, where that is not this one.

    Raises:
        UnknownBackend: no backend has one of the names, or they name none of a file that is given.
        BrokenDeclaration: a file or a package declares no proper backend.
    """
    own = [backend for file in dict.fromkeys(files) for backend in reader.read(file, python)]
    known = BACKENDS | NAMED
    for backend in (*(() if python else reader.installed()), *own):
        if known.setdefault(backend.name, backend) is not backend or backend.name in BESIDE:
            where = backend.file or backend.__module__
            raise BrokenDeclaration(f"{where}: {backend.__name__}: there is another backend {backend.name}")
    usual = [name for name in known if name not in NAMED]
    chosen: list[type[Backend]] = []
    for name in names:
        found = begun(name, usual) or begun(name, known)
        if not found:
            raise UnknownBackend(f"unknown backend {name!r}{near(name, known)}")
        chosen += [known[n] for n in found if known[n] not in chosen]
    for file in dict.fromkeys(b.file for b in own) if names else ():
        if not any(b.file == file for b in chosen):
            declares = ", ".join(b.name for b in own if b.file == file)
            raise UnknownBackend(f"{file} is given, but {declares}, which it declares, is not named")
    these = chosen if names else own or [known[name] for name in usual]
    return [backend.run_by(python) for backend in these] if python else these


def named(text: str) -> list[str]:
    """The names that a text may stand for, of the suite's backends and of packages'."""
    usual = [*BACKENDS, *(backend.name for backend in reader.installed())]
    return begun(text, usual) or begun(text, NAMED)
