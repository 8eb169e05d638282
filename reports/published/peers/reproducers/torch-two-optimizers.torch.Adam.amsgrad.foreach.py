"""torch.Adam.amsgrad.foreach: Adam: where a state is loaded into a second optimizer of the same process, the two share m and v and the step count: a step of one changes the other.

torch >=2.1,<2.16. Exits with 1 where expected and got differ."""
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.125, 0.9, 0.999, 9.5367431640625e-07, 2
w, m, v = np.zeros((2, 2)), np.full((2, 2), 0.125), np.full((2, 2), 0.0625)
v_max = v.copy()
values = np.array([[1.0, -1.0], [2.0, 1.0]])
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = torch.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps, foreach=True, amsgrad=True)
moments = [torch.tensor(x, dtype=torch.float32) for x in (m, v, v_max)]
optimizer.state[p] = dict(zip(("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"), (torch.tensor(1.0), *moments)))
first, q, saved = optimizer, p, optimizer.state_dict()  # saved and loaded
p = torch.nn.Parameter(p.detach().clone())
optimizer = torch.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps, foreach=True, amsgrad=True)
optimizer.load_state_dict(saved)
q.grad = torch.ones_like(q)
first.step()  # it goes on beside
p.grad = torch.tensor(values, dtype=torch.float32)
optimizer.step()
state = optimizer.state[p]
got = [x.detach().double().numpy() for x in (p, state["exp_avg"], state["exp_avg_sq"], state["max_exp_avg_sq"])]
count = int(state.get("step", 0))

# As documented, in float64.
g, at = values, slice(None)
m[at] = beta1 * m[at] + (1 - beta1) * g[at]
v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
v_max[at] = np.maximum(v_max[at], v[at])
w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v_max[at] / (1 - beta2**t)) + eps)
wrong = False
for name, x, y, bound in zip(("w", "m", "v", "v_max"), (w, m, v, v_max), got, (3.1e-08, 6.1e-08, 1.4e-08, 1.4e-08)):
    error = np.nan_to_num(np.abs(y - x), nan=np.inf)
    j = tuple(map(int, np.unravel_index(error.argmax(), x.shape)))
    print(f"{name}{j}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off")
    wrong |= bool(error[j] > bound)
if count != t:
    wrong = True
    print(f"t: expected {t}, got {count}")
raise SystemExit(wrong)
