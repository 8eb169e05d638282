"""Which backend a recorded optimizer of MindSpore is."""

from collections.abc import Mapping
from typing import Any

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.mindspore import amsgrad, backends

_ALL = {backend.name: backend for backend in (*backends.BACKENDS, *amsgrad.BACKENDS)}


def recorded(optimizer: str, options: Mapping[str, Any], device: str) -> type[Backend] | None:
    """The backend that a recorded optimizer is, by its class and options; None for somebody's own."""
    kind = optimizer.removeprefix("mindspore.nn.optim.")
    if kind not in ("lazyadam.LazyAdam", "adam.Adam"):
        return None
    mode = "graph" if options.get("graph") else "pynative"
    if options.get("use_amsgrad"):  # which the fused operators have not
        return _ALL[f"mindspore.Adam.amsgrad.{mode}"]
    lazy = ".use_lazy" if options.get("use_lazy") else ""
    target = "target_cpu" if options.get("fused") else "default"
    return _ALL[f"mindspore.{kind.partition('.')[2]}{lazy}.{target}.{mode}"]
