"""torch.Adam.amsgrad.foreach: The default epsilon of 1e-8 is 0 in float16: a gradient of zero divides 0 by 0.

torch >=2.10,<2.16. Exits with 1 where expected and got differ."""
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
v_max = v.copy()
values = np.zeros((3, 2))
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float16))
optimizer = torch.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps, foreach=True, amsgrad=True)
p.grad = torch.tensor(values, dtype=torch.float16)
optimizer.step()
state = optimizer.state[p]
got = [x.detach().double().numpy() for x in (p, state["exp_avg"], state["exp_avg_sq"], state["max_exp_avg_sq"])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
v_max[at] = np.maximum(v_max[at], v[at])
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v_max[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (3.1, 6e-08, 9e-08, 9e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
