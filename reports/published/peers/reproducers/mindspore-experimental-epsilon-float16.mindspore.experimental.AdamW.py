"""mindspore.experimental.AdamW: The default epsilon of 1e-8 is 0 in float16: a gradient of zero divides 0 by 0.

mindspore >=2.10,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.experimental import optim

ms.set_context(mode=ms.PYNATIVE_MODE, device_target="CPU")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.zeros((6, 4))
p = ms.Parameter(Tensor(w.astype("float16")), name="p")
optimizer = optim.AdamW([{"params": [p], "lr": lr, "betas": (beta1, beta2), "eps": eps, "weight_decay": 0.0}])
optimizer((Tensor(values.astype("float16")),))
got = [x.asnumpy().astype(float) for x in (p, optimizer.exp_avg[0], optimizer.exp_avg_sq[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (3.1, 6e-08, 9e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
