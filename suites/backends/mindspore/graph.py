"""The graph that makes gradients of rows and values and calls the optimizer; compiled from this source."""

from functools import cache
from typing import Any


def graph(
    mindspore: Any, optimizer: Any, sparse: tuple[bool, ...], shapes: Any, inputs: list[Any]
) -> tuple[Any, list[Any]]:
    """A graph for gradients of a layout, not yet compiled, and zeros to launch it with.

    sparse: of each gradient; shapes: of each parameter; inputs: tensors as the graph is to take them, of
    sparse gradients rows and values, whose first lengths are dynamic.
    """
    new = _cell()(optimizer, sparse, shapes)
    given = list(zip(inputs, _described(sparse), strict=True))
    new.set_inputs(
        *(
            mindspore.Tensor(shape=[None, *x.shape[1:]] if dynamic else list(x.shape), dtype=x.dtype)
            for x, (_, dynamic) in given
        )
    )
    zeros = [
        mindspore.ops.zeros(1, x.dtype)
        if is_rows
        else mindspore.ops.zeros((1, *x.shape[1:]) if dynamic else x.shape, x.dtype)
        for x, (is_rows, dynamic) in given
    ]
    return new, zeros


def _described(sparse: tuple[bool, ...]) -> list[tuple[bool, bool]]:
    """Of each input: is it rows, and is its first length dynamic."""
    return [kind for s in sparse for kind in ([(True, True), (False, True)] if s else [(False, False)])]


@cache
def _cell() -> Any:
    from mindspore import nn
    from mindspore.common.sparse_tensor import RowTensorInner

    class Update(nn.Cell):  # type: ignore[misc]
        def __init__(self, optimizer: Any, sparse: tuple[bool, ...], shapes: Any) -> None:
            super().__init__()
            self.optimizer = optimizer
            self.sparse = sparse
            self.shapes = shapes

        def construct(self, *tensors):  # type: ignore[no-untyped-def]
            gradients: Any = ()
            position = 0
            for i in range(len(self.sparse)):
                if self.sparse[i]:
                    rows, values = tensors[position], tensors[position + 1]
                    gradients = gradients + (RowTensorInner(rows, values, self.shapes[i]),)
                    position = position + 2
                else:
                    gradients = gradients + (tensors[position],)
                    position = position + 1
            return self.optimizer(gradients)

    return Update
