"""Parameters that are missing, of a wrong type or of nothing, and bodies that are no objects."""

from collections.abc import Iterator
from typing import Any

from refused_cases import NO_RUN, Case, get, post
from twins import API

_POSTS: dict[str, dict[str, Any]] = {
    "experiments/create": {"name": "n"},
    "experiments/update": {"experiment_id": "<E>", "new_name": "n"},
    "experiments/delete": {"experiment_id": "<E>"},
    "experiments/restore": {"experiment_id": "<gone>"},
    "experiments/set-experiment-tag": {"experiment_id": "<E>", "key": "k", "value": "v"},
    "experiments/delete-experiment-tag": {"experiment_id": "<E>", "key": "k"},
    "runs/update": {"run_id": "<R>"},
    "runs/delete": {"run_id": "<R>"},
    "runs/restore": {"run_id": "<R>"},
    "runs/log-metric": {"run_id": "<R>", "key": "k", "value": 1, "timestamp": 1},
    "runs/log-parameter": {"run_id": "<R>", "key": "k", "value": "v"},
    "runs/set-tag": {"run_id": "<R>", "key": "k", "value": "v"},
    "runs/delete-tag": {"run_id": "<R>", "key": "k"},
    "runs/log-inputs": {"run_id": "<R>", "datasets": []},
    "registered-models/create": {"name": "n"},
    "registered-models/rename": {"name": "<M>", "new_name": "n"},
    "registered-models/set-tag": {"name": "<M>", "key": "k", "value": "v"},
    "registered-models/alias": {"name": "<M>", "alias": "a", "version": "1"},
    "model-versions/create": {"name": "<M>", "source": "s3://b/m"},
    "model-versions/transition-stage": {"name": "<M>", "version": "1", "stage": "None"},
    "model-versions/set-tag": {"name": "<M>", "version": "1", "key": "k", "value": "v"},
    "logged-models": {"experiment_id": "<E>"},
}
_GETS: dict[str, dict[str, Any]] = {
    "experiments/get": {"experiment_id": "<E>"},
    "experiments/get-by-name": {"experiment_name": "Default"},
    "runs/get": {"run_id": "<R>"},
    "metrics/get-history": {"run_id": "<R>", "metric_key": "k"},
    "metrics/get-history-bulk-interval": {"run_ids": "<R>", "metric_key": "k"},
    "artifacts/list": {"run_id": "<R>"},
    "registered-models/get": {"name": "<M>"},
    "registered-models/get-latest-versions": {"name": "<M>"},
    "registered-models/alias": {"name": "<M>", "alias": "a"},
    "model-versions/get": {"name": "<M>", "version": "1"},
    "model-versions/get-download-uri": {"name": "<M>", "version": "1"},
}
_UNKNOWN = {
    "experiment_id": "123456789",
    "run_id": NO_RUN,
    "run_ids": NO_RUN,
    "name": "no such model",
    "version": "99",
    "alias": "none",
    "experiment_name": "no such experiment",
}


def missing() -> Iterator[Case]:
    """Each required parameter left out, once."""
    for path, body in _POSTS.items():
        for gone in body:
            if gone not in ("value", "datasets", "new_name") or path == "registered-models/rename":
                yield post(f"{path} without {gone}", path, **{k: v for k, v in body.items() if k != gone})
    for path, query in _GETS.items():
        for gone in query:
            yield get(f"{path} without {gone}", path, **{k: v for k, v in query.items() if k != gone})


def wrong_types() -> Iterator[Case]:
    """Each parameter as a number, a list, an object, null and a truth value, once."""
    for path, body in _POSTS.items():
        for name, value in body.items():
            for wrong in (5, ["x"], {"a": 1}, None, True):
                if isinstance(value, str):
                    yield post(f"{path} {name}={wrong!r}", path, **body | {name: wrong})


def unknown() -> Iterator[Case]:
    """Each id replaced by one that nothing has, and by texts that are no ids."""
    for path, body in (*_POSTS.items(), *_GETS.items()):
        make = post if path in _POSTS else get
        for name in body:
            if name in _UNKNOWN and not path.endswith(("experiments/create", "registered-models/create")):
                yield make(f"{path} unknown {name}", path, **body | {name: _UNKNOWN[name]})
            if name in ("experiment_id", "run_id", "version"):
                for odd in ("abc", "-1", "../0", "1" * 40, "0x1"):
                    yield make(f"{path} {name}={odd[:10]}", path, **body | {name: odd})


_JSON = {"content-type": "application/json"}


def bodies() -> Iterator[Case]:
    """Bodies that are no JSON objects."""
    for path in ("experiments/create", "runs/log-batch", "registered-models/create", "runs/search"):
        for name, text in (
            ("no JSON", b"{"),
            ("a list", b"[]"),
            ("a number", b"5"),
            ("null", b"null"),
            ("empty", b""),
            ("no UTF-8", b'{"name": "\xff"}'),
            ("nested deeply", b"[" * 100_000),
            ("a text", b'"text"'),
        ):
            yield Case(f"{path} with {name}", "POST", API + path, {"data": text, "headers": _JSON})
