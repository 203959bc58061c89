"""A model that brings its own code: nearest centres of iris flowers, in an archive with model.py.

Needs scikit-learn.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from example import Example, main, tensor, zipped
from sklearn.datasets import load_iris

MODEL = '''"""The flower whose centre is nearest."""

from pathlib import Path

import numpy as np

INPUTS = [{"name": "flower", "dtype": "float64", "shape": [None, 4]}]
OUTPUTS = [
    {"name": "species", "dtype": "string", "shape": [None]},
    {"name": "distance", "dtype": "float64", "shape": [None]},
]
SPECIES = np.array(["setosa", "versicolor", "virginica"], dtype=object)


class Nearest:
    """Centres [3, 4] in centimetres."""

    def __init__(self, centres):
        self._centres = centres

    def predict(self, inputs):
        distances = np.linalg.norm(inputs["flower"][:, None, :] - self._centres, axis=2)
        return {"species": SPECIES[distances.argmin(axis=1)], "distance": distances.min(axis=1)}


def load(folder: Path):
    return Nearest(np.load(folder / "centres.npy"))
'''


def make(folder: Path) -> Example:
    """Write it."""
    rows, classes = load_iris(return_X_y=True)
    centres = np.stack([rows[classes == kind].mean(axis=0) for kind in range(3)])
    with TemporaryDirectory() as inside:
        (Path(inside) / "model.py").write_text(MODEL)
        (Path(inside) / "requirements.txt").write_text("numpy\n")
        np.save(Path(inside) / "centres.npy", centres)
        zipped(folder / "nearest.zip", Path(inside))
    asked = rows[::25]
    distances = np.linalg.norm(asked[:, None, :] - centres, axis=2)
    species = np.array(["setosa", "versicolor", "virginica"])[distances.argmin(axis=1)]
    return Example(
        framework="custom",
        file="nearest.zip",
        requirements=[],
        inputs=[tensor("flower", "float64", 4)],
        outputs=[tensor("species", "string"), tensor("distance", "float64")],
        rows={"flower": asked.tolist()},
        answers={"species": species.tolist(), "distance": distances.min(axis=1).tolist()},
        tolerance=1e-12,
    )


if __name__ == "__main__":
    main(make)
