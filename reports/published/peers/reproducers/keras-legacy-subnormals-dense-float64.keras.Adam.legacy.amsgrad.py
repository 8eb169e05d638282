"""keras.Adam.legacy.amsgrad: TensorFlow runs its operators with subnormal numbers flushed to zero: in float64 too a dense gradient, or moment, may lose them.

keras ==2.15.0. To be run by the python of an environment that tox -e peer-tensorflow-addons makes. Exits with 1 where expected and got differ."""
import numpy as np
import tensorflow as tf

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
v_max = v.copy()
values = np.full((6, 4), 5.666984983385529e-308)
optimizer = tf.keras.optimizers.legacy.Adam(lr, beta1, beta2, eps, amsgrad=True)
params = [tf.Variable(tf.cast(w, "float64"))]
optimizer._create_all_weights(params)
moments = [[optimizer.get_slot(p, name) for name in ("m", "v", "vhat")] for p in params]
optimizer.apply_gradients(zip([tf.cast(values, "float64")], params))
got = [tf.cast(x, tf.float64).numpy() for x in (params[0], *moments[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
v_max[at] = np.maximum(v_max[at], v[at])
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v_max[at]) + eps)
wrong = False
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (1.2e-309, 1.4e-315, 3e-323, 3e-323)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.17g}, got {y[j]:.17g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
