"""Runs with everything that hangs on them, for many runs at once."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelyard.core.kernel.batches import batches
from modelyard.core.kernel.store import Tx
from modelyard.core.tracking.entities import Dataset, LatestMetric, Run, RunDataset, RunModel, RunParam, RunTag


@dataclass(frozen=True, slots=True)
class RunView:
    """A run, the latest of its metrics, and its params, tags, datasets and models."""

    run: Run
    metrics: Sequence[LatestMetric]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    datasets: Sequence[tuple[Dataset, RunDataset]] = field(default=())
    models: Sequence[RunModel] = field(default=())


def run_views(tx: Tx, runs: Sequence[Run]) -> list[RunView]:
    """The runs, in their order, with what hangs on them."""
    metrics: dict[str, list[LatestMetric]] = defaultdict(list)
    params: dict[str, dict[str, str]] = defaultdict(dict)
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    models: dict[str, list[RunModel]] = defaultdict(list)
    for ids in batches([run.id for run in runs]):
        for metric in tx.find(LatestMetric, run_id=ids):
            metrics[metric.run_id].append(metric)
        for kind, held in ((RunParam, params), (RunTag, tags)):
            for run_id, key, value in tx.values(kind, ("run_id", "key", "value"), run_id=ids):
                held[run_id][key] = value
        for model in tx.find(RunModel, run_id=ids):
            models[model.run_id].append(model)
    datasets = _datasets(tx, [run.id for run in runs])
    return [
        RunView(
            run,
            metrics.get(run.id, []),
            params.get(run.id, {}),
            tags.get(run.id, {}),
            datasets.get(run.id, []),
            models.get(run.id, []),
        )
        for run in runs
    ]


def _datasets(tx: Tx, run_ids: list[str]) -> dict[str, list[tuple[Dataset, RunDataset]]]:
    links = [link for ids in batches(run_ids) for link in tx.find(RunDataset, run_id=ids)]
    wanted = sorted({link.dataset_id for link in links})
    known = {dataset.id: dataset for ids in batches(wanted) for dataset in tx.find(Dataset, id=ids)}
    found: dict[str, list[tuple[Dataset, RunDataset]]] = defaultdict(list)
    for link in links:
        found[link.run_id].append((known[link.dataset_id], link))
    return found
