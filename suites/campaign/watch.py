"""How a campaign goes: a screen on a terminal, else a line now and then."""

import math
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

TOLD_EVERY = 30.0  # seconds


class Watch:
    """Entered, it shows what it is told of each unit; to standard error, as results go to standard output.

    most: how many cases there are to be, if that is said. seconds: after how many no unit is begun.
    """

    def __init__(self, most: int | None, seconds: float, console: Console | None = None) -> None:
        self.most, self.seconds = most, seconds
        self.console = console or Console(stderr=True, soft_wrap=True)
        self.begun = self.told = time.monotonic()
        self.total = self.new = self.workers = 0
        self.progress = Progress(
            BarColumn(bar_width=12),
            TextColumn("{task.description}"),
            console=self.console,
            auto_refresh=False,
        )
        self.task = self.progress.add_task("", total=1.0)

    def __enter__(self) -> "Watch":
        if self.console.is_terminal:
            self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.progress.stop()

    def unit(self, cases: int, new: bool, workers: int) -> None:
        """One more is done: of so many cases, whether it found something, and how many workers there are."""
        self.total, self.new, self.workers = self.total + cases, self.new + new, workers
        now = time.monotonic()
        if self.console.is_terminal:
            self.progress.update(self.task, completed=self._share(now), description=self._line(now))
            self.progress.refresh()
        elif now - self.told >= TOLD_EVERY:
            self.told = now
            self.console.print(self._line(now), highlight=False)

    def _share(self, now: float) -> float:
        """How much of it is done: by cases or by time, whichever ends it."""
        by_cases = self.total / self.most if self.most else 0.0
        return max(by_cases, (now - self.begun) / self.seconds)

    def _line(self, now: float) -> str:
        spent, share = max(now - self.begun, 1e-9), self._share(now)
        left = math.ceil(spent * (1 / share - 1) / 60) if 0 < share < 1 else 0
        return (
            f"{self.total:,} cases, {self.total / spent:.0f}/s, {self.workers} worker"
            f"{'s' * (self.workers != 1)}, units with news: {self.new}, {left} min left"
        )
