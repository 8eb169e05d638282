"""Everything that there is to say of a device, in parts: `record`."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from lazyadam.suites.commands.app import OUT, Out, Python, Seed, app, card
from lazyadam.suites.commands.judging import Targets
from lazyadam.suites.commands.options import chosen, one_of

DONE = "record.json"
COMMAND = [sys.executable, "-m", "lazyadam.suites.commands"]
GOES_ON = (0, 1)  # all as known, or something is new: it is recorded


@app.command(
    epilog="Example: lazyadam record torch --device cpu,gpu --out results. What was done is not done again "
    "where it was ended: call it once more. Exits with 1 where something is new, 125 where nothing ran on "
    "a device, 75 where --minutes ended it."
)
def record(
    targets: Targets = [],
    device: Annotated[str, typer.Option(metavar="DEVICE[,DEVICE]", help="also cpu,gpu")] = "cpu",
    minutes: Annotated[float | None, typer.Option(metavar="N", help="no part is begun after so many")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="measure few sizes")] = False,
    seed: Seed = None,
    python: Python = None,
    out: Out = OUT,
) -> int:
    """Record all that can be said of backends on a device, in parts that are not done twice.

    Conformance, equivalence, speed, the machine and the page, each device in a folder of its own; of two
    devices also where they agree to the bit.
    """
    from lazyadam.suites.backends.base import DEVICES

    devices = [one_of(word, DEVICES, "--device") for word in map(card, device.split(","))]
    if len(set(devices)) < len(devices) or len(devices) > 2:
        raise typer.BadParameter(f"{device}: one device, or two that differ", param_hint="--device")
    chosen(targets, out, python=python or "")
    given = [*targets, *(["--python", python] if python else [])]
    seeded = ["--seed", seed] if seed is not None else []
    parts = {
        f"{what} on {place}": [*command, *given, "--device", place, "--out", str(out / place)]
        for place in devices
        for what, command in (
            ("conformance and equivalence", ["report", *seeded]),
            ("speed", ["bench", *(["--quick"] if quick else [])]),
        )
    }
    parts |= {f"the page of {place}": ["page", "--out", str(out / place)] for place in devices}
    if len(devices) == 2:
        parts["the two devices"] = ["devices", *(str(out / place) for place in devices), "--out", str(out)]
    return run(parts, out, minutes)


def run(parts: dict[str, list[str]], out: Path, minutes: float | None) -> int:
    """Run what is not done yet of commands, by name; the worst of their statuses.

    minutes: after so many no command is begun.
    """
    from lazyadam.reports.tables import try_to_write, write_text

    try_to_write(out)
    done = _done(out / DONE, parts)
    start = time.monotonic()
    for name, command in parts.items():
        if name in done:
            print(f"{name}: done before, in {done[name]['seconds']:.0f} s", file=sys.stderr)
            continue
        if minutes is not None and time.monotonic() - start > 60 * minutes:
            print(f"{name}: not begun, {minutes:g} minutes are over; call this again", file=sys.stderr)
            return 75
        print(f"{name}: lazyadam {' '.join(command)}", file=sys.stderr, flush=True)
        began = time.monotonic()
        status = subprocess.run([*COMMAND, *command]).returncode
        if status not in GOES_ON:
            return status
        done[name] = {"seconds": round(time.monotonic() - began, 1), "status": status}
        write_text(json.dumps({"parts": parts, "done": done}, indent=1) + "\n", out / DONE)
    return max(part["status"] for part in done.values())


def _done(path: Path, parts: dict[str, list[str]]) -> dict[str, Any]:
    """The parts that were done already, with seconds and status.

    Raises:
        typer.TyperException: the folder has another recording, or none that can be read.
    """
    if not path.exists():
        return {}
    try:
        kept = json.loads(path.read_text())
        before, done = kept["parts"], {name: dict(kept["done"][name]) for name in kept["done"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise typer.TyperException(
            f"{path}: is no record of what was done; another folder: --out DIR"
        ) from None
    if before != parts:
        raise typer.TyperException(f"{path}: is of another recording; another folder: --out DIR")
    return done
