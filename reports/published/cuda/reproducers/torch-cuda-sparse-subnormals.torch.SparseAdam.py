"""torch.SparseAdam: SparseAdam on CUDA makes subnormal numbers of m and v zero: a gradient of two rows or more is added by atom.add.f32, which flushes them.

torch >=2.11,<2.12. Exits with 1 where expected and got differ."""
import numpy as np
import torch

torch.set_default_device("cuda")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
rows, values = np.array([0, 1, 2, 3, 4, 5], int), np.float32([[9.82e-43, 3.83e-43, 3.1e-44, -6.46e-43], [-5.4e-43, -1.288e-42, -1.191e-42, -1.355e-42], [-9.11e-43, 8.77e-43, 4.18e-43, 1.156e-42], [1e-44, 2.98e-43, 1.319e-42, 6.42e-43], [3.7e-43, 1.22e-43, 1.67e-43, 1.219e-42], [-6.25e-43, 8.84e-43, 4.78e-43, -1.394e-42]]).astype(float)
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = torch.optim.SparseAdam([p], lr=lr, betas=(beta1, beta2), eps=eps)
p.grad = torch.sparse_coo_tensor(rows[None], torch.tensor(values, dtype=torch.float32), p.shape)
optimizer.step()
state = optimizer.state[p]
got = [x.detach().cpu().double().numpy() for x in (p, state["exp_avg"], state["exp_avg_sq"])]

# As documented, in float64.
g, at = np.zeros_like(w), np.unique(rows)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (7.2e-38, 1.5e-45, 2.2e-45)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
