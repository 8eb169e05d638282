"""Progress of what takes longer than some seconds, and its interruption, which costs nothing that is done."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS = 30.0  # between lines where there is no terminal


class Steps:
    """What is tried, how far, and how long still, on standard error: a bar, or lines where it is no terminal.

    A context, which an interruption ends without an error: then it is `interrupted`.
    """

    def __init__(self, total: int, before: str = "") -> None:
        """before: what goes on until the first of them."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal
        )
        self.task = self.bar.add_task(before, total=total)
        self.total, self.begun, self.interrupted = total, 0, False
        self.first = self.last = time.monotonic()

    def begin(self, what: str) -> None:
        """The next step; the one before is done."""
        self.bar.update(self.task, description=what, completed=self.begun)
        now = time.monotonic()
        self.first = self.first if self.begun else now
        if self.bar.disable and self.begun and now - self.last > SECONDS:
            self.last = now
            left = (now - self.first) / self.begun * (self.total - self.begun)
            self.say(f"{self.begun} of {self.total}, about {left / 60:.0f} min left: {what}")
        self.begun += 1

    def say(self, line: str) -> None:
        """What was found, as it comes."""
        self.bar.console.print(line, soft_wrap=True, markup=False, highlight=False)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.bar.stop()
        self.interrupted = isinstance(error, KeyboardInterrupt)
        return self.interrupted
