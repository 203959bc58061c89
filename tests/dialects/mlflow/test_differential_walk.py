"""A random walk: the same random operations on both servers, and then both say the same of everything."""

from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from twins import Twins

_WALKS, _STEPS = 4, 80
_WORDS = ["a", "b", "c", "", "10", "9", "long value", "É"]
_KEYS = ["k", "k", "l", "m.n", "o/p", "bad//key"]
_NUMBERS = [0, 1, 1, 2, -3, 0.5, 1e308, -0.0, "NaN", "Infinity", "-Infinity", "x"]
_STAGES = ["None", "Staging", "production", "Archived", "Elsewhere"]


class Walk:
    """What was made so far, by the names that both servers share."""

    def __init__(self, twins: Twins, chance: Random) -> None:
        self._twins, self._chance = twins, chance
        self.experiments: list[str] = []
        self.runs: list[str] = []
        self.models: list[str] = []

    def step(self) -> None:
        """One random operation on something that is there; the first ones make things."""
        if len(self.experiments) < 2:
            return self._experiment()
        if len(self.runs) < 2:
            return self._run()
        if not self.models:
            return self._model()
        operations = [self._metric, self._param, self._tag, self._batch, self._update, self._version, self._stage]
        rare = [
            self._experiment,
            self._run,
            self._model,
            self._life,
            self._experiment_life,
            self._alias,
            self._model_tag,
        ]
        return self._chance.choice(operations * 2 + rare)()

    def _post(self, path: str, /, **body: Any) -> Any:
        return self._twins.post(path, **body).body

    def _one(self, things: list[str]) -> str:
        return self._chance.choice(things)

    def _experiment(self) -> None:
        self.experiments.append(self._post("experiments/create", name=self._twins.name("walk"))["experiment_id"])

    def _run(self) -> None:
        said = {"run_name": f"run {len(self.runs)}", "start_time": len(self.runs), "user_id": "u"}
        made = self._post("runs/create", experiment_id=self._one(self.experiments), **said)
        self.runs += [made["run"]["info"]["run_id"]] if "run" in made else []

    def _model(self) -> None:
        name = self._twins.name("walk")
        self._post("registered-models/create", name=name, description=self._one(_WORDS))
        self.models.append(name)

    def _metric(self) -> None:
        self._post("runs/log-metric", run_id=self._one(self.runs), **self._measurement())

    def _measurement(self) -> dict[str, Any]:
        moments = {"timestamp": self._chance.randint(-1, 5), "step": self._chance.randint(-2, 5)}
        return {"key": self._one(_KEYS), "value": self._chance.choice(_NUMBERS)} | moments

    def _param(self) -> None:
        self._post(
            "runs/log-parameter",
            run_id=self._one(self.runs),
            key=self._one(_KEYS),
            value=self._one(_WORDS),
        )

    def _pair(self) -> dict[str, str]:
        return {"key": self._one(_KEYS), "value": self._one(_WORDS)}

    def _tag(self) -> None:
        self._post(
            "runs/set-tag",
            run_id=self._one(self.runs),
            key=self._one(_KEYS),
            value=self._one(_WORDS),
        )

    def _batch(self) -> None:
        metrics = [m for m in (self._measurement() for _ in range(self._chance.randint(0, 4))) if m["value"] != "x"]
        pairs = [self._pair() for _ in range(self._chance.randint(0, 3))]
        self._post("runs/log-batch", run_id=self._one(self.runs), metrics=metrics, params=pairs, tags=pairs)

    def _update(self) -> None:
        said = {"status": self._chance.choice(["RUNNING", "FINISHED", "FAILED"])}
        said |= self._chance.choice([{}, {"end_time": 5}, {"run_name": "renamed"}])
        self._post("runs/update", run_id=self._one(self.runs), **said)

    def _life(self) -> None:
        path = self._chance.choice(["runs/delete", "runs/restore"])
        self._post(path, run_id=self._one(self.runs))

    def _experiment_life(self) -> None:
        path = self._chance.choice(["experiments/delete", "experiments/restore"])
        self._post(path, experiment_id=self._one(self.experiments))

    def _version(self) -> None:
        tags = self._chance.choice([[], [{"key": "k", "value": "v"}]])
        self._post("model-versions/create", name=self._one(self.models), source="s3://bucket/model", tags=tags)

    def _stage(self) -> None:
        said = {"version": str(self._chance.randint(1, 4)), "stage": self._chance.choice(_STAGES)}
        archive = said["stage"] in ("Staging", "production") and self._chance.random() < 0.5
        self._post(
            "model-versions/transition-stage",
            name=self._one(self.models),
            archive_existing_versions=archive,
            **said,
        )

    def _alias(self) -> None:
        said = {"name": self._one(self.models), "alias": self._chance.choice(["best", "new", "v1"])}
        if self._chance.random() < 0.5:
            self._post("registered-models/alias", version=str(self._chance.randint(1, 3)), **said)
        else:
            self._twins.delete("registered-models/alias", **said)

    def _model_tag(self) -> None:
        said = {"name": self._one(self.models), "key": self._one(_KEYS)}
        if self._chance.random() < 0.5:
            self._post("registered-models/set-tag", value=self._one(_WORDS), **said)
        else:
            self._twins.delete("registered-models/delete-tag", **said)

    def look(self) -> None:
        """Ask both for everything, in many ways."""
        twins = self._twins
        for run in self.runs:
            twins.get("runs/get", run_id=run)
            for key in ("k", "m.n"):
                twins.get("metrics/get-history", run_id=run, metric_key=key)
        for filter_, order in _RUN_SEARCHES:
            asked = {
                "experiment_ids": self.experiments,
                "filter": filter_,
                "order_by": [*order, "start_time", "run_name"],
            }
            for view in ("ACTIVE_ONLY", "ALL"):
                twins.pages("POST", "runs/search", "runs", max_results=3, run_view_type=view, **asked)
        for experiment in self.experiments:
            twins.get("experiments/get", experiment_id=experiment)
        for name in self.models:
            twins.get("registered-models/get", name=name)
            twins.get("model-versions/search", filter=f"name = '{name}'", order_by=["version_number DESC"])
            twins.get("model-versions/search", filter=f"name = '{name}' AND tags.k = 'v'", order_by=["version_number"])


_RUN_SEARCHES: list[tuple[str, list[str]]] = [
    ("", []),
    ("metrics.k > 0", ["metrics.k DESC"]),
    ("metrics.k != 1", ["metrics.`m.n`"]),
    ("params.k = 'a'", ["params.l DESC"]),
    ("params.k LIKE '%1%' AND tags.k != 'b'", []),
    ("tags.l IS NULL", ["tags.k"]),
    ("status = 'FINISHED'", ["end_time DESC"]),
    ("run_name ILIKE 'RUN%'", ["status"]),
]


@settings(
    max_examples=_WALKS,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32))
def test_random_operations_leave_the_same_behind(twins: Twins, seed: int) -> None:
    """Some hundred operations in all, refused ones included."""
    walk = Walk(twins, Random(seed))  # noqa: S311  # no secret
    for _ in range(_STEPS):
        walk.step()
    walk.look()
    assert walk.runs
