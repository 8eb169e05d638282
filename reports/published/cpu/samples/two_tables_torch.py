"""Two embeddings trained by one SparseAdam: python two_tables_torch.py START.npz BATCHES.npz END.npz

torch counts the steps of each table: one where a batch looks it up, without ids too, else none.
"""

import sys

import numpy as np
import torch

TABLES = ("users", "items")

start, batches = np.load(sys.argv[1]), np.load(sys.argv[2])
layers = {
    name: torch.nn.Embedding.from_pretrained(torch.tensor(start[f"{name}.w"]), freeze=False, sparse=True)
    for name in TABLES
}
parameters = [layer.weight for layer in layers.values()]
optimizer = torch.optim.SparseAdam(parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
for name, layer in layers.items():
    optimizer.state[layer.weight] |= {
        "step": int(start[f"{name}.t"]),
        "exp_avg": torch.tensor(start[f"{name}.m"]),
        "exp_avg_sq": torch.tensor(start[f"{name}.v"]),
    }

for k in range(len(batches["users.looked_up"])):
    optimizer.zero_grad()
    loss = torch.zeros(())
    for name, layer in layers.items():
        if batches[f"{name}.looked_up"][k]:
            part = slice(*batches[f"{name}.offsets"][k : k + 2])
            ids, factors = (torch.tensor(batches[f"{name}.{x}"][part]) for x in ("ids", "factors"))
            loss = loss + (layer(ids) * factors).sum()
    if loss.requires_grad:
        loss.backward()
    optimizer.step()
    scheduler.step()

end = {}
for name, layer in layers.items():
    state = optimizer.state[layer.weight]
    end |= {
        f"{name}.w": layer.weight.detach(),
        f"{name}.m": state["exp_avg"],
        f"{name}.v": state["exp_avg_sq"],
    }
    end[f"{name}.t"] = state["step"]
np.savez(sys.argv[3], **end)
