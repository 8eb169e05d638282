"""dgl.SparseAdam: Each row counts the steps in which it had a gradient, where the page has one t.

dgl ==1.1.3. To be run by the python of an environment that tox -e peer-dgl makes. Exits with 1 where expected and got differ."""
import dgl
import numpy as np
import torch

lr, beta1, beta2, eps = 0.001, 0.9, 0.999, 1e-08
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
steps = [
    (np.array([0], int), np.array([[1.0, -2.0]])),
    (np.array([0, 1], int), np.array([[3.0, 4.0], [-1.0, 2.0]])),
]
t = 0
bounds = [(1.3e-07, 3.9e-08, 1.2e-09), (2.3e-07, 1.5e-07, 6.5e-09)]
p = dgl.nn.NodeEmbedding(len(w), w[0].size, "table", init_func=lambda table: table.copy_(torch.tensor(w).reshape(table.shape)))
adam = dgl.optim.SparseAdam([p], lr, (beta1, beta2), eps)
worst = {}
for k, (rows, values) in enumerate(steps, 1):
    p(torch.tensor(rows)).backward(torch.tensor(values.reshape(len(rows), -1), dtype=torch.float32))
    adam.zero_grad()
    adam.step()
    got = [x.numpy().astype(float).reshape(w.shape) for x in (p.weight, *p.optm_state[1:])]
    count = p.optm_state[0].max().item()

    # As documented, in float64.
    t += 1
    g, at = np.zeros_like(w), np.unique(rows)
    np.add.at(g, rows, values)  # repeated rows are summed
    m[at] = beta1 * m[at] + (1 - beta1) * g[at]
    v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
    w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
    for name, x, y, bound in zip("wmv", (w, m, v), got, bounds[k - 1]):
        error = np.nan_to_num(np.abs(y - x), nan=np.inf)
        ratio = np.nan_to_num(error / np.maximum(bound, 1e-300))
        j = tuple(map(int, np.unravel_index(ratio.argmax(), x.shape)))
        line = f"{name}{j} after step {k}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off"
        worst[name] = max(worst.get(name, (-1, "")), (ratio[j], line))
    if count != t:
        worst["t"] = np.inf, f"t after step {k}: expected {t}, got {count}"
for ratio, line in worst.values():
    print(line + ": WRONG" * bool(ratio > 1))
raise SystemExit(any(ratio > 1 for ratio, _ in worst.values()))
