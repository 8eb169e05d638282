"""torch.SparseAdam: SparseAdam, 'a masked version of the Adam algorithm', adds epsilon to √v; Adam's page adds it to √v̂.

torch >=2.13,<2.16. Exits with 1 where expected and got differ."""
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 0.0078125, 1
w, m, v = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2))
rows, values = np.array([2, 0], int), np.array([[1.0, 2.0], [4.0, -1.0]])
x = torch.tensor(w, dtype=torch.float32)
p = torch.nn.Parameter(x)
optimizer = torch.optim.SparseAdam([p], lr=lr, betas=(beta1, beta2), eps=eps)
p.grad = torch.sparse_coo_tensor(rows[None], torch.tensor(values, dtype=torch.float32), p.shape)
optimizer.step()
state = optimizer.state[p]
tensors = {"w": p.detach(), "m": state["exp_avg"], "v": state["exp_avg_sq"]}
got = {name: x.double().numpy() for name, x in tensors.items()}

# As documented, in float64.
g, at = np.zeros_like(w), np.unique(rows)
np.add.at(g, rows, values)  # repeated rows are summed
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, bound in (("w", w, 1.1e-07), ("m", m, 7.7e-08), ("v", v, 4.6e-09)):
    error = np.nan_to_num(np.abs(got[name] - x), nan=np.inf)
    i = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{i}: expected {x[i]:.9g}, got {got[name][i]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[i] > bound)
raise SystemExit(wrong)
