"""Every backend, by name: the suite's own, those of installed packages, and those of files."""

from collections.abc import Iterable
from pathlib import Path

from lazyadam.suites.backends import by_hand, declaration, floor, mindspore_nn, reader, torch_optim
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.declaration import BrokenDeclaration
from lazyadam.suites.names import begun, near

BACKENDS: dict[str, type[Backend]] = {
    backend.name: backend for backend in (*torch_optim.BACKENDS, *mindspore_nn.BACKENDS)
}
# What is measured beside them, and not under test.
BESIDE: dict[str, type[Backend]] = {backend.name: backend for backend in (*by_hand.BACKENDS, *floor.BACKENDS)}


class UnknownBackend(Exception):
    """No backend has this name; the message is one line."""


def select(names: list[str], files: Iterable[Path] = ()) -> list[type[Backend]]:
    """The backends of these names or leading parts of names, in any case.

    Where there are none: those that the files declare, or all where there are no files either.

    Raises:
        UnknownBackend: no backend has one of the names, or they name none of a file that is given.
        BrokenDeclaration: a file or a package declares no proper backend.
    """
    own = [backend for file in dict.fromkeys(files) for backend in reader.read(file)]
    known = dict(BACKENDS)
    for backend in (*reader.installed(), *own):
        if known.setdefault(backend.name, backend) is not backend or backend.name in BESIDE:
            where = backend.file or backend.__module__
            raise BrokenDeclaration(f"{where}: {backend.__name__}: there is another backend {backend.name}")
    chosen: list[type[Backend]] = []
    for name in names:
        found = begun(name, known)
        if not found:
            raise UnknownBackend(f"unknown backend {name!r}{near(name, known)}")
        chosen += [known[n] for n in found if known[n] not in chosen]
    for file in dict.fromkeys(b.file for b in own) if names else ():
        if not any(b.file == file for b in chosen):
            declares = ", ".join(b.name for b in own if b.file == file)
            raise UnknownBackend(f"{file} is given, but {declares}, which it declares, is not named")
    return chosen if names else own or list(known.values())


def named(text: str) -> list[str]:
    """The names that a text may stand for, of the suite's backends and of packages'."""
    return begun(text, [*BACKENDS, *(backend.name for backend in reader.installed())])


def find(name: str, file: str = "") -> type[Backend]:
    """The backend of a name, to be run here: that of a file, of a package, or the suite's own."""
    if file:
        return next(backend for backend in declaration.declared(Path(file)) if backend.name == name)
    known = BACKENDS | BESIDE
    return known[name] if name in known else next(b for b in declaration.installed() if b.name == name)
