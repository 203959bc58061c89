"""What belongs nowhere else: contradictions, states, things of others, and paths that lead elsewhere."""

from collections.abc import Iterator

from refused_cases import NO_MODEL, NO_RUN, Case, delete, get, patch, post
from twins import FILES


def of_runs() -> Iterator[Case]:
    """Runs and experiments."""
    yield post("a run without a start", "runs/create", experiment_id="<E>", run_name="now")
    yield post(
        "a run with a tag twice",
        "runs/create",
        experiment_id="<E>",
        start_time=1,
        tags=[{"key": "t", "value": "1"}] * 2,
    )
    yield post("a run in a deleted experiment", "runs/create", experiment_id="<gone>", start_time=1)
    yield post("a run without its experiment", "runs/create", run_name="n", start_time=1)
    yield post("a name in camel case", "runs/set-tag", runId="<R>", key="k", value="v")
    yield post("both spellings", "runs/set-tag", run_id="<R>", runId="<R>", key="k", value="v")
    yield post("rename to a taken name", "experiments/update", experiment_id="<E>", new_name="Default")
    yield post("rename what is deleted", "experiments/update", experiment_id="<gone>", new_name="other")
    yield post("delete the default experiment", "experiments/delete", experiment_id="0")
    yield post("delete what is deleted", "experiments/delete", experiment_id="<gone>")
    yield post("restore what is not deleted", "experiments/restore", experiment_id="<E>")
    yield post("an unknown status", "runs/update", run_id="<R>", status="NONSENSE")
    yield post("an unknown status by number", "runs/update", run_id="<R>", status=77)
    yield post("a status in small letters", "runs/update", run_id="<R>", status="finished")
    yield post("a metric that is true", "runs/log-metric", run_id="<R>", key="true", value=True, timestamp=1)
    yield post(
        "a batch with a text as metric",
        "runs/log-batch",
        run_id="<R>",
        metrics=[{"key": "m", "value": "abc", "timestamp": 1}],
    )
    yield post("a batch with a number as param", "runs/log-batch", run_id="<R>", params=[{"key": "n", "value": 5}])
    yield post("a batch of null params", "runs/log-batch", run_id="<R>", params=None)
    yield post("a batch with a null metric", "runs/log-batch", run_id="<R>", metrics=[None])
    yield post("a batch without a run", "runs/log-batch", metrics=[])
    yield post("a batch for an unknown run", "runs/log-batch", run_id=NO_RUN, metrics=[])
    yield post("a batch of unknown things", "runs/log-batch", run_id="<R>", nonsense=[1])
    yield post(
        "a metric of an unknown model",
        "runs/log-metric",
        run_id="<R>",
        key="k",
        value=1,
        timestamp=1,
        model_id=NO_MODEL,
    )
    yield post("inputs without a dataset", "runs/log-inputs", run_id="<R>", datasets=[{}])
    yield post("inputs with a number", "runs/log-inputs", run_id="<R>", datasets=[5])
    yield post("a dataset without a digest", "runs/log-inputs", run_id="<R>", datasets=[{"dataset": {"name": "a"}}])
    yield post(
        "a dataset named by a number",
        "runs/log-inputs",
        run_id="<R>",
        datasets=[{"dataset": {"name": 5, "digest": "d"}}],
    )
    yield post("an unknown model as input", "runs/log-inputs", run_id="<R>", models=[{"model_id": NO_MODEL}])
    yield post("an unknown model as output", "runs/outputs", run_id="<R>", models=[{"model_id": NO_MODEL, "step": 1}])
    yield post("an output a second time", "runs/outputs", run_id="<R>", models=[{"model_id": "<L>", "step": 1}])
    yield post("an output a third time", "runs/outputs", run_id="<R>", models=[{"model_id": "<L>", "step": 1}])
    yield get("half an interval", "metrics/get-history-bulk-interval", run_ids="<R>", metric_key="k", start_step=1)
    yield get(
        "an interval backwards",
        "metrics/get-history-bulk-interval",
        run_ids="<R>",
        metric_key="k",
        start_step=5,
        end_step=1,
    )
    yield get(
        "an interval beyond 64 bits",
        "metrics/get-history-bulk-interval",
        run_ids="<R>",
        metric_key="k",
        start_step=-(10**30),
        end_step=10**30,
    )
    yield get("no samples", "metrics/get-history-bulk-interval", run_ids="<R>", metric_key="k", max_results=0)
    yield get("too many samples", "metrics/get-history-bulk-interval", run_ids="<R>", metric_key="k", max_results=2501)
    yield get("too many runs", "metrics/get-history-bulk-interval", run_ids=["<R>"] * 101, metric_key="k")
    yield get("a history by a bad token", "metrics/get-history", run_id="<R>", metric_key="k", page_token="!!")
    yield get("a history of no size", "metrics/get-history", run_id="<R>", metric_key="k", max_results=0)


def of_logged_models() -> Iterator[Case]:
    """Logged models."""
    yield post("a logged model in no experiment", "logged-models", experiment_id="123456789")
    yield post("a logged model in a deleted experiment", "logged-models", experiment_id="<gone>")
    yield post("a logged model of no run", "logged-models", experiment_id="<E>", name="n", source_run_id=NO_RUN)
    yield post(
        "a param of a model without a key",
        "logged-models",
        experiment_id="<E>",
        name="n",
        params=[{"key": "", "value": "x"}],
    )
    yield post(
        "a tag of a model without a key",
        "logged-models",
        experiment_id="<E>",
        name="n",
        tags=[{"key": "", "value": "x"}],
    )
    yield post(
        "a param of a model twice",
        "logged-models",
        experiment_id="<E>",
        name="n",
        params=[{"key": "p", "value": "1"}] * 2,
    )
    yield post(
        "a tag of a model twice", "logged-models", experiment_id="<E>", name="n", tags=[{"key": "t", "value": "1"}] * 2
    )
    yield patch("a short status of a model", "logged-models/<L>", model_id="<L>", status="READY")
    yield patch("an unknown status of a model", "logged-models/<L>", model_id="<L>", status="none")
    yield patch("a status without the model's id", "logged-models/<L>", status="LOGGED_MODEL_READY")
    yield patch("a status of a deleted model", "logged-models/<X>", model_id="<X>", status="LOGGED_MODEL_READY")
    yield patch("a tag of a deleted model", "logged-models/<X>/tags", model_id="<X>", tags=[{"key": "t", "value": "1"}])
    yield post(
        "a param of a deleted model", "logged-models/<X>/params", model_id="<X>", params=[{"key": "t", "value": "1"}]
    )
    yield get("a deleted model", "logged-models/<X>")
    yield get("an unknown model", f"logged-models/{NO_MODEL}")
    yield get("a model by a bad id", "logged-models/nonsense")
    yield post("a search by a short status", "logged-models/search", experiment_ids=["<E>"], filter="status = 'READY'")
    yield post(
        "a search on a dataset by name",
        "logged-models/search",
        experiment_ids=["<E>"],
        datasets=[{"dataset_name": "d"}],
    )
    yield post(
        "a search on a dataset without a name",
        "logged-models/search",
        experiment_ids=["<E>"],
        datasets=[{"dataset_digest": "d"}],
    )


def of_the_registry() -> Iterator[Case]:
    """Sources and stages of versions."""
    yield post(
        "archive into an inactive stage",
        "model-versions/transition-stage",
        name="<M>",
        version="1",
        stage="None",
        archive_existing_versions=True,
    )
    yield post("an unknown stage", "model-versions/transition-stage", name="<M>", version="1", stage="Nowhere")
    yield post("a source without its run", "model-versions/create", name="<M>", source="runs:/<R>/model")
    yield post("an address without its run", "model-versions/create", name="<M>", source="mlflow-artifacts:/<A>/model")
    yield post("a logged model without its id", "model-versions/create", name="<M>", source="models:/<L>")
    yield post("an unknown logged model", "model-versions/create", name="<M>", source=f"models:/{NO_MODEL}")
    yield post("a source of another run", "model-versions/create", name="<M>", source="s3://b/m", run_id=NO_RUN)
    yield post(
        "a source that is not the model's", "model-versions/create", name="<M>", source="/srv/secret", model_id="<L>"
    )
    yield post("a source of no version", "model-versions/create", name="<M>", source="models:/<M>/\u00b2")


def of_deletions() -> Iterator[Case]:
    """Deletions and descriptions of what is not there."""
    yield delete("delete an unknown model", "registered-models/delete", name="no such model")
    yield delete("delete an unknown version", "model-versions/delete", name="<M>", version="99")
    yield delete("delete an alias of an unknown model", "registered-models/alias", name="no such model", alias="a")
    yield delete("delete a tag of an unknown version", "model-versions/delete-tag", name="<M>", version="99", key="k")
    yield delete("delete a model without its name", "registered-models/delete")
    yield delete("delete a version without its number", "model-versions/delete", name="<M>")
    yield delete("delete a tag by a bad key", "registered-models/delete-tag", name="<M>", key="a//b")
    yield delete(
        "delete a version's tag by a bad key", "model-versions/delete-tag", name="<M>", version="1", key="a//b"
    )
    yield post("delete a run's tag by a bad key", "runs/delete-tag", run_id="<R>", key="a//b")
    yield post(
        "delete an experiment's tag by a bad key", "experiments/delete-experiment-tag", experiment_id="<E>", key="/"
    )
    yield delete("delete a tag without its key", "registered-models/delete-tag", name="<M>")
    yield patch("describe an unknown model", "registered-models/update", name="no such model", description="d")
    yield patch("describe an unknown version", "model-versions/update", name="<M>", version="99", description="d")
    yield patch("describe by a number", "registered-models/update", name="<M>", description=5)
    yield get("a route that is not", "nothing/here")


def of_artifacts() -> Iterator[Case]:
    """Paths that lead elsewhere."""
    for path in (
        "..",
        "../x",
        "a/../b",
        "%2e%2e/x",
        "%252e%252e/x",
        "a\\b",
        "a//b",
        "/a",
        "a;b",
        "a%00b",
        "C:/x",
        "a?b",
        "a#b",
        ".",
    ):
        yield get(f"list {path}", "artifacts/list", run_id="<R>", path=path)
        yield Case(f"list folder {path}", "GET", f"{FILES}artifacts", {"params": {"path": path}})
        yield Case(f"get {path}", "GET", "/get-artifact", {"params": {"run_id": "<R>", "path": path}})
    for path in ("%2e%2e/%2e%2e/x", "a%2f..%2fb", "%252e%252e/x", "a%5cb", "a%00b", "C:%5cx"):
        for method in ("GET", "PUT", "DELETE"):
            yield Case(
                f"{method} {path}", method, f"{FILES}artifacts/<A>/{path}", {"data": b"x"} if method == "PUT" else {}
            )
    yield Case("list what is not there", "GET", f"{FILES}artifacts", {"params": {"path": "<A>/nothing"}})
    yield Case("get what is not there", "GET", f"{FILES}artifacts/<A>/nothing", {})
    yield Case(
        "get of a run what is not there", "GET", "/get-artifact", {"params": {"run_id": "<R>", "path": "nothing"}}
    )
    yield Case("get without a path", "GET", "/get-artifact", {"params": {"run_id": "<R>"}})
    yield Case("get without a run", "GET", "/get-artifact", {"params": {"path": "x"}})
    yield Case("delete what is not there", "DELETE", f"{FILES}artifacts/<A>/nothing", {})
    yield Case("get a folder", "GET", f"{FILES}artifacts/<A>/folder", {})
    yield Case("put over a folder", "PUT", f"{FILES}artifacts/<A>/folder", {"data": b"x"})
    yield Case("put below a file", "PUT", f"{FILES}artifacts/<A>/folder/file/x", {"data": b"x"})
    yield get("list of an unknown run", "artifacts/list", run_id=NO_RUN)
