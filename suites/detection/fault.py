"""What a seeded fault is."""

from dataclasses import dataclass

from lazyadam.suites.detection.hosts.edit import Edits


@dataclass(frozen=True)
class Fault:
    """A small change to an optimizer that ought to be found.

    numpy, torch: the edits that make it, in the source of each host; none where the host has nothing of the
    kind. stands_for: the real bugs of its kind, where there are some. dtype: the type in which it is sought.
    allowed: why no requirement forbids it; it is not found. beyond: what it takes that no case of profile ci
    has, so that it is not found, on those hosts. raises: it is found by an error that it raises, which is
    else taken for a slip in the edit.
    """

    id: str
    sentence: str
    numpy: Edits = ()
    torch: Edits = ()
    stands_for: str = ""
    dtype: str = "float32"
    allowed: str = ""
    beyond: str = ""
    beyond_on: tuple[str, ...] = ("numpy", "torch")
    raises: bool = False

    def is_beyond(self, host: str) -> bool:
        """Whether nothing finds it there, as is said."""
        return bool(self.beyond) and host in self.beyond_on
