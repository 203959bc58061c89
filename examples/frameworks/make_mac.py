"""A model in the class contract of Wallaroo's public examples: groups of iris flowers, in an archive with its code.

Needs scikit-learn and joblib.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import joblib
from example import Example, main, tensor, zipped
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris

CODE = '''"""Groups of flowers, and how far a flower is from the middle of its group."""

import joblib
from mac.config.inference import CustomInferenceConfig
from mac.inference import Inference
from mac.inference.creation import InferenceBuilder
from mac.types import InferenceData
from sklearn.cluster import KMeans


class Groups(Inference):
    @property
    def expected_model_types(self):
        return {KMeans}

    @Inference.model.setter
    def model(self, model) -> None:
        self._raise_error_if_model_is_wrong_type(model)
        self._model = model

    def _predict(self, input_data: InferenceData) -> InferenceData:
        distances = self.model.transform(input_data["flower"])
        return {"group": distances.argmin(axis=1), "distance": distances.min(axis=1)}


class GroupsBuilder(InferenceBuilder):
    @property
    def inference(self) -> Groups:
        return Groups()

    def create(self, config: CustomInferenceConfig) -> Groups:
        groups = self.inference
        groups.model = joblib.load(config.model_path / "groups.joblib")
        return groups
'''


def make(folder: Path) -> Example:
    """Train and write it."""
    rows, _ = load_iris(return_X_y=True)
    groups = KMeans(3, n_init=4, random_state=7).fit(rows)
    with TemporaryDirectory() as inside:
        (Path(inside) / "groups.py").write_text(CODE)
        (Path(inside) / "requirements.txt").write_text("scikit-learn\n")
        joblib.dump(groups, Path(inside) / "groups.joblib")
        zipped(folder / "groups.zip", Path(inside))
    distances = groups.transform(rows[::25])
    return Example(
        framework="custom",
        file="groups.zip",
        requirements=[],
        inputs=[tensor("flower", "float64", 4)],
        outputs=[tensor("group", "int64"), tensor("distance", "float64")],
        rows={"flower": rows[::25].tolist()},
        answers={"group": distances.argmin(axis=1).tolist(), "distance": distances.min(axis=1).tolist()},
        tolerance=1e-12,
    )


if __name__ == "__main__":
    main(make)
