"""keras.Adam.legacy.amsgrad: TensorFlow runs its operators with subnormal numbers flushed to zero: a sparse gradient, or moment, may lose them.

keras ==2.15.0. To be run by the python of an environment that tox -e peer-tensorflow-addons makes. Exits with 1 where expected and got differ."""
import numpy as np
import tensorflow as tf

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
v_max = v.copy()
rows, values = np.array([0, 1, 2, 3, 4, 5], int), np.full((6, 4), 2.9938371747505135e-38)
optimizer = tf.keras.optimizers.legacy.Adam(lr, beta1, beta2, eps, amsgrad=True)
params = [tf.Variable(tf.cast(w, "float32"))]
optimizer._create_all_weights(params)
moments = [[optimizer.get_slot(p, name) for name in ("m", "v", "vhat")] for p in params]
optimizer.apply_gradients(zip([tf.IndexedSlices(tf.cast(values, "float32"), tf.constant(rows), tf.constant(w.shape))], params))
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
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (7.4e-38, 2.7e-45, 2.2e-45, 2.2e-45)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
