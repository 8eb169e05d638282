"""keras.Adam.jax: In float64 too JAX on the CPU makes subnormal numbers zero.

keras ==3.15.1. To be run by the python of an environment that tox -e peer-keras makes. Exits with 1 where expected and got differ."""
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"
import keras
import numpy as np

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.array([[6.927e-321, 2.7e-321, 2.17e-322, -4.555e-321], [-3.804e-321, -9.08e-321, -8.4e-321, -9.555e-321], [-6.423e-321, 6.186e-321, 2.945e-321, 8.15e-321], [7e-323, 2.105e-321, 9.3e-321, 4.526e-321], [2.61e-321, 8.6e-322, 1.176e-321, 8.597e-321], [-4.407e-321, 6.235e-321, 3.37e-321, -9.83e-321]])
optimizer = keras.optimizers.Adam(lr, beta1, beta2, eps)
params = [keras.Variable(keras.ops.convert_to_tensor(w, "float64"), dtype="float64")]
optimizer.build(params)
moments = list(zip(optimizer._momentums, optimizer._velocities))
optimizer.apply([keras.ops.convert_to_tensor(values, "float64")], params)
to_numpy = keras.ops.convert_to_numpy
got = [to_numpy(x).astype(float) for x in (params[0], *moments[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v[at]) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (9.9e-316, 2e-323, 3e-323)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.17g}, got {y[j]:.17g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
