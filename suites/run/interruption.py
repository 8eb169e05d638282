"""Ctrl-C, SIGTERM and the end of its terminal end a run, wherever it is when they come.

The error that they raise is lost where Python happens to be in a callback of its own, as of a weak reference.
"""

import signal
import time
from math import inf
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 10.0  # seconds that ending may take before a signal counts once more
_last, _told = -inf, False


def listen() -> None:
    """From here on each of them ends the run, but those that it was started to ignore, as nohup does."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _tell)


def _tell(number: int, frame: FrameType | None) -> None:
    global _last, _told
    if time.monotonic() - _last < PATIENCE:
        return
    _last, _told = time.monotonic(), True
    raise KeyboardInterrupt


def listen_no_more() -> None:
    """All is told: a signal that comes while Python ends would change the exit status."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def heed() -> None:
    """Raise the error once more, where it was lost."""
    global _told
    if _told:
        _told = False
        raise KeyboardInterrupt
