"""bitsandbytes.Adam: On the CPU Adam takes weight decay from w, apart from the gradient, as AdamW does.

bitsandbytes ==0.50.2. To be run by the python of an environment that tox -e peer-bitsandbytes makes. Exits with 1 where expected and got differ."""
import bitsandbytes
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 0.001, 1
w, m, v = (
    np.array([811501.5625, 520603.5, -564219.0, -334312.6875, -336917.9375, -990.006103515625, -206532.546875]),
    np.zeros((7,)),
    np.zeros((7,)),
)
values = np.array([0.0, 0.0, -0.0, -0.0, -0.3369179368019104, -0.0, 0.0])
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = bitsandbytes.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.001, optim_bits=32)
p.grad = torch.tensor(values, dtype=torch.float32)
optimizer.step()
state = optimizer.state[p]
got = [x.detach().double().numpy() for x in (p, state["state1"], state["state2"])]

# As documented, in float64.
g, at = values, slice(None)
g = g + 0.001 * w
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (0.049, 3.5e-05, 0.00049)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
