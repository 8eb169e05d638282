"""mindspore.experimental.AdamW: Parameters of float64 are taken, and m and v are rounded to float32 where the step reads them.

mindspore >=2.10,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.experimental import optim

ms.set_context(mode=ms.PYNATIVE_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.25, 0.5, 0.75, 0.0009765625, 2
w, m, v = np.zeros((2, 2)), np.full((2, 2), 0.3333333333333333), np.full((2, 2), 0.3333333333333333)
values = np.array([[0.3333333333333333, 1.0], [-0.7, 0.3]])
p = ms.Parameter(Tensor(w.astype("float64")), name="p")
optimizer = optim.AdamW([{"params": [p], "lr": lr, "betas": (beta1, beta2), "eps": eps, "weight_decay": 0.0}])
optimizer.exp_avg[0].set_data(Tensor(m.astype("float64")))
optimizer.exp_avg_sq[0].set_data(Tensor(v.astype("float64")))
optimizer.state_step.set_data(Tensor(1, ms.int32))
optimizer((Tensor(values.astype("float64")),))
got = [x.asnumpy().astype(float) for x in (p, optimizer.exp_avg[0], optimizer.exp_avg_sq[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (1.2e-07, 5.2e-16, 4.3e-16)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.17g}, got {y[j]:.17g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
