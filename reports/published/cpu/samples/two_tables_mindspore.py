"""Two embeddings, a LazyAdam each: python two_tables_mindspore.py START.npz BATCHES.npz END.npz

torch counts the steps of each table, and none of one that a batch does not look up. LazyAdam counts once for
all its tables, and moves those that are not looked up, by their moments: so an optimizer each. Rates in a
list, or a schedule, would follow that count, and torch's schedulers follow the batches: so they are assigned.
"""

import sys
from functools import cache

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

ms.set_context(mode=ms.GRAPH_MODE)  # PyNative, the default, loses the rows of a sparse gradient
TABLES = ("users", "items")


class Loss(nn.Cell):
    """Of the tables that a batch has ids for; inputs: ids and factors of each."""

    def __init__(self, layers: list[nn.EmbeddingLookup]) -> None:
        super().__init__()
        self.layers = nn.CellList(layers)

    def construct(self, *inputs: Tensor) -> Tensor:
        loss = 0.0
        for i in range(len(self.layers)):
            loss = loss + (self.layers[i](inputs[2 * i]) * inputs[2 * i + 1]).sum()
        return loss


class Step(nn.Cell):
    """A training step that hands each optimizer the gradient of its own table."""

    def __init__(self, loss: Loss, optimizers: list[nn.LazyAdam]) -> None:
        super().__init__(auto_prefix=False)
        self.optimizers = nn.CellList(optimizers)
        tables = ms.ParameterTuple([optimizer.parameters[0] for optimizer in optimizers])
        self.loss_and_gradients = ms.value_and_grad(loss, None, tables)

    def construct(self, *inputs: Tensor) -> Tensor:
        loss, gradients = self.loss_and_gradients(*inputs)
        for i in range(len(self.optimizers)):
            self.optimizers[i]((gradients[i],))
        return loss


@cache
def step_of(names: tuple[str, ...]) -> Step:
    """The step of batches that have ids for these tables: one graph for any number of them."""
    step = Step(Loss([layers[name] for name in names]), [optimizers[name] for name in names])
    kinds = [x for name in names for x in (([None], ms.int32), ([None, width[name]], ms.float32))]
    step.set_inputs(*(Tensor(shape=shape, dtype=dtype) for shape, dtype in kinds))
    return step


def count_step(optimizer: nn.LazyAdam) -> None:
    """Count a batch without ids: torch does, and MindSpore refuses it and every step after it."""
    for power, beta in ((optimizer.beta1_power, optimizer.beta1), (optimizer.beta2_power, optimizer.beta2)):
        ops.assign(power, power * beta)
    ops.assign(optimizer.global_step, optimizer.global_step + 1)


start, batches = np.load(sys.argv[1]), np.load(sys.argv[2])
layers, optimizers, width = {}, {}, {}
for name in TABLES:
    w, m, v, t = (start[f"{name}.{x}"] for x in "wmvt")
    width[name] = w.shape[1]
    layers[name] = nn.EmbeddingLookup(*w.shape, param_init=Tensor(w), target="CPU", sparse=True)
    table = layers[name].embedding_table
    table.name = name
    optimizer = nn.LazyAdam([table], learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8)
    # Before the first step, and although it reads "CPU" already: else repeated rows are not summed.
    optimizer.target = "CPU"
    assert not optimizer._is_device, 'optimizer.target = "CPU" has to be assigned, whatever it reads'
    optimizer.moment1[0].set_data(Tensor(m))
    optimizer.moment2[0].set_data(Tensor(v))
    optimizer.global_step.set_data(Tensor([int(t)], ms.int32))
    for power, beta in ((optimizer.beta1_power, 0.9), (optimizer.beta2_power, 0.999)):
        power.set_data(Tensor(np.full(power.shape, beta**t, np.float32)))
    optimizers[name] = optimizer

for k in range(len(batches["users.looked_up"])):
    for optimizer in optimizers.values():
        ops.assign(optimizer.learning_rate, Tensor(1e-3 * 0.9**k, ms.float32))
    inputs = {}
    for name in TABLES:
        part = slice(*batches[f"{name}.offsets"][k : k + 2])
        ids, factors = batches[f"{name}.ids"][part], batches[f"{name}.factors"][part]
        if len(ids):
            inputs[name] = (Tensor(ids, ms.int32), Tensor(factors))
        elif batches[f"{name}.looked_up"][k]:
            count_step(optimizers[name])
    if inputs:
        step_of(tuple(inputs))(*(x for pair in inputs.values() for x in pair))

end = {}
for name, optimizer in optimizers.items():
    for x, (tensor,) in zip("wmv", (optimizer.parameters, optimizer.moment1, optimizer.moment2), strict=True):
        end[f"{name}.{x}"] = tensor.asnumpy()
    end[f"{name}.t"] = optimizer.global_step.asnumpy()[0]
np.savez(sys.argv[3], **end)
