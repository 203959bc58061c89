"""A small network that learned the sine of a sum, as TorchScript. Needs torch."""

from pathlib import Path

import torch
from example import Example, main, tensor


def trained() -> torch.nn.Module:
    """The network after a few hundred steps."""
    torch.manual_seed(7)
    network = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    rows = torch.rand(512, 4)
    target = torch.sin(rows.sum(dim=1, keepdim=True))
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(200):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(network(rows), target).backward()
        optimiser.step()
    return network.eval()


def make(folder: Path) -> Example:
    """Train and write it."""
    network = trained()
    torch.jit.trace(network, torch.zeros(1, 4)).save(str(folder / "sine.pt"))
    rows = torch.rand(8, 4)
    return Example(
        framework="pytorch",
        file="sine.pt",
        requirements=[],
        inputs=[tensor("input", "float32", 4)],
        outputs=[tensor("output", "float32", 1)],
        rows={"input": rows.tolist()},
        answers={"output": network(rows).tolist()},
        tolerance=1e-6,
    )


if __name__ == "__main__":
    main(make)
