"""A model of scikit-learn, logged and registered with the requirements that MLflow finds itself."""

import mlflow
import mlflow.sklearn
import numpy as np
from mlflow.models import infer_signature
from sklearn.linear_model import LinearRegression

ROWS = np.arange(8.0).reshape(4, 2)


def run(given):
    model = LinearRegression().fit(ROWS, ROWS @ [1.0, 2.0] + 3.0)
    name = given["name"]
    with mlflow.start_run():
        logged = mlflow.sklearn.log_model(
            model,
            name="model",
            registered_model_name=name,
            signature=infer_signature(ROWS, model.predict(ROWS)),
            serialization_format="cloudpickle",
        )
    loaded = mlflow.pyfunc.load_model(f"models:/{name}/1")
    return {
        "name": name,
        "rows": ROWS.tolist(),
        "answers": np.asarray(loaded.predict(ROWS)).tolist(),
        "source": logged.model_uri,
    }
