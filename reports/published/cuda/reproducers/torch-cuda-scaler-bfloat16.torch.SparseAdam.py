"""torch.SparseAdam: On CUDA a GradScaler refuses gradients of bfloat16 that are sparse; on the CPU it takes them.

torch >=2.11,<2.12. Exits with 1 where expected and got differ."""
import numpy as np
import torch

torch.set_default_device("cuda")
lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2))
rows, values = np.array([0, 1], int), np.array([[1.0, 2.0], [3.0, 4.0]])
print("expected: the step is taken")
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.bfloat16))
optimizer = torch.optim.SparseAdam([p], lr=lr, betas=(beta1, beta2), eps=eps)
scaler = torch.amp.GradScaler("cuda", init_scale=4.0)
scaler.scale(torch.zeros(1))  # which makes its scale
p.grad = torch.sparse_coo_tensor(rows[None], torch.tensor(values, dtype=torch.bfloat16), p.shape)
p.grad = torch.full_like(p, torch.inf).to_sparse(1)
scaler.step(optimizer)
scaler.update(4.0)
p.grad = torch.sparse_coo_tensor(rows[None], torch.tensor(values, dtype=torch.bfloat16), p.shape)
p.grad = 4 * p.grad
scaler.step(optimizer)
scaler.update(4.0)
print("got: the same")
