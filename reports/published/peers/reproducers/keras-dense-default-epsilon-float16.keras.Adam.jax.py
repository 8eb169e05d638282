"""keras.Adam.jax: The default epsilon of 1e-8 is 0 in float16: a gradient of zero divides 0 by 0.

keras ==3.15.1. To be run by the python of an environment that tox -e peer-keras makes. Exits with 1 where expected and got differ."""
import os

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.zeros((6, 4))
optimizer = keras.optimizers.Adam(lr, beta1, beta2, eps)
params = [keras.Variable(keras.ops.convert_to_tensor(w, "float16"), dtype="float16")]
optimizer.build(params)
moments = list(zip(optimizer._momentums, optimizer._velocities))
optimizer.apply([keras.ops.convert_to_tensor(values, "float16")], params)
to_numpy = keras.ops.convert_to_numpy
got = [to_numpy(x).astype(float) for x in (params[0], *moments[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v[at]) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (3.0, 6e-08, 9e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
