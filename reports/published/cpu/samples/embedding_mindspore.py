"""An embedding trained by LazyAdam: python embedding_mindspore.py START.npz BATCHES.npz END.npz"""

import sys

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn

ms.set_context(mode=ms.GRAPH_MODE)  # PyNative, the default, loses the rows of a sparse gradient


class Loss(nn.Cell):
    def __init__(self, table: np.ndarray) -> None:
        super().__init__()
        self.layer = nn.EmbeddingLookup(*table.shape, param_init=Tensor(table), target="CPU", sparse=True)

    def construct(self, ids: Tensor, factors: Tensor) -> Tensor:
        return (self.layer(ids) * factors).sum()


start, batches = np.load(sys.argv[1]), np.load(sys.argv[2])
net = Loss(start["w"])
optimizer = nn.LazyAdam(net.trainable_params(), learning_rate=1e-3, beta1=0.9, beta2=0.999, eps=1e-8)
optimizer.target = "CPU"  # the default target does not sum the gradients of a repeated row
(w,), (m,), (v,), t = net.trainable_params(), optimizer.moment1, optimizer.moment2, int(start["t"])
m.set_data(Tensor(start["m"]))
v.set_data(Tensor(start["v"]))
optimizer.global_step.set_data(Tensor([t], ms.int32))
for power, beta in ((optimizer.beta1_power, 0.9), (optimizer.beta2_power, 0.999)):
    power.set_data(Tensor(np.full(power.shape, beta**t, np.float32)))

step = nn.TrainOneStepCell(net, optimizer)
for ids, factors in zip(batches["ids"], batches["factors"], strict=True):
    if len(ids):  # target CPU refuses an empty batch
        step(Tensor(ids, ms.int32), Tensor(factors))

np.savez(sys.argv[3], w=w.asnumpy(), m=m.asnumpy(), v=v.asnumpy(), t=optimizer.global_step.asnumpy()[0])
