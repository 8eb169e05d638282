"""A checkpoint carried from torch to MindSpore and back: weights, moments, step counts and settings.

MindSpore has one step count, one β and one ε for all parameters of an optimizer, and neither β nor ε are in
its checkpoint: they lie beside it, in carried.json, with the names on either side.
"""

import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lazyadam.reports.tables import text_of, write_text
from lazyadam.reports.words import percent, plural
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.cases.checkpoint import Checkpoint, CheckpointError, Held, Optimizer, check

SIDECAR, FORMAT, BACK = "carried.json", 1, "checkpoint.pt"


def carry(source: Path, names: Path | None, one_step_count: bool, out: Path) -> list[str]:
    """Carry a file of torch's to MindSpore, or a folder of ours back; what there is to say.

    names: a JSON file with the names there by those here. one_step_count: where step counts differ, the
    largest is taken for all.

    Raises:
        CheckpointError: it can't be carried; nothing is written.
    """
    if source.is_dir():
        return _back(source, out)
    read = _framework("torch").read(source)
    optimizers, lines = [*read.optimizers], list[str]()
    check(optimizers)
    for i, optimizer in enumerate(optimizers):
        optimizers[i], said = _of_one_step(optimizer, one_step_count)
        lines += said
        for name in ("beta1", "beta2", "epsilon"):
            if len({getattr(x.hyperparameters, name) for x in optimizer.held}) > 1:
                raise CheckpointError(
                    f"{optimizer.name}: {name} differs between groups; there it is one for all"
                )
    there = _names(Checkpoint(tuple(optimizers), read.rest), names)
    settings = [_settings(o, there) for o in optimizers]
    rest = {there[name]: name for name in read.rest}
    try:
        text = json.dumps({"format_version": FORMAT, "optimizers": settings, "rest": rest}, indent=1) + "\n"
    except TypeError as error:
        raise CheckpointError(
            f"{source}: a setting of a group is no number or word ({in_a_line(error)})"
        ) from None
    renamed = [replace(o, held=tuple(replace(x, name=there[x.name]) for x in o.held)) for o in optimizers]
    framework = _framework("mindspore")
    with _written_at_once(out) as folder:
        framework.write(Checkpoint(tuple(renamed), {x: read.rest[name] for x, name in rest.items()}), folder)
        write_text(text, folder / SIDECAR)
    for o in optimizers:
        kind, h, count = "nn.LazyAdam" if o.lazy else "nn.Adam", o.held[0].hyperparameters, len(o.held)
        lines.append(
            f"{o.name}.ckpt: {plural(count, 'parameter')} after {plural(o.held[0].t, 'step')}, for {kind}("
            f"…, beta1={h.beta1}, beta2={h.beta2}, eps={h.epsilon}, weight_decay={h.weight_decay}); "
            "mindspore.load_param_into_net(optimizer, mindspore.load_checkpoint(file))"
        )
        if len(o.rates()) > 1:
            lines.append(f"  made with {len(o.rates())} groups, as here: each has a learning rate of its own")
        lines += [f"  {x.name} is {there[x.name]}" for x in o.held if there[x.name] != x.name]
    if read.rest:
        lines.append(f"rest.ckpt: what no optimizer has: {', '.join(rest)}")
    return lines


def _of_one_step(optimizer: Optimizer, allowed: bool) -> tuple[Optimizer, list[str]]:
    """The optimizer with one step count, and what that makes of its next step."""
    counts = {x.t for x in optimizer.held}
    if len(counts) == 1:
        return optimizer, []
    most = max(counts)
    said = "; ".join(
        f"{x.name} after {plural(x.t, 'step')}: its next step would be {percent(_off(x, most))} off"
        for x in optimizer.held
        if x.t != most
    )
    if not allowed:
        raise CheckpointError(
            f"{optimizer.name}: step counts differ, and there it is one for all: with {most} {said}; "
            "--one-step-count takes it"
        )
    return replace(optimizer, held=tuple(replace(x, t=most) for x in optimizer.held)), [
        f"{optimizer.name}: {said}"
    ]


def _off(x: Held, t: int) -> float:
    """How far the step size of the next step is from what it was to be, as a share."""
    h = x.hyperparameters

    def size(count: int) -> float:
        return math.sqrt(1 - h.beta2 ** (count + 1)) / (1 - h.beta1 ** (count + 1))

    return abs(size(t) / size(x.t) - 1)


def _names(checkpoint: Checkpoint, file: Path | None) -> dict[str, str]:
    """The names there, by those here."""
    tables = {x.name for o in checkpoint.optimizers if o.lazy for x in o.held}
    arrays = {x.name: x.w for o in checkpoint.optimizers for x in o.held} | {**checkpoint.rest}
    proposed = {name: _proposed(name, arrays, name in tables) for name in arrays}
    given = _json(file) if file else {}
    if unknown := sorted(given.keys() - proposed.keys()):
        raise CheckpointError(f"{file}: the checkpoint has no {unknown[0]}; it has {', '.join(proposed)}")
    named = proposed | given
    if flawed := [x for x in named.values() if not isinstance(x, str) or not x]:
        raise CheckpointError(f"{file}: {flawed[0]!r} is no name")
    if len({*named.values()}) < len(named):
        twice = next(x for x in named.values() if [*named.values()].count(x) > 1)
        raise CheckpointError(f"two parameters would be {twice} there")
    return named


def _proposed(name: str, arrays: Mapping[str, np.ndarray], table: bool) -> str:
    """What MindSpore's own layers call it: Embedding, BatchNorm and LayerNorm (nn/layer, 2.10)."""
    layer, dot, last = name.rpartition(".")
    if table and last == "weight":
        return f"{layer}{dot}embedding_table"
    scale, shift = (arrays.get(f"{layer}{dot}{x}") for x in ("weight", "bias"))
    normalizes = scale is not None and shift is not None and scale.ndim == 1 and scale.shape == shift.shape
    if last in ("weight", "bias") and normalizes:
        return f"{layer}{dot}{'gamma' if last == 'weight' else 'beta'}"
    return (
        f"{layer}{dot}{ {'running_mean': 'moving_mean', 'running_var': 'moving_variance'}.get(last, last) }"
    )


def _settings(o: Optimizer, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": o.name,
        "lazy": o.lazy,
        "groups": [dict(group) for group in o.groups],
        "parameters": [
            {
                "name": names[x.name],
                "from": x.name,
                "group": x.group,
                "hyperparameters": asdict(x.hyperparameters),
            }
            for x in o.held
        ],
    }


def _back(source: Path, out: Path) -> list[str]:
    told = _json(source / SIDECAR)
    try:
        if told["format_version"] != FORMAT:
            raise CheckpointError(
                f"{source / SIDECAR}: version {told['format_version']}; this suite reads {FORMAT}"
            )
        settings = told["optimizers"]
        here = {x["name"]: x["from"] for o in settings for x in o["parameters"]}
        left = told["rest"]
        read = _framework("mindspore").read(source, settings)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{source / SIDECAR}: {in_a_line(error)}") from None
    optimizers = [
        replace(o, held=tuple(replace(x, name=here[x.name]) for x in o.held)) for o in read.optimizers
    ]
    check(optimizers)
    framework = _framework("torch")
    with _written_at_once(out) as folder:
        rest = {left.get(name, name): x for name, x in read.rest.items()}
        framework.write(Checkpoint(tuple(optimizers), rest), folder / BACK)
    return [f"{BACK}: {plural(len(o.held), 'parameter')} of {o.name}" for o in optimizers]


@contextmanager
def _written_at_once(out: Path) -> Iterator[Path]:
    """A folder whose files go to another when all of them are written, or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".carried", dir=out))
    try:
        yield folder
        for path in sorted(folder.iterdir()):
            path.replace(out / path.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text_of(path))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: not there") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: {in_a_line(error)}") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{path}: no JSON object")
    return found


def _framework(name: str) -> Any:
    """What reads and writes its checkpoints."""
    try:
        return import_module(f"lazyadam.suites.backends.{name}.checkpoint")
    except ImportError as error:
        raise CheckpointError(f"{name} is not here: {in_a_line(error)}") from None
