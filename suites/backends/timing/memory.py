"""Memory of the machine, as a process sees it."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def give_back() -> None:
    """What is free goes back to the system, or this process would keep it from others."""
    with suppress(AttributeError):  # of glibc
        ctypes.CDLL(None).malloc_trim(0)


class Memory:
    """The host's memory; a device has its own."""

    def free(self) -> int:
        """Bytes that can still be allocated."""
        try:
            import psutil
        except ImportError:  # in an interpreter of somebody's own
            return os.sysconf("SC_AVPHYS_PAGES") * PAGE
        return int(psutil.virtual_memory().available)

    def start(self) -> None:
        """Count peaks from here on."""
        give_back()  # or it would be used again unseen
        self.at_start: int | None = None
        with suppress(OSError):  # of Linux, and not in every container
            Path("/proc/self/clear_refs").write_text("5")
            self.at_start = _of_status("VmRSS")

    def peak(self) -> int | None:
        """The most bytes in use since `start`, above what was in use then; None where that is not known."""
        most = None if self.at_start is None else _of_status("VmHWM")
        return None if most is None or self.at_start is None else most - self.at_start


def resident() -> tuple[int, int] | None:
    """Bytes of this process now, and the most since a peak was last counted; None where that is not known."""
    now, most = _of_status("VmRSS"), _of_status("VmHWM")
    return None if now is None or most is None else (now, most)


def _of_status(name: str) -> int | None:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return None
