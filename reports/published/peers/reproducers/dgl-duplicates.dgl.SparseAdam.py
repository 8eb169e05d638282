"""dgl.SparseAdam: Gradients of a row that was looked up several times are averaged, where their sum is the gradient.

dgl ==1.1.3. To be run by the python of an environment that tox -e peer-dgl makes. Exits with 1 where expected and got differ."""
import dgl
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
rows, values = np.array([0, 0], int), np.array([[1.0, -2.0], [3.0, 4.0]])
p = dgl.nn.NodeEmbedding(len(w), w[0].size, "table", init_func=lambda table: table.copy_(torch.tensor(w).reshape(table.shape)))
adam = dgl.optim.SparseAdam([p], lr, (beta1, beta2), eps)
p(torch.tensor(rows)).backward(torch.tensor(values.reshape(len(rows), -1), dtype=torch.float32))
adam.zero_grad()
adam.step()
got = [x.numpy().astype(float).reshape(w.shape) for x in (p.weight, *p.optm_state[1:])]

# As documented, in float64.
g, at = np.zeros_like(w), np.unique(rows)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (1.3e-07, 1.1e-07, 6.5e-09)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
