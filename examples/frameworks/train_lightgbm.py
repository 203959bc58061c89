"""A booster for the progress of diabetes within a year, in LightGBM's text form. Needs lightgbm and scikit-learn."""

from pathlib import Path

import lightgbm
from example import Example, main, tensor
from sklearn.datasets import load_diabetes


def make(folder: Path) -> Example:
    """Train and write it."""
    rows, progress = load_diabetes(return_X_y=True)
    parameters = {"objective": "regression", "num_leaves": 8, "seed": 7, "num_threads": 1, "verbose": -1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(rows, progress), num_boost_round=40)
    booster.save_model(folder / "diabetes.txt")
    return Example(
        framework="lightgbm",
        file="diabetes.txt",
        requirements=[],
        inputs=[tensor("inputs", "float64", 10)],
        outputs=[tensor("predictions", "float64")],
        rows={"inputs": rows[::40].tolist()},
        answers={"predictions": booster.predict(rows[::40]).tolist()},
        tolerance=1e-9,
    )


if __name__ == "__main__":
    main(make)
