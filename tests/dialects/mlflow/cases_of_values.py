"""Keys, numbers, names and lengths that are no such things, and malformed searches."""

from collections.abc import Callable, Iterator
from typing import Any

from refused_cases import Case, get, patch, post

_LONG = "x" * 20_000


def keys() -> Iterator[Case]:
    """Keys and values of metrics, params and tags that are no such things."""
    for key in (
        "",
        " ",
        "/a",
        "a/",
        "a//b",
        "../a",
        "a/../b",
        "a\\b",
        "a;b",
        "x" * 250,
        "x" * 251,
        "a\nb",
        "\u00e9",
        "a b",
        ".",
        "a?",
    ):
        shown = key if len(key) < 100 else f"{len(key)} x"
        yield post(f"metric key {shown!r}", "runs/log-metric", run_id="<R>", key=key, value=1, timestamp=1)
        yield post(f"param key {shown!r}", "runs/log-parameter", run_id="<R>", key=key, value="v")
        yield post(f"tag key {shown!r}", "runs/set-tag", run_id="<R>", key=key, value="v")
        yield post(
            f"experiment tag key {shown!r}", "experiments/set-experiment-tag", experiment_id="<E>", key=key, value="v"
        )
        yield post(f"model tag key {shown!r}", "registered-models/set-tag", name="<M>", key=key, value="v")
        yield post(f"version tag key {shown!r}", "model-versions/set-tag", name="<M>", version="1", key=key, value="v")
    for value in ("abc", "", None, [1], {"a": 1}, True, "1_0", "0x10", " 1 ", "nan", "inf", "-inf", "1e400", 10**400):
        yield post(
            f"metric value {str(value)[:20]!r}", "runs/log-metric", run_id="<R>", key="k", value=value, timestamp=1
        )
    for moment in ("abc", None, 1.5, 2**63, -(2**63), -1, [1], True, "5", 10**400):
        shown = str(moment)[:20]
        yield post(f"metric timestamp {shown}", "runs/log-metric", run_id="<R>", key="k", value=1, timestamp=moment)
        yield post(f"metric step {shown}", "runs/log-metric", run_id="<R>", key="k", value=1, timestamp=1, step=moment)
        yield post(f"run start_time {shown}", "runs/create", experiment_id="<E>", run_name="n", start_time=moment)
        yield post(f"run end_time {shown}", "runs/update", run_id="<R>", end_time=moment)


def lengths() -> Iterator[Case]:
    """Values that are too long."""
    yield post("experiment name of 500", "experiments/create", name="e" * 500)
    yield post("experiment name of 501", "experiments/create", name="e" * 501)
    yield post("new experiment name too long", "experiments/update", experiment_id="<E>", new_name=_LONG)
    yield post(
        "experiment tag of 5001", "experiments/set-experiment-tag", experiment_id="<E>", key="k", value="x" * 5001
    )
    yield post("artifact location too long", "experiments/create", name="n1", artifact_location=f"s3://b/{_LONG}")
    yield post("run name too long", "runs/create", experiment_id="<E>", run_name=_LONG, start_time=1)
    yield post("param of 6001", "runs/log-parameter", run_id="<R>", key="long", value="x" * 6001)
    yield post("tag of 8001", "runs/set-tag", run_id="<R>", key="long", value="x" * 8001)
    yield post("model name of 257", "registered-models/create", name="m" * 257)
    yield post("model name of 256", "registered-models/create", name="m" * 256)
    yield post("model description of 5001", "registered-models/create", name="described", description="x" * 5001)
    yield patch("version description of 5001", "model-versions/update", name="<M>", version="1", description="x" * 5001)
    yield post("user name too long", "runs/create", experiment_id="<E>", run_name="n", user_id="u" * 257, start_time=1)
    yield post("source too long", "model-versions/create", name="<M>", source=f"s3://b/{_LONG}")
    for name in ("a/b", "a:b", "", "  ", ".", "a\nb", "é"):
        yield post(f"model name {name!r}", "registered-models/create", name=name)
        yield post(f"new model name {name!r}", "registered-models/rename", name="<M2>", new_name=name)
        yield post(f"experiment name {name!r}", "experiments/create", name=name)
    for place in (
        "/srv/x",
        "file:///srv/x",
        "s3://b/../c",
        "s3://b/a#b",
        "s3://b/a?x=..",
        "ftp://h/x",
        "http://h/x",
        "x",
    ):
        yield post(f"artifact location {place}", "experiments/create", name=f"at {place}", artifact_location=place)


def searches() -> Iterator[Case]:
    """Malformed filters, orders, tokens and sizes of each search."""
    searched: dict[str, tuple[Callable[..., Case], dict[str, Any]]] = {
        "runs/search": (post, {"experiment_ids": ["<E>"]}),
        "experiments/search": (post, {"max_results": 10}),
        "registered-models/search": (get, {}),
        "model-versions/search": (get, {}),
        "logged-models/search": (post, {"experiment_ids": ["<E>"]}),
    }
    for path, (make, whole) in searched.items():
        for text in (
            "name",
            "name =",
            "= 'x'",
            "name = 'x' OR name = 'y'",
            "nothing = 'x'",
            "name = 'x",
            "tags.t ? 'x'",
            "(",
            "'",
        ):
            yield make(f"{path} filter {text}", path, **whole | {"filter": text})
        for token in ("!!", "abc", "e30=", "eyJvZmZzZXQiOiAiYSJ9", "W10=", "/w=="):
            yield make(f"{path} token {token}", path, **whole | {"page_token": token})
        for most in (-1, 0, 10**6, 10**30, "x"):
            yield make(f"{path} max_results {most}", path, **whole | {"max_results": most})
        if path != "logged-models/search":
            for order in ("nothing", "name SIDEWAYS", "", "name, name", "metrics.m DESC ASC"):
                yield make(f"{path} order {order}", path, **whole | {"order_by": [order]})
    for clause in (
        {},
        {"field_name": "nothing"},
        {"field_name": 5},
        {"field_name": "name", "dataset_name": "d"},
        "name",
    ):
        yield post(
            f"logged-models/search order {clause}", "logged-models/search", experiment_ids=["<E>"], order_by=[clause]
        )
