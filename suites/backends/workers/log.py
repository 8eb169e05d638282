"""What a worker prints: the end of it is kept in memory, and lies on no disk."""

import os
import signal
import time
from contextlib import suppress
from threading import Lock, Thread

from lazyadam.suites.backends.workers.guard import folder, new_mark

KEPT_BYTES = 2**16
WORDS_SECONDS = 0.2
MODULES = "Extension modules: "  # which faulthandler lists at the end of a fatal error
OURS = ('File "<string>"', 'File "<remote exec>"')  # lines of how a worker was started
PASS_SECONDS = 5.0  # for what was written to come through, on a busy machine


class Log:
    """A pipe with a name, for the errors and the output of one process, and the last of what came through.

    path: for the process to open and write to. close: as soon as the process has ended.
    """

    def __init__(self) -> None:
        self.path = folder() / f"{new_mark()}log"
        self.kept, self.left_out, self.lock = bytearray(), 0, Lock()
        os.mkfifo(self.path)
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with open(self.path, "rb", buffering=0) as pipe:
            while chunk := pipe.read(KEPT_BYTES):
                with self.lock:
                    self.kept += chunk
                    self.left_out += max(0, len(self.kept) - KEPT_BYTES)
                    del self.kept[:-KEPT_BYTES]

    def close(self) -> None:
        with suppress(OSError):  # the reader waits for a first writer
            os.close(os.open(self.path, os.O_WRONLY | os.O_NONBLOCK))
        self._reader.join(WORDS_SECONDS)
        self.path.unlink(missing_ok=True)

    def _wait(self) -> None:
        """Until what has been written is read: a mark that is written now comes after it."""
        mark = f"\0{new_mark()}\0".encode()
        try:
            pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads any more: all is read
            return
        with suppress(OSError):  # full: there is more than is kept
            os.write(pipe, mark)
        os.close(pipe)
        end = time.monotonic() + PASS_SECONDS
        while time.monotonic() < end:
            with self.lock:
                if mark in self.kept:
                    self.kept = self.kept.replace(mark, b"")
                    return
            time.sleep(0.01)

    def lines(self) -> list[str]:
        """What was printed; where it was too much, the end of it."""
        self._wait()
        lines = bytes(self.kept).decode(errors="replace").splitlines()
        return [f"({self.left_out} bytes before)", *lines[1:]] if self.left_out else lines

    def last_words(self, file: str = "") -> str:
        """The last line, or the line that names a file, where one does; 'none' where nothing was printed."""
        self._reader.join(WORDS_SECONDS)  # of a process that has ended
        lines = [line.strip() for line in self.lines() if line.strip()]
        lines = [line for line in lines if not line.startswith((MODULES, *OURS))]
        named = [line for line in lines if file and file in line]
        return [*lines, *named[:1]][-1][:200] if lines else "none"

    def where(self, pid: int, file: str) -> str:
        """The line of a file in which a process is, where it says so when asked (by faulthandler), or ''."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGUSR1)
        time.sleep(WORDS_SECONDS)
        words = self.last_words(file)
        return f": {words}" if file in words else ""
