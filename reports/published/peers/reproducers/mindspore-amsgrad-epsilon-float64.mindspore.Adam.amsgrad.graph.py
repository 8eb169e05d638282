"""mindspore.Adam.amsgrad.graph: In float64 too nn.Adam(use_amsgrad=True) has ε beside the root of the stored second moment.

mindspore >=2.10,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor

ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 0.0078125, 1
w, m, v = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2))
v_max = v.copy()
values = np.array([[1.0, 2.0], [4.0, -1.0], [0.5, 3.0]])
p = ms.Parameter(Tensor(w.astype("float64")), name="p")
optimizer = ms.nn.Adam([p], lr, beta1, beta2, eps, use_amsgrad=True)
optimizer((Tensor(values.astype("float64")),))
got = [x.asnumpy().astype(float) for x in (p, optimizer.moment1[0], optimizer.moment2[0], optimizer.vhat[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
v_max[at] = np.maximum(v_max[at], v[at])
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v_max[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (4.1e-16, 9.6e-08, 2.1e-07, 2.1e-07)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.17g}, got {y[j]:.17g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
