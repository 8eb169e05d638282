"""A GPU's memory, as torch allocates it."""

from typing import Any

from lazyadam.suites.backends.timing.memory import Memory


class CudaMemory(Memory):
    def __init__(self, cuda: Any) -> None:
        self.cuda = cuda

    def free(self) -> int:
        return int(self.cuda.mem_get_info()[0])

    def start(self) -> None:
        self.cuda.empty_cache()
        self.cuda.reset_peak_memory_stats()
        self.before = self.cuda.memory_allocated()

    def peak(self) -> int:
        return int(self.cuda.max_memory_allocated()) - self.before
