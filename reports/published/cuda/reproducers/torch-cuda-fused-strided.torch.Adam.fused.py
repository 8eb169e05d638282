"""torch.Adam.fused: Adam(fused=True) on CUDA refuses a parameter that is not contiguous; the other forms take it.

torch >=2.11,<2.12. Exits with 1 where expected and got differ."""
import numpy as np
import torch

torch.set_default_device("cuda")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((6, 4)), np.zeros((6, 4)), np.zeros((6, 4))
values = np.full((6, 4), 1.0)
print("expected: the step is taken")
p = torch.nn.Parameter(torch.stack(2 * [torch.tensor(w, dtype=torch.float32)], dim=-1)[..., 0])  # not contiguous
optimizer = torch.optim.Adam([p], lr=lr, betas=(beta1, beta2), eps=eps, fused=True)
p.grad = torch.tensor(values, dtype=torch.float32)
optimizer.step()
print("got: the same")
