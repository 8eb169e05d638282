"""pytorch-optimizer.FlashAdamW: With maximize FlashAdamW negates the gradient in place, which is refused where one number in memory stands for all of it.

pytorch-optimizer ==4.1.0. To be run by the python of an environment that tox -e peer-pytorch-optimizer makes. Exits with 1 where expected and got differ."""
import pytorch_optimizer
import numpy as np
import torch

lr, beta1, beta2, eps, t = 0.001, 0.9, 0.999, 1e-08, 1
w, m, v = np.full((3, 2), 1.0), np.zeros((3, 2)), np.zeros((3, 2))
values = np.full((3, 2), 1.0)
print("expected: the step is taken")
p = torch.nn.Parameter(torch.tensor(w, dtype=torch.float32))
optimizer = pytorch_optimizer.FlashAdamW([p], lr=lr, betas=(beta1, beta2), eps=eps, weight_decay=0.0, quantize=False)
optimizer.maximize = True
p.grad = torch.tensor(values.flat[0], dtype=torch.float32).expand(values.shape)
optimizer.step()
print("got: the same")
