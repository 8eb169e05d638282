"""mindspore.Adam.amsgrad.graph: With a dense gradient the compiled step keeps subnormal numbers in its first four launches, makes them zero in the next ten, and keeps them again.

mindspore >=2.10,<2.11. Exits with 1 where expected and got differ."""
import mindspore as ms
import numpy as np
from mindspore import Tensor

ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
lr, beta1, beta2, eps = 0.25, 0.5, 0.75, 0.0009765625
w, m, v = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))
v_max = v.copy()
steps = [
    np.float32([[1e-39, 1e-39], [2e-39, 0.0]]).astype(float),
    np.float32([[1e-39, 1e-39], [2e-39, 0.0]]).astype(float),
    np.float32([[1e-39, 1e-39], [2e-39, 0.0]]).astype(float),
    np.float32([[1e-39, 1e-39], [2e-39, 0.0]]).astype(float),
    np.float32([[1e-39, 1e-39], [2e-39, 0.0]]).astype(float),
]
t = 1000
bounds = [
    (1.3e-42, 1.6e-45, 2.2e-45, 2.2e-45),
    (2.8e-42, 2.6e-45, 3.7e-45, 3.7e-45),
    (4.5e-42, 3.1e-45, 4.9e-45, 4.9e-45),
    (6.3e-42, 3.4e-45, 5.8e-45, 5.8e-45),
    (8.2e-42, 3.6e-45, 6.5e-45, 6.5e-45),
]
p = ms.Parameter(Tensor(w.astype("float32")), name="p")
optimizer = ms.nn.Adam([p], lr, beta1, beta2, eps, use_amsgrad=True)
for tensor, x in ((optimizer.moment1[0], m), (optimizer.moment2[0], v), (optimizer.vhat[0], v_max)):
    tensor.set_data(Tensor(x.astype("float32")))
optimizer.global_step.set_data(Tensor(np.array([1000], np.int32)))
for tensor, beta in ((optimizer.beta1_power, beta1), (optimizer.beta2_power, beta2)):
    power = np.multiply.accumulate(np.full(1000, beta, np.float32))[-1]
    tensor.set_data(Tensor(np.full(tensor.shape, power)))
worst = {}
for k, values in enumerate(steps, 1):
    optimizer((Tensor(values.astype("float32")),))
    got = [x.asnumpy().astype(float) for x in (p, optimizer.moment1[0], optimizer.moment2[0], optimizer.vhat[0])]

    # As documented, in float64.
    t += 1
    g, at = values, slice(None)
    m[at] = beta1 * m[at] + (1 - beta1) * g[at]
    v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
    v_max[at] = np.maximum(v_max[at], v[at])
    w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v_max[at] / (1 - beta2**t)) + eps)
    for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, bounds[k - 1]):
        error = np.nan_to_num(np.abs(y - x), nan=np.inf)
        ratio = np.nan_to_num(error / np.maximum(bound, 1e-300))
        j = tuple(map(int, np.unravel_index(ratio.argmax(), x.shape)))
        line = f"{name}{j} after step {k}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off"
        worst[name] = max(worst.get(name, (-1, "")), (ratio[j], line))
for ratio, line in worst.values():
    print(line + ": WRONG" * bool(ratio > 1))
raise SystemExit(any(ratio > 1 for ratio, _ in worst.values()))
