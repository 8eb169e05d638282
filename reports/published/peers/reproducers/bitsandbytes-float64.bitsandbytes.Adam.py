"""bitsandbytes.Adam: Parameters of float64 are taken, and computed in float32: v is 5e-8 off, of a type that has 16 digits.

bitsandbytes ==0.50.2. To be run by the python of an environment that tox -e peer-bitsandbytes makes. Exits with 1 where expected and got differ."""
import bitsandbytes
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.full((6, 4), 1.0)
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float64))
optimizer = bitsandbytes.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.0, optim_bits=32)
p.grad = torch.tensor(values, dtype=torch.float64)
optimizer.step()
state = optimizer.state[p]
got = [x.detach().double().numpy() for x in (p, state["state1"], state["state2"])]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (2.7e-18, 6.7e-17, 8.9e-19)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.17g}, got {y[j]:.17g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
