"""torch.SparseAdam: SparseAdam, 'a masked version of the Adam algorithm', adds epsilon to √v; Adam's page adds it to √v̂.

torch >=2.10,<2.16. Exits with 1 where expected and got differ."""
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 0.0078125, 1
w, m, v = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2))
rows, values = np.array([2, 0], int), np.array([[1.0, 2.0], [4.0, -1.0]])
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = torch.optim.SparseAdam([p], lr=lr, betas=(beta1, beta2), eps=eps)
p.grad = torch.sparse_coo_tensor(rows[None], torch.tensor(values, dtype=torch.float32), p.shape)
optimizer.step()
state = optimizer.state[p]
got = [x.detach().double().numpy() for x in (p, state["exp_avg"], state["exp_avg_sq"])]

# As documented, in float64.
g, at = np.zeros_like(w), np.unique(rows)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (1.2e-07, 7.8e-08, 4.6e-09)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
