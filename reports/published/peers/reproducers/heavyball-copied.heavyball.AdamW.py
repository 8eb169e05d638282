"""heavyball.AdamW: A copy of HeavyBall's AdamW can't take a step: it lacks attributes of the optimizer that torch's Optimizer does not copy.

heavyball ==3.2.1. To be run by the python of an environment that tox -e peer-heavyball makes. Exits with 1 where expected and got differ."""
import heavyball
import copy

import numpy as np
import torch

heavyball.utils.compile_mode = None
lr, beta1, beta2, eps = 0.125, 0.9, 0.999, 1e-08
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
steps = [np.full((3, 2), 0.5), np.full((3, 2), 0.5)]
print("expected: the step is taken")
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))


def new():
    return heavyball.AdamW([p], lr=lr, betas=(beta1, beta2), eps=eps, consume_grad=False)


optimizer = new()
for k, values in enumerate(steps, 1):
    if k in [2]:
        first, q = optimizer, p
        p, optimizer = copy.deepcopy((p, optimizer))
        q.grad = torch.ones_like(q)
        first.step()  # it goes on beside
    p.grad = torch.tensor(values, dtype=torch.float32)
    optimizer.step()
print("got: the same")
