"""What every release of the client must see: the tests of each release call these."""

from typing import Any

from clients import Client

_PART = 5 * 1024 * 1024
_IN_PARTS = {
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(_PART),
    "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(_PART),
}


def tracks(client: Client, settings: dict[str, str] | None = None) -> None:
    """Runs are logged, searched, resumed, deleted and restored."""
    seen = client.run("tracking", settings)
    run = seen["run"]
    assert (run["name"], run["status"], run["rate"], run["user"]) == ("first", "FINISHED", "0.1", True)
    assert run["metrics"] | {"loss": "0.2", "accuracy": "0.9", "odd": "nan", "batch": "1499.0"} == run["metrics"]
    assert float(run["metrics"]["huge"]) > 1e308
    assert (run["params"], run["long"]) == (153, 6000)
    assert run["tags"] == {"a": "1", "b": "two", "by": "batch", "stage": "dev", "mlflow.note.content": "the first"}
    assert run["dataset"][0] == "payments"
    assert run["dataset"][2] == {"mlflow.data.context": "training"}
    assert seen["history"] == [[step, 1 / (step + 1)] for step in range(5)]
    assert (len(seen["experiments"]), seen["tags"]["team"]) == (1, "fraud")
    _searches(seen["searches"])
    assert seen["resumed"] == ["FINISHED", 1.0]
    assert seen["deleted"] == {
        "gone": [["broken", "child"], ["first"]],
        "back": ["broken", "child", "first"],
        "tag": False,
        "stage": "deleted",
    }


def _searches(found: dict[str, Any]) -> None:
    assert found == {
        "metrics.accuracy > 0.8": ["first"],
        "params.rate = '0.1' AND tags.stage LIKE 'd%'": ["first"],
        "attributes.status = 'FAILED'": ["broken"],
        "attributes.run_name ILIKE 'CHI%'": ["child"],
        "dataset.name = 'payments'": ["first"],
        "tags.stage IS NULL": ["broken", "child"],
        "by accuracy": ["first", "child", "broken"],
        "columns": ["metrics.accuracy", "metrics.batch", "metrics.huge", "metrics.loss", "metrics.odd"],
        "pages": [1, 1, 1],
    }


def keeps_files(client: Client) -> None:
    """Files come back as they went; large ones go in parts."""
    seen = client.run("files", client.administrator | _IN_PARTS, bytes=2 * _PART + 17)
    assert seen["files"].keys() == {
        "a.txt",
        "below/here/a.txt",
        "all/a.txt",
        "all/deep/b ü.bin",
        "config/answer.json",
        "notes/text.txt",
        "large/large.bin",
    }
    assert seen["files"]["large/large.bin"] == seen["sent"]
    assert seen["parts"] == 3
    assert (seen["answer"], seen["text"]) == ({"answer": [4, 2]}, "text é")
    assert seen["listed"] == [["all/a.txt", False, 1], ["all/deep", True, None]]
    assert seen["left"] == ["a.txt", "below", "config", "large"]


def keeps_models(client: Client) -> None:
    """Models are logged, loaded back, registered, moved and found."""
    seen = client.run("models")
    assert seen["loaded"] == [seen["expected"]] * 3
    assert seen["onnx"] == seen["expected"]
    assert seen["versions"] == ["2", "3", "READY"] or seen["versions"] == [2, 3, "READY"]
    assert seen["outputs"] is True
    logged = seen["logged"]
    assert (logged["name"], logged["metrics"], logged["found"], logged["tags"]) == (
        "plain",
        [["auc", 0.75]],
        [True],
        "linear",
    )
    registry = seen["registry"]
    assert registry["description"] == "what it does"
    assert registry["tags"] == {"team": "fraud"}
    assert {alias: str(number) for alias, number in registry["aliases"].items()} == {"champion": "2"}
    number, *champion = registry["champion"]
    tags = {"flavor": "onnx", "checked": "yes"}
    assert (str(number), champion) == ("2", ["the second", tags, ["champion"], "Production"])
    assert registry["stages"] == ["Archived", "Production", "None"]
    assert [str(each) for each in registry["latest"]] == ["2", "3"]
    assert registry["by alias"] is registry["by stage"] is True
    assert seen["searched"]["versions"] == [1, 2, 3]
    assert [str(each) for each in seen["searched"]["tagged"]] == ["2"]
    assert seen["deleted"] == ["RESOURCE_DOES_NOT_EXIST", []]


def fails_at_once(client: Client) -> None:
    """Codes and words that programs look for; nothing is tried again."""
    seen = client.run("failures")
    codes = {what: failure[0] for what, failure in seen["failures"].items()}
    assert codes == {
        "experiment exists": "RESOURCE_ALREADY_EXISTS",
        "no such run": "RESOURCE_DOES_NOT_EXIST",
        "no such model": "RESOURCE_DOES_NOT_EXIST",
        "param changed": "INVALID_PARAMETER_VALUE",
        "bad filter": "INVALID_PARAMETER_VALUE",
        "bad key": "INVALID_PARAMETER_VALUE",
        "no such file": "RESOURCE_DOES_NOT_EXIST",
        "no such alias": "RESOURCE_DOES_NOT_EXIST",
    }
    assert "already exists" in seen["failures"]["experiment exists"][1]
    assert "Changing param values is not allowed" in seen["failures"]["param changed"][1]
    assert seen["absent"] is None
    assert seen["seconds"] < 20
