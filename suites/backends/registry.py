"""The suite's own backends, by name, and whatever a worker is asked to run. Imports NumPy alone."""

from pathlib import Path

from lazyadam.suites.backends.base import Backend
from lazyadam.suites.backends.mindspore import amsgrad, experimental
from lazyadam.suites.backends.mindspore import backends as mindspore
from lazyadam.suites.backends.own import declaration
from lazyadam.suites.backends.peers import (
    bitsandbytes,
    dgl,
    heavyball,
    keras,
    keras_dense,
    mlx,
    mxnet,
    optax,
    paddle,
    pytorch_optimizer,
    tensorflow_addons,
)
from lazyadam.suites.backends.timing import by_hand, compiled, floor
from lazyadam.suites.backends.torch import backends as torch
from lazyadam.suites.backends.torch import compiled as torch_compiled

BACKENDS: dict[str, type[Backend]] = {
    backend.name: backend for backend in (*torch.BACKENDS, *mindspore.BACKENDS)
}
# Of frameworks in environments of their own, which tox -e report-peers judges.
PEERS: dict[str, type[Backend]] = {
    backend.name: backend
    for peer in (
        bitsandbytes,
        dgl,
        heavyball,
        keras,
        keras_dense,
        mlx,
        mxnet,
        optax,
        paddle,
        pytorch_optimizer,
        tensorflow_addons,
    )
    for backend in peer.BACKENDS
}
# Judged where they are named alone: further forms of these two, and the peers.
NAMED: dict[str, type[Backend]] = {
    backend.name: backend
    for backend in (*torch.FURTHER, *torch_compiled.BACKENDS, *experimental.BACKENDS, *amsgrad.BACKENDS)
} | PEERS
# What is measured beside them, and not under test.
BESIDE: dict[str, type[Backend]] = {
    backend.name: backend for backend in (*by_hand.BACKENDS, *compiled.BACKENDS, *floor.BACKENDS)
}


def find(name: str, file: str = "") -> type[Backend]:
    """The backend of a name, to be run here: that of a file, of a package, or the suite's own."""
    if file:
        return next(backend for backend in declaration.declared(Path(file)) if backend.name == name)
    known = BACKENDS | NAMED | BESIDE
    return known[name] if name in known else next(b for b in declaration.installed() if b.name == name)
