"""A classifier of wines with a signature over named columns, as an MLflow model folder in an archive.

Needs mlflow-skinny, pandas and scikit-learn.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow.sklearn
from example import Example, main, tensor, zipped
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

COLUMNS = ["alcohol", "malic_acid", "flavanoids", "color_intensity"]


def make(folder: Path) -> Example:
    """Train and write it."""
    wines = load_wine(as_frame=True)
    rows = wines.data[COLUMNS]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, wines.target)
    with TemporaryDirectory() as inside:
        signature = infer_signature(rows, model.predict(rows))
        mlflow.sklearn.save_model(
            model,
            f"{inside}/wines",
            signature=signature,
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn", "cloudpickle"],
        )
        zipped(folder / "wines.zip", Path(inside))
    asked = rows.iloc[::15]
    return Example(
        framework="mlflow",
        file="wines.zip",
        requirements=["scikit-learn", "cloudpickle"],
        inputs=[tensor(name, "float64") for name in COLUMNS],
        outputs=[tensor("predictions", "int64")],
        rows={name: asked[name].tolist() for name in COLUMNS},
        answers={"predictions": model.predict(asked).tolist()},
    )


if __name__ == "__main__":
    main(make)
