"""What many write by hand to serve one model: FastAPI, pydantic, an estimator in the same process; no token, no log."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()
_MODEL = joblib.load(os.environ["BENCH_MODEL"])


class Row(BaseModel):
    """One row of numbers."""

    features: list[float]


class Answer(BaseModel):
    """What the model says of it."""

    prediction: int


@app.post("/predict")
async def predict(row: Row) -> Answer:
    """Ask the model."""
    return Answer(prediction=int(_MODEL.predict(np.array([row.features]))[0]))
