"""Sample S2: a linear layer with mean absolute error, trained by SparseAdam."""

import numpy as np
import torch

torch.manual_seed(0)
net = torch.nn.Linear(2, 3)
loss_function = torch.nn.L1Loss()
optimizer = torch.optim.SparseAdam(net.parameters())
x = torch.tensor(np.array([[1, 2], [3, 4]], np.float32))
target = torch.zeros(2, 3)
for _ in range(3):
    optimizer.zero_grad()
    loss = loss_function(net(x), target)
    loss.backward()
    optimizer.step()
    print("loss", loss.item())
