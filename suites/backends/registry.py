"""Every backend, by name."""

from suites.backends import by_hand, floor, mindspore_nn, torch_optim
from suites.backends.base import Backend

BACKENDS: dict[str, type[Backend]] = {
    backend.name: backend for backend in (*torch_optim.BACKENDS, *mindspore_nn.BACKENDS)
}
# What is measured beside them, and not under test.
BESIDE: dict[str, type[Backend]] = {backend.name: backend for backend in (*by_hand.BACKENDS, *floor.BACKENDS)}


class UnknownBackend(Exception):
    """No backend has this name; the message is one line."""


def select(names: list[str]) -> list[type[Backend]]:
    """The backends of these names or dotted leading parts of names; all where there are none."""
    chosen: list[type[Backend]] = []
    for name in names:
        found = [b for n, b in BACKENDS.items() if n == name or n.startswith(f"{name}.")]
        if not found:
            raise UnknownBackend(f"unknown backend {name!r}; known: {', '.join(BACKENDS)}")
        chosen += [b for b in found if b not in chosen]
    return chosen if names else list(BACKENDS.values())
