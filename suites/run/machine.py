"""The machine that a table was made on."""

import os
import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

CARDS = "CUDA_VISIBLE_DEVICES"


def unsupported() -> str:
    """Why nothing runs here, in a line; '' where it does."""
    if sys.platform == "win32":
        return "Windows is not supported: run this in WSL, in a container, or on Linux"
    return ""


def all_threads() -> int:
    """As many as this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def busy() -> str:
    """How much else is going on, where that is more than there are threads; '' where it isn't."""
    load = os.getloadavg()[0]
    return f"busy: load {load:.1f} on {all_threads()} threads" if load > all_threads() else ""


def shared_core() -> int | None:
    """The core to which processes on one thread keep; None where the system holds nobody to one."""
    return max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def machine() -> dict[str, str]:
    """A description, one thing after another."""
    facts = {
        "processor": _processor(),
        "threads at hand": str(all_threads()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "caches": _caches(),
        "system": platform.platform(),
        "libc": " ".join(platform.libc_ver()),
        "python": platform.python_version(),
        "gpu": "; ".join(_gpus()),
    }
    return {name: fact for name, fact in facts.items() if fact}


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _caches() -> str:
    found = []
    for path in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        with suppress(OSError):
            level, kind, size = ((path / x).read_text().strip() for x in ("level", "type", "size"))
            found.append(f"L{level} {kind.lower()} {size}")
    return ", ".join(found)


def cards() -> list[str]:
    """The NVIDIA cards that a process sees, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get(CARDS)
    return [x for x in named.split(",") if x] if named else [str(i) for i in range(len(_gpus()))]


def _gpus() -> list[str]:
    with suppress(OSError, subprocess.SubprocessError):
        asked = [
            "nvidia-smi",
            "--query-gpu=name,driver_version,memory.total,compute_cap",
            "--format=csv,noheader",
        ]
        said = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout
        return said.strip().splitlines()
    return []
