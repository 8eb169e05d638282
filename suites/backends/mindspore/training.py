"""An embedding trained by a MindSpore optimizer: in a graph, in a compiled step, and without either."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from lazyadam.suites.cases.case import Gradient
from lazyadam.suites.cases.training import Layer

TARGETS = {f"EmbeddingLookup(target={target!r}, sparse=True)": target for target in ("CPU", "DEVICE")}
_CPU, _DEVICE = TARGETS
# What fails in 2.10: DEVICE, whose operator the CPU doesn't have; autograd in PyNative, which loses the rows.
# It comes last: an error may spoil what follows it in the process.
LAYERS = {
    "graph": (Layer(_CPU, "graph"), Layer(_DEVICE, "graph", fails=True)),
    "pynative": (
        Layer(_CPU, "jit step"),
        Layer(_CPU, "plain", fails=True),
        Layer(_DEVICE, "plain", fails=True),
    ),
}


@cache
def _cells() -> tuple[Any, Any]:
    """The network and its training step. In a file of their own: the graph compiler reads source."""
    import mindspore
    from mindspore import nn
    from mindspore.ops import functional

    class Net(nn.Cell):  # type: ignore[misc]
        def __init__(self, table: np.ndarray, target: str) -> None:
            super().__init__()
            start = mindspore.Tensor(table.astype(np.float32))
            self.lookup = nn.EmbeddingLookup(*table.shape, param_init=start, target=target, sparse=True)

        def construct(self, ids, targets):  # type: ignore[no-untyped-def]
            return ((self.lookup(ids) - targets) ** 2).mean()

    class TrainingStep(nn.Cell):  # type: ignore[misc]
        def __init__(self, net: Any, optimizer: Any) -> None:
            super().__init__(auto_prefix=False)
            self.optimizer = optimizer
            self.loss_and_gradients = mindspore.value_and_grad(net, None, optimizer.parameters)

        def construct(self, ids, targets):  # type: ignore[no-untyped-def]
            loss, gradients = self.loss_and_gradients(ids, targets)
            loss = functional.depend(loss, self.optimizer(gradients))
            return loss, gradients[0].indices, gradients[0].values

    return Net, TrainingStep


def net(table: np.ndarray, layer: Layer) -> Any:
    """The embedding with its loss."""
    new, _ = _cells()
    return new(table, TARGETS[layer.layer])


def step(
    net: Any, optimizer: Any, layer: Layer
) -> Callable[[np.ndarray, np.ndarray], tuple[float, Gradient]]:
    """The training step, which returns the loss and the gradient that autograd delivered."""
    import mindspore

    _, cell = _cells()
    run = cell(net, optimizer)
    if layer.way == "jit step":
        run = mindspore.jit(run.construct)
    elif layer.way == "plain":
        run = _plain(net, optimizer)

    def take(ids: np.ndarray, targets: np.ndarray) -> tuple[float, Gradient]:
        loss, rows, values = run(
            mindspore.Tensor(ids.astype(np.int32)), mindspore.Tensor(targets.astype(np.float32))
        )
        given = None if rows is None else np.array(rows.asnumpy(), np.int64)
        return float(loss.asnumpy()), Gradient(np.array(values.asnumpy(), np.float64), given)

    return take


def _plain(net: Any, optimizer: Any) -> Callable[[Any, Any], tuple[Any, Any, Any]]:
    """Gradients taken and handed over as MindSpore's tutorials do."""
    import mindspore
    from mindspore.common.sparse_tensor import RowTensorInner

    loss_and_gradients = mindspore.value_and_grad(net, None, optimizer.parameters)

    def run(ids: Any, targets: Any) -> tuple[Any, Any, Any]:
        loss, gradients = loss_and_gradients(ids, targets)
        (gradient,) = gradients
        if isinstance(gradient, RowTensorInner):
            rows, values = gradient.indices.copy(), gradient.values.copy()
        else:
            rows, values = None, gradient.copy()
        optimizer(gradients)
        return loss, rows, values

    return run
