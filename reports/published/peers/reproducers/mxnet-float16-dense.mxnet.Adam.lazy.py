"""mxnet.Adam.lazy: Of dense float16 gradients Adam rounds β1 and β2 to float16, and takes 1 − β of that: with β2 = 0.999 v is 2.3 % off.

mxnet ==1.9.1. To be run by the python of an environment that tox -e peer-mxnet makes. Exits with 1 where expected and got differ."""
import mxnet as mx
import numpy as np


def of_rows(x, rows, shape):
    return mx.nd.sparse.row_sparse_array((x, rows), shape=shape, dtype="float16")


lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.full((6, 4), 1.0)
adam = mx.optimizer.Adam(lr, beta1, beta2, eps, lazy_update=True)
update = mx.optimizer.get_updater(adam)
params = {}
params[0] = of_rows(w, np.arange(len(w)), w.shape)
update.states_synced[0] = True
update.states[0] = of_rows(m, np.arange(len(m)), m.shape), of_rows(v, np.arange(len(v)), v.shape)
update(0, mx.nd.array(values, dtype="float16"), params[0])
got = [x.asnumpy().astype(float) for x in (params[0], *update.states[0])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v[at]) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (6.5e-06, 0.00015, 2.1e-06)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
