"""What several commands take, and how it is read: what is typed wrongly is a line that says what is near."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from suites.names import begun, near

if TYPE_CHECKING:
    from suites.backends.base import Backend

Chosen = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="BACKEND", help="names, leading parts of names, and files of your own", show_default="all"
    ),
]


def chosen(typed: list[str] | None) -> "list[type[Backend]]":
    """The backends that are meant by names and files; all where nothing is typed.

    Of a file those that are named, or else all.
    """
    from suites.backends.declaration import BrokenDeclaration
    from suites.backends.registry import UnknownBackend, select

    names = [word for word in typed or () if not word.endswith(".py")]
    files = [Path(word) for word in typed or () if word.endswith(".py")]
    try:
        for file in files:
            if not file.exists():
                raise typer.TyperException(f"no file {file}{near_path(file)}")
            declared = [backend.name for backend in select([], [file])]
            if not any(begun(name, declared) for name in names):
                names += declared
        return select(names, files)
    except (UnknownBackend, BrokenDeclaration) as error:
        raise typer.TyperException(str(error)) from None


def one_of(typed: str, known: Iterable[str], option: str) -> str:
    """A value of an option that takes only some."""
    if typed.lower() not in known:
        raise typer.BadParameter(f"{typed!r}{near(typed, known)}", param_hint=option)
    return typed.lower()


def number(typed: str) -> int:
    """A number of rows, threads and the like: also 1e6."""
    try:
        value = float(typed)
    except ValueError:
        value = 0.0
    if not value.is_integer() or value < 1:
        raise typer.BadParameter(f"{typed} is no whole number from 1 on")
    return int(value)


def near_path(path: Path) -> str:
    """What goes behind a path where nothing is: what lies beside it under nearly its name; '' for nothing."""
    beside = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    close = get_close_matches(path.name, beside, n=1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""


def folder(typed: Path) -> Path:
    """A folder that is there."""
    if not typed.is_dir():
        written = "; lazyadam check and lazyadam report write one"
        raise typer.BadParameter(f"no folder {typed}{near_path(typed) or written}")
    return typed


def folders(typed: list[Path]) -> list[Path]:
    """Folders that are there."""
    return [folder(path) for path in typed]


def apart(context: typer.Context, *groups: tuple[str, ...]) -> None:
    """Refuse options of more than one of some groups of parameters."""
    given = {
        parameter.name: parameter.opts[0] if parameter.param_type_name == "option" else str(parameter.metavar)
        for parameter in context.command.params
        if (source := context.get_parameter_source(str(parameter.name))) and source.name == "COMMANDLINE"
    }
    used = [[given[name] for name in group if name in given] for group in groups]
    first = [names[0] for names in used if names]
    if len(first) > 1:
        raise typer.TyperException(f"{first[1]} does not go with {first[0]}")
