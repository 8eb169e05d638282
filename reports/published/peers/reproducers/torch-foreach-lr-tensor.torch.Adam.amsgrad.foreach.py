"""torch.Adam.amsgrad.foreach: Adam(foreach=True) refuses a learning rate given as a tensor, as its page allows.

torch >=2.10,<2.16. Exits with 1 where expected and got differ."""
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((3, 2)), np.zeros((3, 2)), np.zeros((3, 2))
v_max = v.copy()
values = np.full((3, 2), 1.0)
print("expected: the step is taken")
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = torch.optim.Adam([p], lr=torch.tensor(lr, dtype=torch.float64), betas=(beta1, beta2), eps=eps, foreach=True, amsgrad=True)
p.grad = torch.tensor(values, dtype=torch.float32)
optimizer.step()
print("got: the same")
