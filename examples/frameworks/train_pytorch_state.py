"""The network of `train_pytorch.py` as its weights and the code that builds it, in an archive. Needs torch."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from example import Example, main, tensor, zipped
from train_pytorch import trained

MODEL = '''"""The sine of a sum."""

import torch


def build():
    return torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
'''


def make(folder: Path) -> Example:
    """Train and write it."""
    network = trained()
    with TemporaryDirectory() as inside:
        (Path(inside) / "model.py").write_text(MODEL)
        torch.save(network.state_dict(), Path(inside) / "state.pt")
        zipped(folder / "sine.zip", Path(inside))
    rows = torch.rand(8, 4)
    return Example(
        framework="pytorch",
        file="sine.zip",
        requirements=[],
        inputs=[tensor("input", "float32", 4)],
        outputs=[tensor("output", "float32", 1)],
        rows={"input": rows.tolist()},
        answers={"output": network(rows).tolist()},
        tolerance=1e-6,
    )


if __name__ == "__main__":
    main(make)
