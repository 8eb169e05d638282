"""pytorch-optimizer.PAdam: PAdam and FlashAdamW count steps once a group: a parameter without a gradient counts too, where torch's Adam counts each by itself.

pytorch-optimizer ==4.1.0. To be run by the python of an environment that tox -e peer-pytorch-optimizer makes. Exits with 1 where expected and got differ."""
import pytorch_optimizer
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 0
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = pytorch_optimizer.PAdam([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.0, partial=0.5)
p.grad = None
optimizer.step()
state = optimizer.state[p]
got = [x.detach().double().numpy() for x in (p, state.get("exp_avg", 0 * p), state.get("exp_avg_sq", 0 * p))]
count = optimizer.param_groups[0]["step"]

# As documented, in float64: nothing changes.
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (0.0, 0.0, 0.0)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
if count != t:
    wrong = True
    print(f"t: expected {t}, got {count}")
raise SystemExit(wrong)
