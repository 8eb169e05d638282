"""What a run found, told: `show`, `explain`, `replay` and `list`."""

import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from lazyadam.reports.vocabulary import Against
from lazyadam.suites.backends.typed import UnknownName, one
from lazyadam.suites.commands.app import OUT, Out, app, in_short

if TYPE_CHECKING:
    from lazyadam.suites.telling.found import Found

Backends = Annotated[
    list[str] | None, typer.Option("--backend", metavar="NAME|FILE", help="on which, not the one it names")
]
LISTED = ("backends", "clauses", "axes", "pins", "profiles", "dimensions", "tables")
DEVICE = typer.Option(metavar="DEVICE", help="cpu, cuda, gpu or ascend")


class ForBisect(TyperCommand):
    """A command that is 125 where it is asked wrongly: 2 would tell `git bisect run` that a commit is bad."""

    def make_context(self, *given: Any, **settings: Any) -> Any:
        try:
            return super().make_context(*given, **settings)
        except typer.TyperException as error:
            print(f"lazyadam: {in_short(error)}", file=sys.stderr)
            raise typer.Exit(125) from None


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="CLAUSE|PIN|TRACE", help="default: the first finding")] = "",
    backend: Annotated[str, typer.Option(metavar="NAME|FILE", help="where several have it")] = "",
    device: Annotated[str, DEVICE] = "",
    out: Out = OUT,
) -> int:
    """Show one divergence step by step: before, expected, got.

    Of the last run, by its clause (a leading part will do); a known divergence; or a trace. It runs again.
    """
    from lazyadam.suites.backends.base import DEVICES
    from lazyadam.suites.conformance.replay import backend_of
    from lazyadam.suites.telling import divergence, found
    from lazyadam.suites.telling.lines import folded, shown

    if what.endswith(".json") or "/" in what:
        chosen = found.of_trace(Path(what), backend)
    else:
        chosen = asked(found.chosen, out, what, backend)
    if chosen.dead_end:
        say(folded(chosen.dead_end))
        return 0
    on, told = asked(backend_of, chosen.trace, [chosen.backend] if chosen.backend else [])
    where = asked(one, "device", device, DEVICES) if device else chosen.device
    status, lines = asked(divergence.told, chosen.trace, on, where, chosen.against, chosen.asked)
    lines += ["", f"trace    {shown(chosen.trace)}", f"         {again(chosen, where)}"]
    if chosen.script:
        lines += [
            f"script   python {shlex.quote(shown(chosen.script))}",
            "         it shows it on fewer numbers",
        ]
    lines += folded(", ".join(chosen.others), "also     ", most=2) if chosen.others else []
    say([*lines, *([f"         {told.strip()}"] if told else [])])
    return status


@app.command(cls=ForBisect)
def replay(
    file: Annotated[Path, typer.Argument(metavar="TRACE", help="as a run wrote it")],
    backend: Backends = None,
    device: Annotated[str, DEVICE] = "cpu",
    against: Annotated[
        str, typer.Option(metavar="WHAT", help="documented, reference or explained")
    ] = "documented",
    python: Annotated[
        str | None, typer.Option(metavar="PYTHON", help="the interpreter that has the backend")
    ] = None,
) -> int:
    """Judge a trace again, on the backend that it names: for git bisect run.

    Exits with 0 where it conforms, 1 where it diverges, 125 where nothing could be compared or asked for.
    """
    from lazyadam.suites.conformance.replay import replayed

    if python == "":
        raise typer.BadParameter("is empty", param_hint="--python")
    status, lines = replayed(file, backend or [], device, against, python or "")
    say(lines)
    return status


@app.command()
def explain(
    word: Annotated[list[str], typer.Argument(metavar="WORD", help="leading parts will do, in any case")],
) -> int:
    """Explain a word: a clause, an axis, axis=value, a pin, a verdict, a table, a column, a term.

    What it demands or means, who says so, what shows it, and how to look further. Of two values of
    dimensions, as in width=64 repeats="a pair": where they met.
    """
    from lazyadam.suites.telling.meeting import are_values, meeting
    from lazyadam.suites.telling.words import explained

    say(asked(meeting, word) if are_values(word) else asked(explained, " ".join(word)))
    return 0


@app.command("list")
def lists(
    what: Annotated[str, typer.Argument(metavar="WHAT", help=" | ".join(LISTED))] = LISTED[0],
) -> int:
    """List what there is: backends (the default), clauses, axes, pins, profiles, dimensions or tables."""
    from lazyadam.suites.telling.lists import LISTS

    say(LISTS[asked(one, "list", what, LISTED)]())
    return 0


def again(chosen: "Found", device: str) -> str:
    """The command that judges it again as it is shown."""
    from lazyadam.suites.telling.lines import shown

    words = ["lazyadam", "replay", shown(chosen.trace)]
    words += ["--backend", chosen.backend] if chosen.backend else []
    words += ["--device", device] if device != "cpu" else []
    words += ["--against", chosen.against] if chosen.against != Against.DOCUMENTED else []
    return shlex.join(words)


def asked(work: Any, *given: Any) -> Any:
    """What the work returns; what was asked wrongly is one line and exit status 2."""
    from lazyadam.reports.errors import TableError
    from lazyadam.suites.backends.own.declaration import BrokenDeclaration
    from lazyadam.suites.backends.selecting import UnknownBackend
    from lazyadam.suites.cases.trace import TraceError

    try:
        return work(*given)
    except (UnknownName, UnknownBackend, BrokenDeclaration, TraceError, TableError) as error:
        raise typer.TyperException(str(error)) from None


def say(lines: Iterable[str]) -> None:
    """Print lines."""
    print("\n".join(lines), flush=True)
