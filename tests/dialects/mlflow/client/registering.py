"""A model of scikit-learn registered twice: as it is, and as ONNX with its tensors in files beside it."""

import mlflow
import mlflow.onnx
import mlflow.sklearn
import numpy as np
from mlflow import MlflowClient
from skl2onnx import to_onnx
from sklearn.linear_model import LinearRegression

ROWS = np.arange(8.0).reshape(4, 2)


def run(given):
    model = LinearRegression().fit(ROWS, ROWS @ [1.0, 2.0] + 3.0)
    name = given["name"].replace(" ", "-")
    with mlflow.start_run():
        mlflow.sklearn.log_model(model, name="model", registered_model_name=name, serialization_format="cloudpickle")
        mlflow.onnx.log_model(to_onnx(model, ROWS), name="onnx", registered_model_name=f"{name}-onnx")
    MlflowClient().set_registered_model_alias(name, "champion", "1")
    return {"name": name, "rows": ROWS.tolist(), "answers": np.asarray(model.predict(ROWS)).tolist()}
