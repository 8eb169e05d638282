"""Recorded trainings: `judge`, `move`, `convert` and `carry`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lazyadam.suites.commands.app import OUT, Device, Out, Python, app
from lazyadam.suites.commands.options import chosen, one_of

if TYPE_CHECKING:
    from lazyadam.reference.dialect import Dialect

Recording = Annotated[Path, typer.Argument(metavar="RECORDING", help="the folder of a recorded training")]
Axes = Annotated[
    list[str],
    typer.Option(
        "--axis",
        metavar="AXIS=VALUE",
        help="what an optimizer of your own is meant to do, as lazyadam list axes has it; repeatable",
    ),
]


def meant(typed: list[str]) -> "Dialect":
    """The dialect of axes as they are typed: the others are LazyAdam's."""
    from lazyadam.reference.dialect import Dialect
    from lazyadam.suites.judge.explanation import AXES, turned

    values = {}
    for text in typed:
        axis, _, value = text.replace("-", "_").lower().partition("=")
        axis = one_of(axis, AXES, "--axis")
        words = [x.name.lower() for x in type(getattr(Dialect(), axis))]
        values[axis] = one_of(value, words, f"--axis {axis}")
    return turned(Dialect(), values)


@app.command(
    epilog="Examples: lazyadam judge run · lazyadam judge run --axis epsilon=inside_root. Exits with 1 where "
    "a step diverges in a way that is not known, 2 where the recording can't be read, 125 where it has none."
)
def judge(recording: Recording, axis: Axes = [], out: Out = OUT) -> int:
    """Judge a recorded training: every step of every parameter, by the optimizer's own documentation.

    A recording is made by two lines in the script: from lazyadam.suites.backends.torch.recorder import
    Recorder, and Recorder(optimizer, "run").
    """
    from lazyadam.reports.tables import try_to_write
    from lazyadam.suites.cases.recording import RecordingError
    from lazyadam.suites.recordings import judging

    try_to_write(out)
    try:
        return judging.run(recording, meant(axis) if axis else None, out)
    except RecordingError as error:
        raise typer.TyperException(str(error)) from None


@app.command(
    epilog="Examples: lazyadam move run --to mindspore.LazyAdam.default.graph · lazyadam move run --axis "
    "duplicates=last. Exits with 2 where not every step is recorded, 125 where there is none."
)
def move(
    recording: Recording,
    to: Annotated[
        str, typer.Option("--to", metavar="BACKEND", help="default: LazyAdam by --axis alone")
    ] = "",
    axis: Annotated[
        list[str],
        typer.Option("--axis", metavar="AXIS=VALUE", help="of a LazyAdam to move to; repeatable"),
    ] = [],
    own: Annotated[
        list[str],
        typer.Option(
            "--own", metavar="AXIS=VALUE", help="what the recorded optimizer does, where it is your own"
        ),
    ] = [],
    device: Device = "cpu",
    python: Python = None,
    out: Out = OUT,
) -> int:
    """Say what would become of a recorded training elsewhere: its gradients through another optimizer.

    How far the weights would be from the recorded ones, after 1, 10, 100 … steps; by the backend itself, and
    by the reference alone, each axis apart.
    """
    from lazyadam.reports.tables import try_to_write
    from lazyadam.suites.cases.recording import RecordingError
    from lazyadam.suites.recordings import moving

    if to and axis:
        raise typer.TyperException("--axis does not go with --to")
    backend = None
    if to:
        found = chosen([to], out, python=python or "")
        if len(found) > 1:
            raise typer.BadParameter(f"may be {' or '.join(x.name for x in found)}", param_hint="--to")
        (backend,) = found
    theirs = backend.on(device).spoken if backend else meant(axis)
    try_to_write(out)
    try:
        name = backend.name if backend else "LazyAdam, " + ", ".join(axis) if axis else "LazyAdam"
        return moving.run(recording, meant(own) if own else None, backend, name, theirs, device, out)
    except RecordingError as error:
        raise typer.TyperException(str(error)) from None


@app.command(
    epilog="Examples: lazyadam convert run --out traces · lazyadam convert traces/users.json --by "
    "torch.SparseAdam --out run2. Exits with 2 where something can't be converted; nothing is written then."
)
def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="a recording, or a trace file")],
    by: Annotated[str, typer.Option("--by", metavar="BACKEND", help="which takes the steps of a trace")] = "",
    device: Device = "cpu",
    python: Python = None,
    out: Out = OUT,
) -> int:
    """Turn a small recording into trace files, or a trace into the recording of a backend that takes it.

    A trace says what an optimizer is given, and not what it makes of it: `show` and `replay` take it.
    """
    from lazyadam.reports.tables import try_to_write
    from lazyadam.suites.cases.recording import RecordingError
    from lazyadam.suites.cases.trace import TraceError
    from lazyadam.suites.recordings import converting

    if source.is_dir() and by:
        raise typer.BadParameter(f"goes with a trace, and {source} is a folder", param_hint="--by")
    if source.is_file() and not by:
        raise typer.BadParameter("is needed: which backend is to take the trace", param_hint="--by")
    try_to_write(out)
    try:
        if by:
            (backend,) = chosen([by], out, python=python or "")
            lines = list(converting.to_recording(source, backend.on(device), device, out))
        else:
            lines = list(converting.to_traces(source, out))
    except (RecordingError, TraceError) as error:
        raise typer.TyperException(str(error)) from None
    print(*lines, sep="\n")
    return 0


@app.command(
    epilog="Examples: lazyadam carry run.pt --out carried · lazyadam carry carried --out back. Exits with 2 "
    "where something can't be carried; nothing is written then."
)
def carry(
    source: Annotated[
        Path,
        typer.Argument(metavar="CHECKPOINT", help="of torch: a file; of MindSpore: a folder carried before"),
    ],
    names: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="names there by names here, as JSON; else they are proposed"),
    ] = None,
    one_step_count: Annotated[
        bool, typer.Option("--one-step-count", help="where step counts differ take the largest for all")
    ] = False,
    out: Out = OUT,
) -> int:
    """Carry weights and optimizer states from torch to MindSpore, or back.

    A file of torch has {"model": state_dict, "optimizers": {name: state_dict}}: SparseAdam goes to
    nn.LazyAdam, Adam to nn.Adam, a file for each.
    """
    from lazyadam.suites.cases.checkpoint import CheckpointError
    from lazyadam.suites.recordings import carrying

    try:
        lines = carrying.carry(source, names, one_step_count, out)
    except CheckpointError as error:
        raise typer.TyperException(str(error)) from None
    print(*lines, f"in {out}", sep="\n")
    return 0
