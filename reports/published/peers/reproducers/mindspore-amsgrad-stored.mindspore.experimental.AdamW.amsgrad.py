"""mindspore.experimental.AdamW.amsgrad: experimental.AdamW(amsgrad=True) divides by the largest v that there was, corrected now, and not by the largest v̂, as documented.

mindspore >=2.10,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor
from mindspore.experimental import optim

ms.set_context(mode=ms.PYNATIVE_MODE, device_target="CPU")
lr, beta1, beta2, eps = 0.5, 0.5, 0.75, 0.0009765625
w, m, v = np.full((1, 2), 1.0), np.full((1, 2), 1.0), np.full((1, 2), 1.0)
v_max = v.copy()
steps = [np.zeros((1, 2)), np.zeros((1, 2))]
t = 3
bounds = [(2.9e-07, 1.5e-07, 1.7e-07, 6.6e-07), (4.7e-07, 1.5e-07, 2.5e-07, 6.6e-07)]
p = ms.Parameter(Tensor(w.astype("float32")), name="p")
optimizer = optim.AdamW([{"params": [p], "lr": lr, "betas": (beta1, beta2), "eps": eps, "weight_decay": 0.0, "amsgrad": True}])
optimizer.exp_avg[0].set_data(Tensor(m.astype("float32")))
optimizer.exp_avg_sq[0].set_data(Tensor(v.astype("float32")))
optimizer.max_exp_avg_sq[0].set_data(Tensor(v_max.astype("float32")))
optimizer.state_step.set_data(Tensor(3, ms.int32))
worst = {}
for k, values in enumerate(steps, 1):
    optimizer((Tensor(values.astype("float32")),))
    got = [x.asnumpy().astype(float) for x in (p, optimizer.exp_avg[0], optimizer.exp_avg_sq[0], optimizer.max_exp_avg_sq[0])]

    # As documented, in float64.
    t += 1
    g, at = values, slice(None)
    m[at] = beta1 * m[at] + (1 - beta1) * g[at]
    v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
    v_max[at] = np.maximum(v_max[at], v[at] / (1 - beta2**t))
    w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v_max[at]) + eps)
    for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, bounds[k - 1]):
        error = np.nan_to_num(np.abs(y - x), nan=np.inf)
        ratio = np.nan_to_num(error / np.maximum(bound, 1e-300))
        j = tuple(map(int, np.unravel_index(ratio.argmax(), x.shape)))
        line = f"{name}{j} after step {k}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off"
        worst[name] = max(worst.get(name, (-1, "")), (ratio[j], line))
for ratio, line in worst.values():
    print(line + ": WRONG" * bool(ratio > 1))
raise SystemExit(any(ratio > 1 for ratio, _ in worst.values()))
