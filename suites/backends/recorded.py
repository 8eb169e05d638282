"""Which backend a recorded optimizer is: one of the suite's own, or somebody's that nobody has read."""

from typing import Any

from lazyadam.reference.dialect import Dialect
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.mindspore import backends as mindspore
from lazyadam.suites.backends.own.bases import Own
from lazyadam.suites.backends.torch import backends as torch
from lazyadam.suites.cases.recording import Header

KNOWN = {"torch": torch.recorded, "mindspore": mindspore.recorded}


def of_recording(header: Header, documented: Dialect | None = None) -> type[Backend]:
    """What ran in a recording, as it is declared on its device.

    documented: what somebody's own is held to; LazyAdam where that is not said.
    """
    if known := KNOWN.get(header.framework):
        found = known(header.optimizer, header.options, header.device)
        if found is not None:
            return found.on(header.device)
    declared: dict[str, Any] = {
        "name": header.optimizer,
        "framework": header.framework,
        "documented": documented or Dialect(),
        "spoken": documented or Dialect(),
    }
    return type(header.optimizer.rpartition(".")[2], (Own,), declared)
