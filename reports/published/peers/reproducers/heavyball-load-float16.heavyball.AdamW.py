"""heavyball.AdamW: HeavyBall keeps moments in float32, but a state that is loaded is rounded to the float16 of its parameter, and stays so; beside it an old moment weighs too much after steps without a gradient.

heavyball ==3.2.1. To be run by the python of an environment that tox -e peer-heavyball makes. Exits with 1 where expected and got differ."""
import heavyball
import numpy as np
import torch

heavyball.utils.compile_mode = None
lr, beta1, beta2, eps = 0.125, 0.9, 0.999, 1e-08
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
steps = [
    np.full((3, 2), 0.0999755859375),
    np.full((3, 2), 0.300048828125),
    None,
    np.full((3, 2), 0.0999755859375),
]
t = 0
bounds = [
    (0.0018, 1.5e-05, 1.1e-07),
    (0.0031, 7.2e-05, 4e-07),
    (0.0031, 7.2e-05, 4e-07),
    (0.0045, 0.00014, 6.5e-07),
]
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float16))


def new():
    return heavyball.AdamW([p], lr=lr, betas=(beta1, beta2), eps=eps, consume_grad=False)


optimizer = new()
worst = {}
for k, values in enumerate(steps, 1):
    if k in [3]:
        saved = optimizer.state_dict()  # saved and loaded
        optimizer = new()
        optimizer.load_state_dict(saved)
    p.grad = None if values is None else torch.tensor(values, dtype=torch.float16)
    optimizer.step()
    state = optimizer.state.get(p, {}).get(0, {})
    count = int(optimizer.param_groups[0]["step_count"])
    m_got = state.get("update_by_adam_exp_avg_0", 0 * p).double() * (1 - beta1**count)
    v_got = state.get("update_by_adam_exp_avg_sq_0", 0 * p).double() * (1 - beta2**count)
    got = [x.detach().double().numpy() for x in (p, m_got, v_got)]

    # As documented, in float64.
    if values is not None:
        t += 1
        g, at = values, slice(None)
        m[at] = beta1 * m[at] + (1 - beta1) * g[at]
        v[at] = beta2 * v[at] + (1 - beta2) * g[at] ** 2
        w[at] -= lr * m[at] / (1 - beta1**t) / (np.sqrt(v[at] / (1 - beta2**t)) + eps)
    for name, x, y, bound in zip("wmv", (w, m, v), got, bounds[k - 1]):
        error = np.nan_to_num(np.abs(y - x), nan=np.inf)
        ratio = np.nan_to_num(error / np.maximum(bound, 1e-300))
        j = tuple(map(int, np.unravel_index(ratio.argmax(), x.shape)))
        line = f"{name}{j} after step {k}: expected {x[j]:.9g}, got {y[j]:.9g}; a correct one is at most {bound} off"
        worst[name] = max(worst.get(name, (-1, "")), (ratio[j], line))
    if count != t:
        worst["t"] = np.inf, f"t after step {k}: expected {t}, got {count}"
for ratio, line in worst.values():
    print(line + ": WRONG" * bool(ratio > 1))
raise SystemExit(any(ratio > 1 for ratio, _ in worst.values()))
