"""ExplainApi: why a deployment answered as it did, by KernelSHAP."""

import asyncio
from typing import Any

import numpy as np
from starlette.responses import Response

from modelyard.core.access.permissions import Permission
from modelyard.core.automation.explaining import explained
from modelyard.core.automation.payloads import read_rows
from modelyard.core.kernel.errors import DomainError, failed_precondition, invalid
from modelyard.core.monitoring.inference_log import PageRequest
from modelyard.core.serving.explaining import BACKGROUND_ROWS, MOST_ROWS, Matrix, Numbers
from modelyard.dialects.seldon.dialect import json, seldon
from modelyard.dialects.seldon.places import PL, SD, place_of
from modelyard.web.call import Call


@seldon.post(f"{SD}/explain", Permission.PIPELINE_INFER)
@seldon.post(f"{PL}/explain", Permission.PIPELINE_INFER)
async def explain(call: Call) -> Response:
    """What each number of the request adds to each output, against a background that the answer names."""
    place = place_of(call)
    found = await call.services.store.read(explained, call.actor, place)
    route = call.services.serving.routes.at(place.workspace, place.pipeline)
    if route is None:
        raise failed_precondition(f"{place} is not deployed; deploy it and ask again")
    numbers = Numbers(route.graph)
    records = read_rows(await call.json(Any), route.graph.inputs).records
    if len(records) > MOST_ROWS:
        raise invalid(f"{len(records)} rows are more than are explained at once; send at most {MOST_ROWS}")
    names = [spec.name for spec in route.graph.inputs]
    rows = numbers.matrix({name: [record.get(name) for record in records] for name in names})
    logged = await asyncio.to_thread(_logged, call, found.pipeline.id, numbers, names) if found.may_read_log else None
    background = np.zeros((1, rows.shape[1])) if logged is None else logged
    predictions = await asyncio.to_thread(numbers.predict, rows)
    attributions = await call.services.explainer.explain(numbers.predict, rows, background)
    source = "zeros" if logged is None else "the newest logged rows"
    meta = {"name": "KernelShap", "explanations": ["local"], "background": source, "backgroundRows": len(background)}
    data = {
        "feature_names": numbers.features,
        "output_names": numbers.outputs,
        "expected_value": attributions.base.tolist(),
        "shap_values": attributions.values.tolist(),
        "raw": {"instances": rows.tolist(), "raw_prediction": predictions.tolist()},
    }
    return json({"meta": meta, "data": data})


def _logged(call: Call, pipeline_id: int, numbers: Numbers, names: list[str]) -> Matrix | None:
    """The newest rows of the log, as far as they are such as the deployment takes now."""
    rows = call.services.logs.page(pipeline_id, PageRequest(newest_first=True, size=BACKGROUND_ROWS)).rows
    try:
        found = numbers.matrix({name: list(rows.columns[f"in.{name}"]) for name in names})
    except (DomainError, KeyError):
        return None
    return found if len(found) else None
