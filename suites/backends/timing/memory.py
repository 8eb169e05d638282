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
            self.at_start = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE

    def peak(self) -> int | None:
        """The most bytes in use since `start`, above what was in use then; None where that is not known."""
        if self.at_start is None:
            return None
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 - self.at_start
        return None
