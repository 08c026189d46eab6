"""The networks of `surface-depth.yaml` in PyTorch: the witness for their root mean squared errors.

    python benchmarks/surfaces.py DEPTH WIDTH [SEEDS]

prints the error of the last epoch of every seed, then the least, the largest and the mean; and, since an error varies
from epoch to epoch as much as from seed to seed, the mean over the last 20 epochs.
"""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from backcalc.numeric.data import load_data, split

EPOCHS, BATCH, RATE, TAIL = 200, 1000, 0.01, 20


def network(depth: int, width: int) -> nn.Sequential:
    """Dense layers with ReLU and batch norm, from Glorot's uniform weights and biases of 0, as in Keras."""
    sizes = [2, *[width] * depth, 1]
    dense = [nn.Linear(before, after) for before, after in pairwise(sizes)]
    for layer in dense:
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)
    hidden = [(layer, nn.ReLU(), nn.BatchNorm1d(width, eps=1e-3, momentum=0.01)) for layer in dense[:-1]]
    return nn.Sequential(*(each for block in hidden for each in block), dense[-1])


def trained(depth: int, width: int, seed: int) -> list[float]:
    """The error on the samples for testing after each of the last epochs."""
    data = split(load_data("eggholder:100000", seed=2022, legacy=True), 0.2, 2022, legacy=True)
    x, y, x_test, y_test = (
        torch.tensor(each, dtype=torch.float32) for each in (data.x, data.y, data.x_test, data.y_test)
    )
    torch.manual_seed(seed)
    net, errors = network(depth, width), []
    optimiser = torch.optim.SGD(net.parameters(), lr=RATE)
    for epoch in range(EPOCHS):
        net.train()
        for chosen in torch.randperm(len(x)).split(BATCH):
            optimiser.zero_grad()
            (net(x[chosen]) - y[chosen]).square().mean().sqrt().backward()
            optimiser.step()
        if epoch >= EPOCHS - TAIL:
            net.eval()
            with torch.no_grad():
                errors.append(float((net(x_test) - y_test).square().mean().sqrt()))
    return errors


def main() -> None:
    depth, width, seeds = (*map(int, sys.argv[1:]), 8)[:3]
    torch.set_num_threads(1)
    every = []
    for seed in range(seeds):
        every.append(trained(depth, width, seed))
        print(f"seed {seed}: {every[-1][-1]:.2f}", flush=True)
    last = [errors[-1] for errors in every]
    print(f"{min(last):.2f} to {max(last):.2f}, mean {np.mean(last):.2f}; over {TAIL} epochs {np.mean(every):.2f}")


if __name__ == "__main__":
    main()
