"""Progress of what takes longer than some seconds, and its interruption, which costs nothing that is done."""

import signal
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Steps:
    """What is tried, how far, and how long still: in the last line of a terminal, and nowhere else.

    A context, which Ctrl-C and SIGTERM end without an error: then it is `interrupted`.
    """

    def __init__(self, total: int, before: str = "") -> None:
        """before: what goes on until the first of them."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.shown = Progress(
            *columns, console=console, transient=True, redirect_stdout=False, disable=not console.is_terminal
        )
        self.task = self.shown.add_task(before, total=total)
        self.begun, self.interrupted = 0, False

    def begin(self, what: str) -> None:
        """The next step; the one before is done."""
        self.shown.update(self.task, description=what, completed=self.begun)
        self.begun += 1

    def say(self, line: str) -> None:
        """What was found, as it comes."""
        self.shown.console.print(line, soft_wrap=True, markup=False, highlight=False)

    def __enter__(self) -> Self:
        self.before = signal.signal(signal.SIGTERM, signal.default_int_handler)
        self.shown.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.shown.stop()
        signal.signal(signal.SIGTERM, self.before or signal.SIG_DFL)
        self.interrupted = isinstance(error, KeyboardInterrupt)
        return self.interrupted
