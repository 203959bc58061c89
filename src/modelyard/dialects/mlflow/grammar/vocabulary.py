"""What can be searched for in runs, experiments, registered models, model versions and logged models.

Names are MLflow's; of several spellings of one attribute, one is the ``field`` of the conditions and orders. The
default and tie-break orders are those of MLflow 3.17.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelyard.core.kernel.search import Order
from modelyard.dialects.mlflow.grammar.kinds import (
    EXPERIMENT_ID,
    INTEGER,
    LISTED_TEXT,
    METRIC,
    NUMBER,
    TEXT,
    TEXT_OR_NULL,
    VERSION,
    Kind,
)

DATASET_KEYS = ("name", "digest", "context")

_PREFIXES = {
    "attribute": ("attribute", "attributes", "attr"),
    "tag": ("tag", "tags"),
    "param": ("param", "params", "parameter", "parameters"),
    "metric": ("metric", "metrics"),
    "dataset": ("dataset", "datasets"),
}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of one searched thing; ``thing`` is its name in messages.

    ``attributes`` and ``attached`` (by what is attached) can be compared; ``orderable`` attributes and
    ``orderable_attached`` can be ordered by. ``aliases`` are other spellings of attributes, ``more_prefixes`` other
    spellings of ``attribute``. Without ``default`` the ``ties`` are the default order.
    """

    thing: str
    attributes: Mapping[str, Kind]
    attached: Mapping[str, Kind]
    orderable: tuple[str, ...]
    ties: tuple[Order, ...]
    default: tuple[Order, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    orderable_attached: tuple[str, ...] = ()
    more_prefixes: tuple[str, ...] = ()

    def prefix(self, word: str) -> str | None:
        """What a word before the first dot stands for: attribute, tag, param, metric or dataset; None if nothing."""
        for what, spellings in _PREFIXES.items():
            if word in spellings and (what == "attribute" or what in self.attached):
                return what
        return "attribute" if word in self.more_prefixes else None

    def prefixes(self) -> list[str]:
        """One spelling of each prefix, to show."""
        return [spellings[1] for what, spellings in _PREFIXES.items() if what == "attribute" or what in self.attached]


def _by(key: str, *, descending: bool = False) -> Order:
    return Order("attribute", key, descending)


RUNS = Vocabulary(
    thing="a run",
    attributes={
        "run_id": LISTED_TEXT,
        "run_name": TEXT,
        "status": TEXT,
        "start_time": NUMBER,
        "end_time": NUMBER,
        "user_id": TEXT,
        "artifact_uri": TEXT,
    },
    aliases={
        "created": "start_time",
        "Created": "start_time",
        "run name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
    },
    more_prefixes=("run",),
    attached={"tag": TEXT_OR_NULL, "param": TEXT_OR_NULL, "metric": METRIC, "dataset": LISTED_TEXT},
    orderable=("run_id", "run_name", "status", "start_time", "end_time", "user_id", "artifact_uri"),
    orderable_attached=("tag", "param", "metric"),
    ties=(_by("start_time", descending=True), _by("run_id")),
)
EXPERIMENTS = Vocabulary(
    thing="an experiment",
    attributes={
        "name": TEXT,
        "experiment_id": EXPERIMENT_ID,
        "creation_time": INTEGER,
        "last_update_time": INTEGER,
    },
    attached={"tag": TEXT_OR_NULL},
    orderable=("name", "experiment_id", "creation_time", "last_update_time"),
    default=(_by("creation_time", descending=True), _by("experiment_id")),
    ties=(_by("experiment_id", descending=True),),
)
REGISTERED_MODELS = Vocabulary(
    thing="a registered model",
    attributes={"name": LISTED_TEXT},
    attached={"tag": TEXT},
    aliases={"timestamp": "last_updated_timestamp"},
    orderable=("name", "last_updated_timestamp"),
    ties=(_by("name"),),
)
MODEL_VERSIONS = Vocabulary(
    thing="a model version",
    attributes={"name": LISTED_TEXT, "version_number": VERSION, "run_id": LISTED_TEXT, "source_path": TEXT},
    attached={"tag": TEXT},
    orderable=("name", "version_number", "creation_timestamp", "last_updated_timestamp"),
    default=(
        _by("last_updated_timestamp", descending=True),
        _by("name"),
        _by("version_number", descending=True),
    ),
    ties=(_by("name"), _by("version_number", descending=True)),
)
LOGGED_MODELS = Vocabulary(
    thing="a logged model",
    attributes={
        "name": LISTED_TEXT,
        "model_id": LISTED_TEXT,
        "model_type": LISTED_TEXT,
        "status": LISTED_TEXT,
        "source_run_id": LISTED_TEXT,
        "creation_timestamp": NUMBER,
        "last_updated_timestamp": NUMBER,
    },
    aliases={
        "creation_time": "creation_timestamp",
        "creation_timestamp_ms": "creation_timestamp",
        "last_updated_time": "last_updated_timestamp",
        "last_updated_timestamp_ms": "last_updated_timestamp",
    },
    attached={"tag": LISTED_TEXT, "param": LISTED_TEXT, "metric": METRIC},
    orderable=(
        "name",
        "model_id",
        "model_type",
        "status",
        "source_run_id",
        "creation_timestamp",
        "last_updated_timestamp",
    ),
    orderable_attached=("metric",),
    ties=(_by("creation_timestamp", descending=True), _by("model_id")),
)
