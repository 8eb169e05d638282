"""`lazyadam`: its parser, and how it ends.

Exit statuses: 0 as it should be, 1 something diverges or got worse, 2 it could not do its work or was asked
wrongly, 125 nothing was compared, 130 interrupted.
"""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from typer.main import get_command

from lazyadam.suites.run.machine import CARDS, unsupported

app = typer.Typer(
    name="lazyadam",
    help="Judge LazyAdam, SparseAdam and Adam optimizers against a derived rounding bound.",
    epilog=(
        "Examples: lazyadam check my_optimizer.py · lazyadam check torch.SparseAdam · lazyadam report. "
        "Exits with 0 where all is as known, 1 where something is new or worse, 2 where it was asked wrongly "
        "or could not work, 125 where nothing was compared."
    ),
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FILES = ("judging", "campaign", "recording", "recordings", "telling", "tables", "bench", "setting_up")
OUT = Path("lazyadam-out")
LONGEST = 1000
COMPLETE = "_LAZYADAM_COMPLETE"  # set by the shell that asks how a line could go on


def named(typed: str | Path) -> Path:
    """A folder that has a name: that of a variable which isn't set would be the folder one stands in."""
    if not str(typed):
        raise typer.BadParameter("is empty; the folder one stands in is .")
    return Path(typed)


def interpreter(typed: str) -> str:
    """An interpreter that a worker can run in: a path, a command, or a name that somebody gave to one."""
    from lazyadam.reports.errors import TableError
    from lazyadam.suites.backends.own.environments import located
    from lazyadam.suites.backends.own.interpreter import refusal

    if not typed:
        raise typer.BadParameter("is empty")
    try:
        python = located(typed)
    except TableError as error:
        raise typer.BadParameter(str(error)) from None
    if why := refusal(python):
        raise typer.BadParameter(why)
    return python


def card(typed: str) -> str:
    """A device by its word; with a number, as gpu:1, it is the only card that this run sees."""
    word, colon, number = typed.partition(":")
    if not colon:
        return typed
    if word.lower() not in ("gpu", "cuda") or not number.isdecimal():
        raise typer.BadParameter(f"{typed} is no device; the second card is gpu:1")
    seen = [x for x in os.environ.get(CARDS, "").split(",") if x]
    if seen and int(number) >= len(seen):
        raise typer.BadParameter(f"{typed}: {CARDS} names {len(seen)} of them")
    os.environ[CARDS] = seen[int(number)] if seen else number
    return word


Python = Annotated[
    str | None,
    typer.Option(
        "--python", metavar="PYTHON", parser=interpreter, help="the interpreter that has it, by path or name"
    ),
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", parser=named, help="where results go, or lie")]
Device = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        parser=card,
        help="cpu, gpu (CUDA for torch), cuda or ascend; gpu:1: the second card",
    ),
]
Seed = Annotated[str | None, typer.Option(metavar="N", help="of the cases: 0 in ci, else random")]
Profile = Annotated[str, typer.Option(metavar="NAME", help="how much is tried: ci, nightly or deep")]


def version(asked: bool) -> None:
    """Print the suite's version, and end."""
    if asked:
        from lazyadam.suites.telling.here import SUITE, version_of

        print(f"lazyadam {version_of(SUITE) or '(not installed)'}")
        raise typer.Exit


@app.callback()
def beside(
    version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="print the version, and end")
    ] = False,
) -> None: ...


def in_short(error: typer.TyperException) -> str:
    """What was asked wrongly, in a line that can be read."""
    text = " ".join(error.format_message().split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"


def run(arguments: list[str]) -> int:
    """A command's exit status; what was asked wrongly is one line and 2."""
    if why := unsupported():
        print(why, file=sys.stderr)
        return 2
    for name in FILES:
        import_module(f"lazyadam.suites.commands.{name}")
    if COMPLETE in os.environ:
        try:
            app(prog_name="lazyadam")
        except SystemExit as end:
            return 2 if end.code else 0
    command = get_command(app)
    try:  # `app` itself would end with 1 where its output goes nowhere
        with command.make_context("lazyadam", [*arguments] or ["--help"]) as context:
            return int(command.invoke(context) or 0)
    except typer.Exit as end:
        return end.exit_code if arguments else 2
    except typer.TyperException as error:
        print(f"lazyadam: {in_short(error)}", file=sys.stderr)
        return 2
    except typer.Abort:
        raise KeyboardInterrupt from None
