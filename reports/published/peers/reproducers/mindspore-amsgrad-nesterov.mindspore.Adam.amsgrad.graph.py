"""mindspore.Adam.amsgrad.graph: nn.Adam(use_amsgrad=True, use_nesterov=True) takes no Nesterov step: the operator knows none.

mindspore >=2.10,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor

ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.5, 0.5, 0.75, 0.0009765625, 101
w, m, v = np.full((1, 2), 1.0), np.full((1, 2), -1.0), np.full((1, 2), 1.0)
v_max = v.copy()
values = np.full((1, 2), 4.0)
p = ms.Parameter(Tensor(w.astype("float32")), name="p")
optimizer = ms.nn.Adam([p], lr, beta1, beta2, eps, use_nesterov=True, use_amsgrad=True)
for tensor, x in ((optimizer.moment1[0], m), (optimizer.moment2[0], v), (optimizer.vhat[0], v_max)):
    tensor.set_data(Tensor(x.astype("float32")))
optimizer.global_step.set_data(Tensor(np.array([100], np.int32)))
for tensor, beta in ((optimizer.beta1_power, beta1), (optimizer.beta2_power, beta2)):
    power = np.multiply.accumulate(np.full(100, beta, np.float32))[-1]
    tensor.set_data(Tensor(np.full(tensor.shape, power)))
Tensor(np.full(4096, 1e9, np.float32)) + 0  # leaves numbers in the memory pool
optimizer((Tensor(values.astype("float32")),))
got = [x.asnumpy().astype(float) for x in (p, optimizer.moment1[0], optimizer.moment2[0], optimizer.vhat[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
v_max[at] = np.maximum(v_max[at], v[at])
w[at] -= lr * (beta1 * m[at] + (1 - beta1) * g[at]) / (1 - beta1**t) / (np.sqrt(v_max[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (5.9e-07, 5.1e-07, 1.2e-06, 1.2e-06)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
