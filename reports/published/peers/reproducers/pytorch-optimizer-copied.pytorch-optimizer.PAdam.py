"""pytorch-optimizer.PAdam: A copied optimizer (copy.deepcopy) has lost its attribute maximize, and raises an error at its first step.

pytorch-optimizer ==4.1.0. To be run by the python of an environment that tox -e peer-pytorch-optimizer makes. Exits with 1 where expected and got differ."""
import copy

import pytorch_optimizer
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 8
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
values = np.full((3, 2), 1.0)
print("expected: the step is taken")
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = pytorch_optimizer.PAdam([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.0, partial=0.5)
optimizer.state[p] = {"exp_avg": torch.tensor(m, dtype=torch.float32), "exp_avg_sq": torch.tensor(v, dtype=torch.float32)}
for group in optimizer.param_groups:
    group["step"] = 7
first, q = optimizer, p
p, optimizer = copy.deepcopy((p, optimizer))
q.grad = torch.ones_like(q)
first.step()  # it goes on beside
p.grad = torch.tensor(values, dtype=torch.float32)
optimizer.step()
print("got: the same")
