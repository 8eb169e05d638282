"""An embedding trained by SparseAdam: python embedding_torch.py START.npz BATCHES.npz END.npz"""

import sys

import numpy as np
import torch

start, batches = np.load(sys.argv[1]), np.load(sys.argv[2])
layer = torch.nn.Embedding.from_pretrained(torch.tensor(start["w"]), freeze=False, sparse=True)
optimizer = torch.optim.SparseAdam(layer.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
state = optimizer.state[layer.weight]
state |= {
    "step": int(start["t"]),
    "exp_avg": torch.tensor(start["m"]),
    "exp_avg_sq": torch.tensor(start["v"]),
}

for ids, factors in zip(batches["ids"], batches["factors"], strict=True):
    optimizer.zero_grad()
    loss = (layer(torch.tensor(ids)) * torch.tensor(factors)).sum()
    loss.backward()
    optimizer.step()

np.savez(sys.argv[3], w=layer.weight.detach(), m=state["exp_avg"], v=state["exp_avg_sq"], t=state["step"])
