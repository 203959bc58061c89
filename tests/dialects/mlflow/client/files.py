"""Files of runs: logged, listed, downloaded, deleted; large ones in parts."""

import hashlib
import os
from pathlib import Path

import mlflow
import requests


def run(given):
    """Log files in all ways and read them back."""
    mlflow.set_experiment(given["name"])
    folder = Path("folder")
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a", encoding="utf-8")
    (folder / "deep" / "b ü.bin").write_bytes(bytes(range(256)))
    with mlflow.start_run() as made:
        mlflow.log_artifact("folder/a.txt")
        mlflow.log_artifact("folder/a.txt", "below/here")
        mlflow.log_artifacts("folder", "all")
        mlflow.log_dict({"answer": [4, 2]}, "config/answer.json")
        mlflow.log_text("text é", "notes/text.txt")
        parts = _in_parts(given["bytes"])
    run_id = made.info.run_id
    local = Path(mlflow.artifacts.download_artifacts(run_id=run_id, dst_path="down"))
    return {
        "files": {str(p.relative_to(local)): _digest(p) for p in sorted(local.rglob("*")) if p.is_file()},
        "sent": _digest(Path("large.bin")),
        "parts": parts,
        "answer": mlflow.artifacts.load_dict(f"runs:/{run_id}/config/answer.json"),
        "text": mlflow.artifacts.load_text(f"{made.info.artifact_uri}/notes/text.txt"),
        "listed": [[f.path, f.is_dir, f.file_size] for f in mlflow.MlflowClient().list_artifacts(run_id, "all")],
        "left": _after_deletion(run_id, made.info.artifact_uri),
    }


def _in_parts(size):
    """Log a large file; how many requests for parts were sent."""
    Path("large.bin").write_bytes(os.urandom(size))
    sent = []
    plain = requests.Session.request

    def counting(session, method, url, *args, **kwargs):
        if method.upper() == "PUT":
            sent.append(url)
        return plain(session, method, url, *args, **kwargs)

    requests.Session.request = counting
    try:
        mlflow.log_artifact("large.bin", "large")
    finally:
        requests.Session.request = plain
    return len([url for url in sent if "/parts/" in url])


def _after_deletion(run_id, uri):
    repository = mlflow.store.artifact.artifact_repository_registry.get_artifact_repository(uri)
    repository.delete_artifacts("all")
    repository.delete_artifacts("notes/text.txt")
    return [f.path for f in mlflow.MlflowClient().list_artifacts(run_id)]


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
