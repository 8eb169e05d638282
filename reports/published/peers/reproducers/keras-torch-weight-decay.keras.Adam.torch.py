"""keras.Adam.torch: weight_decay is taken from w, apart from the gradient, and the page does not say which.

keras ==3.15.1. To be run by the python of an environment that tox -e peer-keras makes. Exits with 1 where expected and got differ."""
import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np

lr, beta1, beta2, eps, t = 0.5, 0.9, 0.999, 0.001, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
values = np.full((3, 2), 1.0)
optimizer = keras.optimizers.Adam(lr, beta1, beta2, eps, weight_decay=0.1)
params = [keras.Variable(keras.ops.convert_to_tensor(w, "float32"), dtype="float32")]
optimizer.build(params)
moments = list(zip(optimizer._momentums, optimizer._velocities))
optimizer.apply([keras.ops.convert_to_tensor(values, "float32")], params)
to_numpy = keras.ops.convert_to_numpy
got = [to_numpy(x).astype(float) for x in (params[0], *moments[0])]

# As documented, in float64.
g, at = values, slice(None)
g = g + 0.1 * w
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v[at]) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (3.4e-05, 3e-08, 5.2e-10)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
