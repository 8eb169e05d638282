"""pytorch-optimizer.PAdam: The default epsilon of 1e-8 is 0 in float16: a gradient of zero divides 0 by 0.

pytorch-optimizer ==4.1.0. To be run by the python of an environment that tox -e peer-pytorch-optimizer makes. Exits with 1 where expected and got differ."""
import pytorch_optimizer
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.zeros((6, 4))
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float16))
optimizer = pytorch_optimizer.PAdam([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.0, partial=0.5)
p.grad = torch.tensor(values, dtype=torch.float16)
optimizer.step()
state = optimizer.state[p]
got = [x.detach().double().numpy() for x in (p, state["exp_avg"], state["exp_avg_sq"])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
alpha = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
w[at] -= alpha * m[at] / (np.sqrt(v[at]) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (3.0, 6e-08, 9e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
