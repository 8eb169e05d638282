"""A message to a worker: a write to a process that does not read blocks once the pipe is full, for ever."""

import threading
from contextlib import suppress
from typing import Any

from lazyadam.reports.vocabulary import Verdict
from lazyadam.suites.backends.workers.patience import POLL_SECONDS, Patience
from lazyadam.suites.backends.workers.sound import Lost


def written(channel: Any, data: bytes, patience: Patience) -> bool:
    """Whether a message went out to the process that is waited for; not where that has ended.

    Raises:
        Lost: it does not read.
    """
    sent = threading.Event()

    def send() -> None:
        with suppress(OSError):
            channel.send(data)
            sent.set()

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    while sender.is_alive():
        sender.join(POLL_SECONDS)
        if sender.is_alive() and (why := patience.lost()):
            raise Lost(Verdict.HANGS, f"took no message: {why}")
    return sent.is_set()
