"""paddle.Adam.amsgrad.lazy: The formula of the page adds epsilon to √v; with a sparse gradient it is added to √v̂.

paddle ==3.3.1. To be run by the python of an environment that tox -e peer-paddle makes. Exits with 1 where expected and got differ."""
import numpy as np
import paddle

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 0.1, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
v_max = v.copy()
rows, values = np.array([0, 2], int), np.array([[1.0, -2.0], [3.0, 4.0]])
p = paddle.nn.Parameter(paddle.to_tensor(w, "float32"))
adam = paddle.optimizer.Adam(lr, beta1, beta2, eps, [p], lazy_mode=True, amsgrad=True)
adam._create_accumulators(paddle.static.default_main_program().global_block(), [p])
for name, x in [("moment1", m), ("moment2", v), ("beta1_pow_acc", np.multiply.reduce(np.full(1, beta1, 'float32'))), ("beta2_pow_acc", np.multiply.reduce(np.full(1, beta2, 'float32'))), ("moment2_max", v_max)]:
    tensor = adam._get_accumulator(name, p)
    tensor.set_value(paddle.to_tensor(np.reshape(x, tensor.shape), "float32"))
p._set_grad_type(paddle.base.core.VarDesc.VarType.SELECTED_ROWS)
table = paddle.nn.Parameter(paddle.zeros([len(w), w[0].size], "float32"))
paddle.nn.functional.embedding(paddle.to_tensor(rows), table, sparse=True).backward(paddle.to_tensor(values.reshape(len(rows), w[0].size), "float32"))
p.grad = table.grad
adam.step()
got = [x.numpy().astype(float).reshape(w.shape) for x in (p, adam._get_accumulator("moment1", p), adam._get_accumulator("moment2", p), adam._get_accumulator("moment2_max", p))]

# As documented, in float64.
g, at = np.zeros_like(w), np.unique(rows)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
v_max[at] = np.maximum(v_max[at], v[at])
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v_max[at]) + eps)
wrong = False
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (6.2e-08, 1.7e-07, 2.1e-07, 2.1e-07)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
