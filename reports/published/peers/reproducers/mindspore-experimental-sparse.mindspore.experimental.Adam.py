"""mindspore.experimental.Adam: In PyNative mode a sparse gradient made from rows and values is taken, the step counts, and nothing else happens; nothing is said.

mindspore >=2.10,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.common.sparse_tensor import RowTensorInner
from mindspore.experimental import optim

ms.set_context(mode=ms.PYNATIVE_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
rows, values = np.array([0], int), np.full((1, 4), 1.0)
p = ms.Parameter(Tensor(w.astype("float32")), name="p")
optimizer = optim.Adam([{"params": [p], "lr": lr, "betas": (beta1, beta2), "eps": eps, "weight_decay": 0.0}])
optimizer((RowTensorInner(Tensor(rows.astype("int32")), Tensor(values.astype("float32")), p.shape),))
got = [x.asnumpy().astype(float) for x in (p, optimizer.exp_avg[0], optimizer.exp_avg_sq[0])]

# As documented, in float64.
g, at = np.zeros_like(w), np.unique(rows)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (6.2e-08, 4.2e-08, 1.4e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
