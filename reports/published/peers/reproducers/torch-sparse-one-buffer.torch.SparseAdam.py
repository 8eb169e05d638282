"""torch.SparseAdam: SparseAdam on the CPU adds the storage offset twice where the gradient of a parameter of rank 1 has one row: it writes beside the parameter, and leaves the row as it was.

torch >=2.0,<2.16. Exits with 1 where expected and got differ."""
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 9.5367431640625e-07, 1
w, m, v = np.zeros((3,)), np.zeros((3,)), np.zeros((3,))
rows, values = np.array([0], int), np.full((1,), 1.0)
sizes = [w.size]
buffer = torch.zeros(2 * (1 + sum(sizes)), dtype=torch.float32)
parts = buffer[1 : 1 + sum(sizes)].split(sizes)
p = torch.nn.Parameter(parts[0].view(w.shape))
p.data.copy_(torch.tensor(w, dtype=torch.float32))
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
for name, x, y, bound in zip("wmv", (w, m, v), got, (1.2e-07, 2e-08, 2.9e-10)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
