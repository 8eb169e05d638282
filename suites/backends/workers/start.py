"""How a worker starts: the specification of its process, and its first lines."""

import sys
from collections.abc import Sequence
from pathlib import Path

import execnet

ROOT = Path(__file__).resolve().parents[3]  # of what is imported as lazyadam
NEEDED = ("numpy",)  # by a worker, beside what the optimizer needs
# One thread; where there are two neither waits busily for the other. No log of MindSpore's below errors;
# memory that is read before it is written holds the same bytes in every run (glibc fills what it allocates).
ENVIRONMENT = ("OMP_NUM_THREADS=1", "OMP_WAIT_POLICY=passive", "GLOG_v=4")
SAFE = "PYTHONSAFEPATH=1"  # no module is taken from the folder that one stands in
BOOTSTRAP = """
import os, sys, types
root, core, *backend = channel.receive()
if hasattr(os, "setsid"):
    try:
        os.setsid()  # a signal to its group is to reach nobody else
    except PermissionError:
        pass  # it leads one already
if core is not None and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [core])
channel.send(os.getpid())
sys.modules["lazyadam"] = package = types.ModuleType("lazyadam")
package.__path__ = [root]  # of the suite alone: what lies beside it is not this interpreter's
from lazyadam.suites.backends.workers.worker import serve
serve(channel, *backend)
"""


def started_with(spec: str, environment: Sequence[str]) -> str:
    """The specification of a worker that starts with an environment.

    What execnet sets itself (env:) comes when Python runs, and the allocator has read its settings.
    """
    parsed = execnet.XSpec(spec)
    python = parsed.python or (sys.executable if parsed.popen else "python")
    kept = [part for part in spec.split("//") if not part.startswith("python=")]
    if parsed.execmodel is None:  # else it is chance whether the worker has the main thread: signals need it
        kept.append("execmodel=main_thread_only")
    return "//".join([*kept, f"python=env {' '.join(environment)} {python}"])
