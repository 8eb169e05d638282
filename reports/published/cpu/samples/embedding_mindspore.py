"""An embedding trained by LazyAdam: python embedding_mindspore.py START.npz BATCHES.npz END.npz

Of batch k are ids[offsets[k]:offsets[k + 1]] and the factors of a linear loss, which are its gradient.
"""

import sys
from itertools import pairwise

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

ms.set_context(mode=ms.GRAPH_MODE)  # PyNative, the default, loses the rows of a sparse gradient


class Loss(nn.Cell):
    def __init__(self, table: np.ndarray) -> None:
        super().__init__()
        self.layer = nn.EmbeddingLookup(*table.shape, param_init=Tensor(table), target="CPU", sparse=True)

    def construct(self, ids: Tensor, factors: Tensor) -> Tensor:
        return (self.layer(ids) * factors).sum()


def count_step(optimizer: nn.LazyAdam) -> None:
    """Count a batch without ids: torch does, and MindSpore refuses it and every step after it."""
    for power, beta in ((optimizer.beta1_power, optimizer.beta1), (optimizer.beta2_power, optimizer.beta2)):
        ops.assign(power, power * beta)
    ops.assign(optimizer.global_step, optimizer.global_step + 1)


start, batches = np.load(sys.argv[1]), np.load(sys.argv[2])
net = Loss(start["w"])
optimizer = nn.LazyAdam(net.trainable_params(), learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8)
# Before the first step, and although it reads "CPU" already: else repeated rows are not summed.
optimizer.target = "CPU"
assert not optimizer._is_device, 'optimizer.target = "CPU" has to be assigned, whatever it reads'
(w,), (m,), (v,), t = net.trainable_params(), optimizer.moment1, optimizer.moment2, int(start["t"])
m.set_data(Tensor(start["m"]))
v.set_data(Tensor(start["v"]))
optimizer.global_step.set_data(Tensor([t], ms.int32))
for power, beta in ((optimizer.beta1_power, 0.9), (optimizer.beta2_power, 0.999)):
    power.set_data(Tensor(np.full(power.shape, beta**t, np.float32)))

step = nn.TrainOneStepCell(net, optimizer)
# One graph for batches of any length; else each new length is compiled.
step.set_inputs(Tensor(shape=[None], dtype=ms.int32), Tensor(shape=[None, w.shape[1]], dtype=ms.float32))
for first, end in pairwise(batches["offsets"]):
    if end > first:
        step(Tensor(batches["ids"][first:end], ms.int32), Tensor(batches["factors"][first:end]))
    else:
        count_step(optimizer)

np.savez(sys.argv[3], w=w.asnumpy(), m=m.asnumpy(), v=v.asnumpy(), t=optimizer.global_step.asnumpy()[0])
