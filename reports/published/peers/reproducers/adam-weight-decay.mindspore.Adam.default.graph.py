"""mindspore.Adam.default.graph: On its default target Adam adds weight decay to each occurrence of a row, and none to rows that a sparse gradient doesn't name.

mindspore >=2.7,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.common.sparse_tensor import RowTensorInner

ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 1e-30, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
rows, values = np.array([1, 1, 2], int), np.array([[1.0, 2.0], [3.0, -1.0], [1.0, 1.0]])
p = ms.Parameter(Tensor(w.astype("float32")), name="p")
optimizer = ms.nn.Adam([p], lr, beta1, beta2, eps, weight_decay=0.25)


@ms.jit
def step(rows, values):
    return optimizer((RowTensorInner(rows, values, (3, 2)),))


step(Tensor(rows.astype("int32")), Tensor(values.astype("float32")))
got = [x.asnumpy().astype(float) for x in (p, optimizer.moment1[0], optimizer.moment2[0])]

# As documented, in float64.
g, at = np.zeros_like(w), slice(None)
np.add.at(g, rows, values)  # repeated rows are summed
g = g + 0.25 * w
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (2.4e-07, 2.3e-07, 2.5e-07)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
