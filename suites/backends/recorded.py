"""Which backend a recorded optimizer is: one of the suite's own, or somebody's that nobody has read."""

from dataclasses import replace
from typing import Any

from lazyadam.reference.dialect import Dialect, Maximum, Subnormals
from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.mindspore import recorded as mindspore
from lazyadam.suites.backends.own.bases import Own
from lazyadam.suites.backends.registry import BACKENDS
from lazyadam.suites.backends.torch import backends as torch
from lazyadam.suites.cases.recording import Header, RecordingError

KNOWN = {"torch": torch.recorded, "mindspore": mindspore.recorded}


def of_recording(header: Header, documented: Dialect | None = None) -> type[Backend]:
    """What ran in a recording, as it is declared on its device.

    documented: what somebody's own is held to; LazyAdam where that is not said.

    Raises:
        RecordingError: it is not judged, or it is one of ours and held to what its documentation says.
    """
    found = _found(header, documented)
    return _flushing(found) if header.options.get("flush_denormal") else found


def _flushing(backend: type[Backend]) -> type[Backend]:
    """In a process that flushes subnormals: torch.set_flush_denormal (torch documentation, 2.13)."""
    dialects = "documented", "spoken"
    told = {name: replace(getattr(backend, name), subnormals=Subnormals.VARIES) for name in dialects}
    return type(backend.__name__, (backend,), told)


def _found(header: Header, documented: Dialect | None) -> type[Backend]:
    if ours := BACKENDS.get(header.optimizer):  # which took the steps of a trace
        return ours.on(header.device)
    if known := KNOWN.get(header.framework):
        try:
            found = known(header.step_of or header.optimizer, header.options, header.device)
        except ValueError as error:
            raise RecordingError(str(error)) from None
        if found is not None and documented is not None:
            raise RecordingError(f"{found.name} is held to its documentation; axes are for one's own")
        if found is not None:
            return found.on(header.device)
    declared: dict[str, Any] = {
        "name": header.optimizer,
        "framework": header.framework,
        "documented": documented or Dialect(),
        "spoken": documented or Dialect(),
        "keeps_largest": documented is not None and documented.maximum is not Maximum.NONE,
    }
    return type(header.optimizer.rpartition(".")[2], (Own,), declared)
