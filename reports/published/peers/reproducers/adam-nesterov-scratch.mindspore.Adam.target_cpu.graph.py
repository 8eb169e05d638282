"""mindspore.Adam.target_cpu.graph: Adam(use_nesterov=True) with target CPU moves rows that a sparse gradient doesn't name by what its scratch memory holds.

mindspore >=2.7,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.common.sparse_tensor import RowTensorInner

ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((4, 2)), np.zeros((4, 2)), np.zeros((4, 2))
rows, values = np.array([2], int), np.full((1, 2), 1.0)
p = ms.Parameter(Tensor(w.astype("float32")), name="p")
optimizer = ms.nn.Adam([p], lr, beta1, beta2, eps, use_nesterov=True)
optimizer.target = "CPU"


@ms.jit
def step(rows, values):
    return optimizer((RowTensorInner(rows, values, (4, 2)),))


Tensor(np.full(4096, 1e9, np.float32)) + 0  # leaves numbers in the memory pool
step(Tensor(rows.astype("int32")), Tensor(values.astype("float32")))
got = [x.asnumpy().astype(float) for x in (p, optimizer.moment1[0], optimizer.moment2[0])]

# As documented, in float64.
g, at = np.zeros_like(w), slice(None)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * (beta1 * m[at] + (1 - beta1) * g[at]) / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (2.4e-07, 4.2e-08, 1.4e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
