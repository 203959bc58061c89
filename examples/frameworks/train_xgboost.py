"""A booster that tells malignant tumours from benign ones, in XGBoost's JSON form.

Needs xgboost-cpu and scikit-learn.
"""

from pathlib import Path

import numpy as np
import xgboost
from example import Example, main, tensor
from sklearn.datasets import load_breast_cancer


def make(folder: Path) -> Example:
    """Train and write it."""
    rows, classes = load_breast_cancer(return_X_y=True)
    rows = rows.astype(np.float32)
    parameters = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "seed": 7, "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(rows, classes), num_boost_round=25)
    booster.save_model(folder / "tumours.json")
    return Example(
        framework="xgboost",
        file="tumours.json",
        requirements=[],
        inputs=[tensor("inputs", "float32", 30)],
        outputs=[tensor("predictions", "float32")],
        rows={"inputs": rows[::40].tolist()},
        answers={"predictions": booster.predict(xgboost.DMatrix(rows[::40])).tolist()},
        tolerance=1e-6,
    )


if __name__ == "__main__":
    main(make)
