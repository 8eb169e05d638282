"""Ctrl-C and SIGTERM end a run, wherever it is when they come.

The error that they raise is lost where Python happens to be in a callback of its own, as of a weak reference.
"""

import signal
from types import FrameType

_told = False


def listen() -> None:
    """From here on both end the run."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _tell)


def _tell(number: int, frame: FrameType | None) -> None:
    global _told
    _told = True
    raise KeyboardInterrupt


def heed() -> None:
    """Raise the error once more, where it was lost."""
    global _told
    if _told:
        _told = False
        raise KeyboardInterrupt
