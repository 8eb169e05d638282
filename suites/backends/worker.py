"""The worker's side: one backend in a process of its own, answering cases with trajectories."""

import faulthandler
import os
import pickle
import signal
import sys
from typing import Any

from suites.backends.base import NotRun
from suites.backends.registry import find
from suites.performance.stopwatch import Stopwatch


def serve(channel: Any, name: str, file: str, device: str, log: str) -> None:
    """Answer messages until the channel closes. file: the one that declares the backend, or ''.

    The first message sent is ('ready', (version, process id)) or ('not run', reason). A message
    received is pickled, and one of: ('run', cases), answered with a trajectory for each case; ('stream',
    case), where every step is reported as it begins and as its state is read, then the trajectory;
    ('train', training, layer), answered with what came of it; ('time', …), which the stopwatch answers.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    sys.stdout = sys.stderr
    if file:  # its last words, and on demand where it is, say the line of the file
        faulthandler.enable()
        faulthandler.register(signal.SIGUSR1)

    def send(message: Any) -> None:
        # Not protocol 5, in which NumPy 2 names a module that NumPy 1 does not have.
        channel.send(pickle.dumps(message, protocol=4))

    backend = find(name, file)(device)
    stopwatch = Stopwatch(backend)
    try:
        send(("ready", (backend.prepare(), os.getpid())))
    except NotRun as reason:
        send(("not run", " ".join(str(reason).split())))
        return
    for message in channel:
        match pickle.loads(message):
            case "run", cases:
                for case in cases:
                    send(backend.run(case))
            case "stream", case:
                send(("done", backend.run(case, lambda step, state: send(("step", step, state)))))
            case "train", training, layer:
                send(backend.train(training, layer))
            case "time", *request:
                send(stopwatch.answer(*request))
