"""Recorded trainings for the tests: made, read, and what is said against them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from lazyadam.suites.backends.recorded import of_recording
from lazyadam.suites.backends.torch.recorder import Recorder
from lazyadam.suites.cases.recording import Recorded, header, steps
from lazyadam.suites.recordings.cases import by_type
from lazyadam.suites.recordings.judging import judged

torch.set_num_threads(1)


def recorded(folder: Path) -> list[Recorded]:
    return list(steps(folder, header(folder)))


def told(folder: Path) -> list[str]:
    """What is said against a recording; nothing where every step is right."""
    of = header(folder)
    backend = of_recording(of)
    parts = by_type(of, steps(folder, of))
    return [line for dtype, part in parts.items() for line in judged(backend, of, dtype, part)[1]]


def stepped(
    folder: Path,
    make: Callable[[list[torch.Tensor]], torch.optim.Optimizer],
    sparse: bool = True,
    dtype: torch.dtype = torch.float32,
    count: int = 6,
    **options: Any,
) -> list[Recorded]:
    """Some steps of an optimizer of two parameters, of which the second has no gradient in step 3."""
    torch.manual_seed(1)
    parameters = [torch.randn(9, 4).to(dtype).requires_grad_(), torch.randn(5, 2).to(dtype).requires_grad_()]
    optimizer = make(parameters)
    with Recorder(optimizer, folder, **options):
        for number in range(1, count + 1):
            for p in parameters:
                rows = torch.randint(len(p), (6,))
                values = torch.randn(6, p.shape[1]).to(dtype)
                given = torch.sparse_coo_tensor(rows[None], values, p.shape)
                p.grad = given if sparse else given.to_dense()
            if number == 3:
                parameters[1].grad = None
            optimizer.step()
    return recorded(folder)
