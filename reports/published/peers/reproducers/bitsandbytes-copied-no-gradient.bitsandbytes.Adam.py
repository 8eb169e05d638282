"""bitsandbytes.Adam: A copied optimizer (copy.deepcopy) has lost its attribute initialized, and raises an error at its first step, without a gradient too.

bitsandbytes ==0.50.2. To be run by the python of an environment that tox -e peer-bitsandbytes makes. Exits with 1 where expected and got differ."""
import copy

import bitsandbytes
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 7
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
print("expected: the step is taken")
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = bitsandbytes.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.0, optim_bits=32)
optimizer.state[p] = {"step": 7, "state1": torch.tensor(m, dtype=torch.float32), "state2": torch.tensor(v, dtype=torch.float32)}
first, q = optimizer, p
p, optimizer = copy.deepcopy((p, optimizer))
q.grad = torch.ones_like(q)
first.step()  # it goes on beside
p.grad = None
optimizer.step()
print("got: the same")
