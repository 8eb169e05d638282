"""heavyball.AdamW: HeavyBall's AdamW divides by √v̂ or by ε, whichever is greater; the algorithm of the paper that it names divides by √v̂ + ε.

heavyball ==3.2.1. To be run by the python of an environment that tox -e peer-heavyball makes. Exits with 1 where expected and got differ."""
import heavyball
import numpy as np
import torch

heavyball.utils.compile_mode = None
lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 1.0, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
values = np.full((3, 2), 0.5)
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = heavyball.AdamW([p], lr=lr, betas=(beta1, beta2), eps=eps, consume_grad=False)
p.grad = torch.tensor(values, dtype=torch.float32)
optimizer.step()
state = optimizer.state.get(p, {}).get(0, {})
count = int(optimizer.param_groups[0]["step_count"])
m_got = state.get("update_by_adam_exp_avg_0", 0 * p).double() * (1 - beta1**count)
v_got = state.get("update_by_adam_exp_avg_sq_0", 0 * p).double() * (1 - beta2**count)
got = [x.detach().double().numpy() for x in (p, m_got, v_got)]

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip("wmv", (w, m, v), got, (9e-08, 2.1e-08, 3.3e-09)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
raise SystemExit(wrong)
