"""torch.SparseAdam: SparseAdam on CUDA refuses a gradient of two rows or more for a parameter of rank 3 or more whose columns lie together in memory: no view of it as a matrix can be taken.

torch >=2.11,<2.12. Exits with 1 where expected and got differ."""
import numpy as np
import torch

torch.set_default_device("cuda")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((3, 2, 2)), np.zeros((3, 2, 2)), np.zeros((3, 2, 2))
rows, values = np.array([0, 2], int), np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
print("expected: the step is taken")
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32).transpose(0, -1).contiguous().transpose(0, -1))  # not contiguous
optimizer = torch.optim.SparseAdam([p], lr=lr, betas=(beta1, beta2), eps=eps)
p.grad = torch.sparse_coo_tensor(rows[None], torch.tensor(values, dtype=torch.float32), p.shape)
optimizer.step()
print("got: the same")
