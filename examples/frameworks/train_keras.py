"""A small network that tells points in a circle from those outside, as `.keras`. Needs tensorflow-cpu."""

from pathlib import Path

import keras
import numpy as np
from example import Example, main, tensor


def trained() -> keras.Model:
    """The network after a few rounds."""
    keras.utils.set_random_seed(7)
    rows = np.random.default_rng(7).uniform(-1, 1, (1024, 2)).astype(np.float32)
    inside = (np.square(rows).sum(axis=1) < 0.5).astype(np.float32)
    layers = [
        keras.layers.Input((2,), name="point"),
        keras.layers.Dense(16, "relu"),
        keras.layers.Dense(1, "sigmoid", name="inside"),
    ]
    network = keras.Sequential(layers)
    network.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    network.fit(rows, inside, epochs=8, verbose=0)
    return network


def points() -> np.ndarray:
    """A few rows to ask."""
    return np.random.default_rng(8).uniform(-1, 1, (8, 2)).astype(np.float32)


def make(folder: Path) -> Example:
    """Train and write it."""
    network = trained()
    network.save(folder / "circle.keras")
    return Example(
        framework="keras",
        file="circle.keras",
        requirements=[],
        inputs=[tensor("point", "float32", 2)],
        outputs=[tensor("inside", "float32", 1)],
        rows={"point": points().tolist()},
        answers={"inside": network.predict(points(), verbose=0).tolist()},
        tolerance=1e-6,
    )


if __name__ == "__main__":
    main(make)
