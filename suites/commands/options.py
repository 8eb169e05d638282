"""What several commands take, and how it is read: what is typed wrongly is a line that says what is near."""

import math
from argparse import ArgumentTypeError
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lazyadam.suites.backends.typed import begun, near

if TYPE_CHECKING:
    from lazyadam.suites.backends.base import Backend

Targets = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[TARGET…]",
        help="backends, or the beginning of names; Python files; or package.module.Class",
        show_default="all",
    ),
]
MOST = 1e15  # more is in no memory
MOST_AT_ONCE = 1024


def chosen(
    targets: list[str] | None, out: Path, here_first: bool = True, python: str = ""
) -> "list[type[Backend]]":
    """The backends that targets are; all where there are none. Of a file those that are named, or else all.

    out: where files for classes go. here_first: see `resolve`. python: the interpreter that has them, where
    that is not this one.
    """
    from lazyadam.suites.backends.own.declaration import BrokenDeclaration
    from lazyadam.suites.backends.selecting import UnknownBackend, select
    from lazyadam.suites.commands.judging import resolve

    own = [Path(target) for target in targets or () if target.endswith(".py")]
    if missing := [file for file in own if not file.exists()]:
        raise typer.TyperException(f"no file {missing[0]}{near_path(missing[0])}")
    try:
        declared = [backend.name for file in own for backend in select([], [file], python)]
        names = {target: begun(target, declared) for target in targets or ()}
        known, files = resolve(
            [target for target in targets or () if not names[target]], out, here_first, python
        )
        named = [name for found in names.values() for name in found]
        for file in files:
            of_it = [backend.name for backend in select([], [file], python)]
            named += [] if {*of_it} & {*named} else of_it
        return select([*known, *named], files, python)
    except (UnknownBackend, BrokenDeclaration) as error:
        raise typer.TyperException(str(error)) from None


def one_of(typed: str, known: Iterable[str], option: str) -> str:
    """A value of an option that takes only some."""
    if typed.lower() not in known:
        raise typer.BadParameter(f"{typed!r}{near(typed, known)}", param_hint=option)
    return typed.lower()


def number(typed: str, least: int = 1, most: float = MOST, option: str | None = None) -> int:
    """A number of rows and the like: also 1e6. option: the one that it is of, where typer can't tell."""
    try:
        value = float(typed)
    except ValueError:
        value = math.nan
    if not value.is_integer() or not least <= value <= most:
        raise typer.BadParameter(f"{typed} is no whole number from {least} to {most:g}", param_hint=option)
    return int(value)


def processes(typed: str) -> int:
    """How many processes work side by side; 0 and 1 are this one alone."""
    return number(typed, 0, MOST_AT_ONCE)


def threads(typed: str) -> int:
    """How many threads."""
    return number(typed, 1, MOST_AT_ONCE, "--threads")


def seed_of(typed: str) -> int:
    """A seed."""
    from lazyadam.suites.run.seed import whole_number

    try:
        return whole_number(typed)
    except ArgumentTypeError as error:
        raise typer.BadParameter(str(error), param_hint="--seed") from None


def pins_in(typed: list[Path]) -> list[Path]:
    """Folders of known divergences."""
    for path in typed:
        if not path.is_dir():
            raise typer.BadParameter(f"no folder {path}{near_path(path)}", param_hint="--pins")
    return typed


def near_path(path: Path) -> str:
    """What goes behind a path where nothing is: what lies beside it under nearly its name; '' for nothing."""
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    beside = [file.name for file in there if file.name != path.name]
    close = get_close_matches(path.name, beside, n=1)
    return f"; did you mean {path.parent / close[0]}?" if close else ""


def folder(typed: Path) -> Path:
    """A folder that is there."""
    if typed.is_file():
        raise typer.BadParameter(f"{typed} is a file, and no folder")
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
        parameter.name: parameter.opts[0]
        if parameter.param_type_name == "option"
        else str(parameter.metavar).strip("[…]")
        for parameter in context.command.params
        if (source := context.get_parameter_source(str(parameter.name))) and source.name == "COMMANDLINE"
    }
    used = [[given[name] for name in group if name in given] for group in groups]
    first = [names[0] for names in used if names]
    if len(first) > 1:
        raise typer.TyperException(f"{first[1]} does not go with {first[0]}")
