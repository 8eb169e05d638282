"""mindspore.LazyAdam.target_cpu.graph: With target CPU rows have to be int32; int64 rows are refused.

mindspore >=2.7,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.common.sparse_tensor import RowTensorInner

ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2))
rows, values = np.array([2], int), np.full((1, 2), 1.0)
print("expected: the step is taken")
p = ms.Parameter(Tensor(w.astype("float32")), name="p")
optimizer = ms.nn.LazyAdam([p], lr, beta1, beta2, eps)
optimizer.target = "CPU"


@ms.jit
def step(rows, values):
    return optimizer((RowTensorInner(rows, values, (3, 2)),))


step(Tensor(rows.astype("int64")), Tensor(values.astype("float32")))
print("got: the same")
