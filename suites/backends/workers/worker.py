"""The worker's side: one backend in a process of its own, answering cases with trajectories."""

import faulthandler
import os
import pickle
import signal
import sys
from typing import Any

import numpy as np

from lazyadam.suites.backends.base import Backend, NotRun
from lazyadam.suites.backends.errors import in_a_line
from lazyadam.suites.backends.registry import find
from lazyadam.suites.backends.timing.stopwatch import Stopwatch
from lazyadam.suites.backends.workers import guard
from lazyadam.suites.cases.pickled import dumps


def serve(channel: Any, name: str, file: str, device: str, log: str) -> None:
    """Answer messages until the channel closes. file: the one that declares the backend, or ''.

    An answer is pickled: (process id, digest of the case, answer). The first one sent is ('ready', version,
    types that it lacks) or ('not run', reason). A message received is pickled, and one of: ('run', cases),
    answered with a trajectory for each case; ('stream', case), where every step is reported as it begins and
    as its state is read, then the trajectory; ('train', training, layer), answered with what came of it;
    ('time', …), which the stopwatch answers. log: the pipe to print to; empty: as it is.
    """
    if log:
        descriptor = os.open(log, os.O_WRONLY)
        os.dup2(descriptor, 2)
        os.close(descriptor)
    sys.stdout = sys.stderr
    if file:  # its last words, and on demand where it is, say the line of the file
        faulthandler.enable()
        faulthandler.register(signal.SIGUSR1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that of a terminal is for the judge, who ends the worker
    process = os.getpid()
    guard.adopt()

    def send(answer: Any, digest: str = "") -> None:
        if os.getpid() != process:  # a fork that an update has left behind
            os._exit(0)
        channel.send(dumps((process, digest, answer)))

    try:
        _answer(channel, name, file, device, send)
    finally:
        if os.getpid() != process:
            os._exit(0)
        guard.end_children()


def _version(backend: Backend) -> str:
    """What `prepare` returns: a table says it, and known divergences are those of some versions.

    Raises:
        NotRun: it is no text; or as `prepare` does.
    """
    version: object = backend.prepare()
    if not isinstance(version, str) or not version.strip():
        raise NotRun(f"prepare returns the version as text, and returned {version!r}")
    return version


def lacking_types(backend: Backend) -> dict[str, str]:
    """Types that can't be tried where this runs, and why."""
    if backend.framework not in ("numpy", "program") or "bfloat16" not in backend.dtypes:
        return {}
    try:
        np.dtype("bfloat16")
    except TypeError:
        return {"bfloat16": f"needs ml_dtypes: {sys.executable} -m pip install ml_dtypes"}
    return {}


def _answer(channel: Any, name: str, file: str, device: str, send: Any) -> None:
    backend = find(name, file)(device)
    stopwatch = Stopwatch(backend)
    try:
        send(("ready", _version(backend), lacking_types(backend)))
    except NotRun as reason:
        send(("not run", in_a_line(reason)))
        return
    for message in channel:
        match pickle.loads(message):
            case "run", cases:
                for case in cases:
                    digest = case.digest
                    send(backend.run(case), digest)
            case "stream", case:
                digest = case.digest
                trajectory = backend.run(case, lambda *seen, digest=digest: send(("step", *seen), digest))
                send(("done", trajectory), digest)
            case "train", training, layer:
                send(backend.train(training, layer))
            case "time", *request:
                send(stopwatch.answer(*request))
