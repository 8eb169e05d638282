"""keras.Adam.jax: JAX on the CPU makes subnormal numbers zero, whatever operation of a step meets them.

keras ==3.15.1. To be run by the python of an environment that tox -e peer-keras makes. Exits with 1 where expected and got differ."""
import os

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.float32([[6.428485e-38, 2.4979255e-38, 2.020381e-39, -4.2244328e-38], [-3.526483e-38, -8.4488656e-38, -7.78765e-38, -8.889676e-38], [-5.95094e-38, 5.730535e-38, 2.7366978e-38, 7.567245e-38], [6.42848e-40, 1.956096e-38, 8.6325366e-38, 4.2060657e-38], [2.424457e-38, 7.989688e-39, 1.0928424e-38, 8.008055e-38], [-4.095863e-38, 5.8040034e-38, 3.122407e-38, -9.1468154e-38]]).astype(float)
optimizer = keras.optimizers.Adam(lr, beta1, beta2, eps)
params = [keras.Variable(keras.ops.convert_to_tensor(w, "bfloat16"), dtype="bfloat16")]
optimizer.build(params)
moments = list(zip(optimizer._momentums, optimizer._velocities))
optimizer.apply([keras.ops.convert_to_tensor(values, "bfloat16")], params)
to_numpy = keras.ops.convert_to_numpy
got = [to_numpy(x).astype(float) for x in (params[0], *moments[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v[at]) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (2.9e-34, 2.1e-40, 1.4e-40)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
