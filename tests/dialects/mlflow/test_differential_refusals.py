"""Calls that should fail: MLflow's own server and ours refuse them alike, but for the listed differences."""

import re
from dataclasses import dataclass

import cases_of_parameters as parameters
import cases_of_states as states
import cases_of_values as values
import pytest
from refused_cases import Case
from twins import API, FILES, Twins, differences

_INVALID = (400, "INVALID_PARAMETER_VALUE")
_UNKNOWN = (404, "RESOURCE_DOES_NOT_EXIST")
_TAKEN = (400, "RESOURCE_ALREADY_EXISTS")
_FINE = (200, None)


CASES = [
    *values.searches(),
    *parameters.missing(),
    *parameters.wrong_types(),
    *parameters.unknown(),
    *parameters.bodies(),
    *values.keys(),
    *values.lengths(),
    *states.of_runs(),
    *states.of_logged_models(),
    *states.of_the_registry(),
    *states.of_deletions(),
    *states.of_artifacts(),
]


@dataclass(frozen=True)
class Apart:
    """The cases whose names fit are answered like this by us, and otherwise by stock, for a reason."""

    names: str
    ours: tuple[int, str | None]
    because: str


APART = [
    # Stock takes for nothing, or for something else, what it could not read; the caller believes that it was kept.
    Apart("runs/search with (no JSON|a list|null|no UTF-8)", _INVALID, "stock searches as if nothing had been asked"),
    Apart("a batch with a text as metric", _INVALID, "stock logs nothing and says that all is well"),
    Apart("a batch with a number as param", _INVALID, "stock logs an empty param"),
    Apart("(inputs with a number|inputs without a dataset)", _INVALID, "stock logs nothing and says that all is well"),
    Apart("a dataset (without a digest|named by a number)", _INVALID, "stock logs a dataset of empty texts"),
    Apart("a batch of null params", _FINE, "null is nothing given, here as elsewhere; stock answers 500"),
    Apart("(metric|run) (timestamp|step|start_time|end_time) (1.5|True)", _INVALID, "stock drops what is no integer"),
    Apart(
        "(metric|run) (timestamp|step|start_time|end_time) \\d{19,20}", _INVALID, "stock drops what has over 64 bits"
    ),
    Apart("(metric value 'True'|a metric that is true)", _INVALID, "a truth value is no number"),
    Apart("metric value '1_0'", _INVALID, "a number in JSON holds no underscore; stock reads it as Python does"),
    Apart(
        "an unknown status|a status in small letters", _INVALID, "stock keeps the old status and says that all is well"
    ),
    Apart("(a short|an unknown) status of a model", _INVALID, "stock sets the status to unspecified"),
    Apart(
        "(registered-models/search max_results (-1|0)|logged-models/search max_results -1)",
        _INVALID,
        "stock gives an empty page and a bad token",
    ),
    Apart("logged-models/search max_results 1\\d+", _INVALID, "an answer has a limit"),
    # Stock does not look whether what is named exists, or whether who names it may.
    Apart("metrics/get-history (unknown )?run_id.*", _UNKNOWN, "whose run it is decides who may ask"),
    Apart("metrics/get-history-bulk-interval unknown run_ids", _UNKNOWN, "whose run it is decides who may ask"),
    Apart("an unknown model as (input|output)", _UNKNOWN, "stock links a run to nothing"),
    Apart("a logged model of no run", _UNKNOWN, "stock links a model to nothing"),
    Apart("a source of another run", _UNKNOWN, "stock links a version to nothing"),
    Apart("(a status|a tag|a param) of a deleted model", _UNKNOWN, "stock changes what it does not show"),
    Apart("(a source|an address|a logged model) without its (run|id)", _FINE, "we look up whose the files are"),
    Apart("an unknown logged model", _UNKNOWN, "we look up whose the files are"),
    Apart(
        "a metric of an unknown model", _UNKNOWN, "the code says what is wrong; stock passes its database's error on"
    ),
    # The code, or the status, says what is wrong.
    Apart("runs/log-inputs run_id=(-1|../0)", _UNKNOWN, "an odd id is the id of nothing, as in the other routes"),
    Apart("rename to a taken name", _TAKEN, "stock passes its database's error on"),
    Apart("get without a run", _INVALID, "a missing parameter is not a missing run"),
    Apart("get without a path", _INVALID, "our refusals carry a code"),
    Apart("a route that is not", (404, "ENDPOINT_NOT_FOUND"), "our refusals carry a code"),
    Apart("get a folder", _UNKNOWN, "a folder is no file"),
    # We take what stock refuses: nothing is lost by it.
    Apart(
        "a (run with a|tag of a model|param of a model) ?(tag)? twice", _FINE, "stock passes its database's error on"
    ),
    Apart("an output a third time", _FINE, "a call that is sent again is the same as once"),
    Apart("a run without its experiment", _FINE, "it is one of the default experiment, as in clients"),
    Apart("a name in camel case", _FINE, "stock takes such names too, but not for required parameters"),
    Apart("a status without the model's id", _FINE, "its id is in the address"),
    # Texts have a length on every database; SQLite minds none.
    Apart("(run|model) name (too long|of 257)", _INVALID, "stock on SQLite keeps more than its column holds"),
    Apart("(model|version) description of 5001", _INVALID, "stock on SQLite keeps more than its column holds"),
    # Names and places.
    Apart("experiment name '  '", _INVALID, "a name can be seen"),
    Apart("(new )?model name 'a\\\\nb'", _INVALID, "a name stands on one line"),
    Apart(
        "artifact location (/srv/x|file:///srv/x|s3://b/../c|x)", _INVALID, "paths of this machine are not its users'"
    ),
    Apart("delete the default experiment", _INVALID, "clients that name no experiment log to it"),
    Apart("a param of a model without a key|a tag of a model without a key", _INVALID, "a key is a name"),
    Apart("(list|list folder|get) a(\\\\|//|;|%00|\\?)b", _INVALID, "a path has one form, without disguises"),
    Apart("list( folder)? \\.", _INVALID, "a path has one form, without disguises"),
    Apart("(GET|PUT|DELETE) (a%5cb|a%00b|C:%5cx)", _INVALID, "a path has one form, without disguises"),
    # More than stock gives.
    Apart("a search by a short status", _FINE, "stock compares texts with numbers and finds nothing"),
    Apart("a search on a dataset by name", _FINE, "stock takes an absent digest for an empty one and finds nothing"),
    Apart(
        "(a run without a start|run start_time None)",
        _FINE,
        "a run that does not say when it began begins now, not 1970",
    ),
]


@pytest.fixture(scope="module")
def world(twins: Twins) -> Twins:
    """Servers that have what the cases name."""
    experiment = twins.post("experiments/create", name=twins.name("world"))["experiment_id"]
    gone = twins.post("experiments/create", name=twins.name("gone"))["experiment_id"]
    twins.post("experiments/delete", experiment_id=gone)
    run = twins.post("runs/create", experiment_id=experiment, start_time=1, run_name="r")["run"]["info"]["run_id"]
    models = [twins.name("model") for _ in range(2)]
    for name in models:
        twins.post("registered-models/create", name=name)
    twins.post("model-versions/create", name=models[0], source="s3://b/m")
    logged, deleted = (
        twins.post("logged-models", experiment_id=experiment, name=name)["model"]["info"]["model_id"] for name in "lx"
    )
    twins.same("DELETE", f"{API}logged-models/{deleted}")
    data = {"name": "d", "digest": "1", "source_type": "local", "source": "s"}
    twins.post("runs/log-inputs", run_id=run, datasets=[{"dataset": data}])
    measured = {"key": "m", "value": 1, "timestamp": 1, "dataset_name": "d", "dataset_digest": "1"}
    twins.post("runs/log-metric", run_id=run, model_id=logged, **measured)
    for side in (twins.stock, twins.ours):
        known = {"<E>": experiment, "<gone>": gone, "<R>": run, "<L>": logged, "<X>": deleted}
        side.values |= {name: side.values[shared] for name, shared in known.items()}
        side.values |= {"<M>": models[0], "<M2>": models[1]}
        side.values["<A>"] = f"{side.values['<E>']}/{side.values['<R>']}/artifacts"
    twins.same("PUT", f"{FILES}artifacts/<A>/folder/file", data=b"x")
    return twins


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_calls_are_refused_alike(world: Twins, case: Case) -> None:
    """Never as a failure that clients try again; where stock fails so, ours is one that they do not."""
    stock, ours = world.both(case.method, case.path, **case.content)
    assert ours.status < 500
    assert ours.status != 429
    apart = next((each for each in APART if re.fullmatch(each.names, case.name)), None)
    if apart is not None:
        assert (ours.status, ours.code) == apart.ours, (apart, stock, ours)
        assert differences(stock, ours), f"no difference any more: {apart}"
    elif stock.status >= 500:
        assert (ours.status, ours.code) in (_INVALID, _UNKNOWN)
    else:
        assert differences(stock, ours) == []


def test_each_listed_difference_is_tried() -> None:
    """No line of the table is about nothing."""
    assert [each for each in APART if not any(re.fullmatch(each.names, case.name) for case in CASES)] == []
