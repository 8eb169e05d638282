"""keras.Adam.legacy.amsgrad: TensorFlow runs its operators with subnormal numbers flushed to zero: in float64 too a sparse gradient, or moment, may lose them.

keras ==2.15.0. To be run by the python of an environment that tox -e peer-tensorflow-addons makes. Exits with 1 where expected and got differ."""
import numpy as np
import tensorflow as tf

lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 1e-08, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
v_max = v.copy()
rows, values = np.array([2, 0], int), np.full((2, 2), 8.487983164e-314)
optimizer = tf.keras.optimizers.legacy.Adam(lr, beta1, beta2, eps, amsgrad=True)
params = [tf.Variable(tf.cast(w, "float64"))]
optimizer._create_all_weights(params)
moments = [[optimizer.get_slot(p, name) for name in ("m", "v", "vhat")] for p in params]
optimizer.apply_gradients(zip([tf.IndexedSlices(tf.cast(values, "float64"), tf.constant(rows), tf.constant(w.shape))], params))
got = [tf.cast(x, tf.float64).numpy() for x in (params[0], *moments[0])]

# As documented, in float64.
g, at = np.zeros_like(w), slice(None)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
v_max[at] = np.maximum(v_max[at], v[at])
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v_max[at]) + eps)
wrong = False
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (2.3e-16, 2.1e-321, 3e-323, 3e-323)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.17g}, got {y[j]:.17g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
