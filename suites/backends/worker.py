"""The worker's side: one backend in a process of its own, answering cases with trajectories."""

import os
import pickle
import sys
from typing import Any

from suites.backends.base import NotRun
from suites.backends.registry import BACKENDS


def serve(channel: Any, name: str, device: str, log: str) -> None:
    """Answer messages until the channel closes.

    The first message sent is ('ready', (version, process id)) or ('not run', reason). A message
    received is a pickled (cases, stream). The answer is a trajectory for each case; with `stream`,
    every step of the single case is reported as it begins and as its state is read, then the trajectory.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    sys.stdout = sys.stderr

    def send(message: Any) -> None:
        channel.send(pickle.dumps(message, protocol=5))

    backend = BACKENDS[name](device)
    try:
        send(("ready", (backend.prepare(), os.getpid())))
    except NotRun as reason:
        send(("not run", " ".join(str(reason).split())))
        return
    for message in channel:
        cases, stream = pickle.loads(message)
        if stream:
            send(("done", backend.run(cases[0], lambda step, state: send(("step", step, state)))))
        else:
            for case in cases:
                send(backend.run(case))
