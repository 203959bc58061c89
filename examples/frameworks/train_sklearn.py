"""A classifier of iris flowers: scaled features and a logistic regression, written by joblib.

Needs scikit-learn and joblib.
"""

from pathlib import Path

import joblib
from example import Example, main, tensor
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def make(folder: Path) -> Example:
    """Train and write it."""
    rows, classes = load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, classes)
    joblib.dump(model, folder / "iris.joblib")
    return Example(
        framework="sklearn",
        file="iris.joblib",
        requirements=[],
        inputs=[tensor("inputs", "float64", 4)],
        outputs=[tensor("predictions", "int64")],
        rows={"inputs": rows[::10].tolist()},
        answers={"predictions": model.predict(rows[::10]).tolist()},
    )


if __name__ == "__main__":
    main(make)
