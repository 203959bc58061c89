"""Models of other frameworks through the unmodified Wallaroo SDK: what it waits for, and what it says when it fails."""

import pickle
import zipfile
from pathlib import Path

import joblib
import numpy as np
import pytest
from scenarios import Scenario
from sklearn.linear_model import LogisticRegression


@pytest.fixture(scope="module")
def estimator() -> LogisticRegression:
    """Tells which of two clouds of points in four dimensions a point is of."""
    points = np.random.default_rng(7).normal(size=(200, 4))
    return LogisticRegression().fit(points, (points.sum(axis=1) > 0).astype(int))


@pytest.fixture
def sklearn_file(estimator: LogisticRegression, tmp_path: Path) -> str:
    path = tmp_path / "churn.joblib"
    joblib.dump(estimator, path)
    return str(path)


def test_a_model_of_scikit_learn_becomes_ready_and_answers_as_itself(
    sdk: Scenario, estimator: LogisticRegression, sklearn_file: str
) -> None:
    rows = np.random.default_rng(8).normal(size=(50, 4))
    done = sdk("converting", file=sklearn_file, rows=rows.tolist())
    assert (done["status"], done["error"], done["waiting_said"]) == ("ready", None, "None")
    assert done["runtime"] == "onnx"
    assert done["answers"] == estimator.predict(rows).tolist()
    said = "\n".join(done["logs"])
    for stage in ("uploaded", "scanned", "environment", "loaded", "parity", "ready"):
        assert f"stage {stage} done" in said
    assert "sklearn.linear_model._logistic.LogisticRegression" in said
    assert "scikit-learn==" in said
    assert done["in_list"] == ["churn"]


def test_the_sdk_says_why_a_broken_pickle_fails(sdk: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "broken.pkl"
    path.write_bytes(pickle.dumps({"a": 1})[:-5])
    done = sdk("converting", file=str(path))
    assert done["status"] == "error"
    assert "stage loaded" in done["error"]
    assert done["error"] in done["waiting_said"]
    assert any("stage loaded failed" in line for line in done["logs"])


def archive(path: Path, **members: bytes) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    return str(path)


def test_the_sdk_says_which_requirements_conflict(sdk: Scenario, tmp_path: Path) -> None:
    wanted = b"numpy==1.26.4\npandas==2.3.3\nnumpy>=2\n"
    file = archive(tmp_path / "m.zip", **{"requirements.txt": wanted, "model.py": b"x = 1\n"})
    done = sdk("converting", file=file, framework="custom")
    assert done["status"] == "error"
    assert "stage environment" in done["error"]
    assert "numpy" in done["error"]
    assert "numpy" in done["waiting_said"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"../../escape.py": b"x"}, "leads out of its folder"),
        ({"/etc/cron.d/x": b"x"}, "leads out of its folder"),
        ({"model.py": b"\0" * 100_000_000}, "unpacks to"),
    ],
)
def test_the_sdk_says_why_a_hostile_archive_is_refused(
    sdk: Scenario, tmp_path: Path, members: dict[str, bytes], words: str
) -> None:
    done = sdk("converting", file=archive(tmp_path / "m.zip", **members), framework="custom")
    assert done["status"] == "error"
    assert "stage scanned" in done["error"]
    assert words in done["waiting_said"]
