"""mlx.Adam.default: The default epsilon of 1e-8 is 0 in float16: a gradient of zero divides 0 by 0.

mlx ==0.32.4. To be run by the python of an environment that tox -e peer-mlx makes. Exits with 1 where expected and got differ."""
import mlx.core as mx
import mlx.optimizers
import numpy as np

mx.set_default_device(mx.cpu)
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.zeros((6, 4))
optimizer = mlx.optimizers.Adam(lr, [beta1, beta2], eps, bias_correction=False)
params = {"p0": mx.array(w, dtype=mx.float16)}
optimizer.init(params)
optimizer.state["p0"].update(m=mx.array(m, dtype=mx.float16), v=mx.array(v, dtype=mx.float16))
params |= optimizer.apply_gradients({"p0": mx.array(values, dtype=mx.float16)}, params)
state = optimizer.state["p0"]["m"], optimizer.state["p0"]["v"]
got = [np.array(x.astype(mx.float32)).astype(float) for x in (params["p0"], *state)]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (np.sqrt(v[at]) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (3.0, 6e-08, 9e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
