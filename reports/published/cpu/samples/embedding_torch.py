"""An embedding trained by SparseAdam: python embedding_torch.py START.npz BATCHES.npz END.npz

Of batch k are ids[offsets[k]:offsets[k + 1]] and the factors of a linear loss, which are its gradient.
"""

import sys
from itertools import pairwise

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

for first, end in pairwise(batches["offsets"]):
    ids, factors = (torch.tensor(batches[x][first:end]) for x in ("ids", "factors"))
    optimizer.zero_grad()
    loss = (layer(ids) * factors).sum()
    loss.backward()
    optimizer.step()  # counts a batch without ids too

np.savez(sys.argv[3], w=layer.weight.detach(), m=state["exp_avg"], v=state["exp_avg_sq"], t=state["step"])
