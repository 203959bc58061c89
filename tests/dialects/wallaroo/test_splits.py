"""The unmodified SDK splits traffic, runs shadows and validations, and changes pipelines that serve.

What the server answers is held against onnxruntime, asked directly with the same file and the same rows.
"""

from typing import Any

import numpy as np
from scenarios import Scenario, close, directly

ROWS = "ccfraud_smoke.arrow"
OLD, NEW = directly("ccfraud.onnx", ROWS), directly("ccfraud_v2.onnx", ROWS)


def within(count: int, of: int, share: float) -> bool:
    """Whether a count is within five standard deviations of what is to be expected."""
    return abs(count - of * share) <= 5 * np.sqrt(of * share * (1 - share))


def by_model(names: list[str]) -> Any:
    """What the models of these names answer to row 6."""
    return close([{"control": OLD, "challenger": NEW}[name][6] for name in names])


def test_requests_and_rows_are_split_as_asked(sdk: Scenario) -> None:
    done = sdk("splitting", requests=420)
    chance = done["chance"]
    assert within(chance["names"].count("control"), 420, 2 / 3)
    assert len(chance["names"]) == 420
    assert chance["scores"] == by_model(chance["names"])
    assert chance["columns"] == ["time", "in.tensor", "out._model_split", "out.dense_1", "anomaly.count"]
    assert sorted(chance["log_columns"]) == sorted(chance["columns"])  # the SDK orders answers, but not logs
    assert chance["log_names"] == chance["names"][::-1]
    assert chance["log_scores"] == by_model(chance["log_names"])
    assert {"name", "file_info", "conversion", "workspace_id", "deployed"} <= set(chance["told"]["model_version"])
    assert {"id", "model_version_id", "runtime", "tensor_fields", "sidekick_uri"} <= set(chance["told"]["config"])
    assert chance["in_table"]
    assert "RandomSplit" in chance["steps"]

    hashed = done["hashed"]
    assert within(hashed["names"].count("control"), 400, 1 / 2)
    assert hashed["same_again"]
    assert hashed["alone"]
    assert hashed["scores"] == by_model(hashed["names"])
    assert hashed["above_one_half"] == ["challenger"]
    assert hashed["without_the_key"] == 8
    assert hashed["passes_through"] == ["session-0", "session-1"]
    assert hashed["logged_key"] == "session-3"

    assert done["key"]["chosen"] == ["challenger", "control", "challenger", "control"]
    assert done["key"]["scores"] == close([NEW[6], OLD[6], NEW[6], OLD[6]])
    assert done["key"]["number"] == ["challenger"]
    assert done["key"]["without"] == ["control"]
    assert done["never"] == {"challenger": 40}
    assert "step 0 (RandomSplit): all weights are 0" in done["refused"]


def test_challengers_answer_beside_the_champion(sdk: Scenario) -> None:
    done = sdk("shadows")
    beside = ["anomaly.count", "out_challenger.dense_1", "out_third.dense_1"]
    assert sorted(done["columns"]) == sorted(["time", "in.tensor", "out.dense_1", *beside])
    assert sorted(done["arrow_columns"]) == sorted(done["columns"])
    assert sorted(done["log_columns"]) == sorted(done["columns"])
    assert done["champion"] == close(OLD)
    for way in ("challenger", "third", "arrow"):
        assert done[way] == close(NEW), way
    assert sorted(done["chosen"]) == ["out.dense_1", "out_challenger.dense_1"]
    assert {"out", "out_challenger", "out_third", "in", "anomaly", "time"} <= set(done["nested"])
    assert [done["nested_challenger"]] == close(NEW[:1])
    assert done["log"] == [close(OLD[::-1][:-1]), close(NEW[::-1][:-1])]
    assert done["log_arrow"]
    assert done["html"]
    assert done["then"]["fraud"] == [int(score > 0.5) for score in OLD]
    assert "out_challenger.dense_1" in done["then"]["columns"]
    assert "out_challenger.dense_1" in done["replaced"]["shadow"]
    assert done["replaced"]["columns"] == ["time", "in.tensor", "out.dense_1", "anomaly.count"]
    assert done["replaced"]["scores"] == close(NEW)
    assert done["replaced"]["split"] == close(OLD)
    assert done["selected"]["scores"] == close(NEW)
    assert "out_champion.dense_1" in done["selected"]["columns"]
    assert "step 1 (ModelInference): several models answer before it" in done["bad"]


def test_validations_mark_the_rows_for_which_they_are_true(sdk: Scenario) -> None:
    done = sdk("validations")
    fraud = [score > 0.5 for score in NEW]
    sure = [score < 0.01 or score > 0.99 for score in NEW]
    large = [amount > 0.5 for amount in done["amounts"]]
    count = [sum(each) for each in zip(fraud, sure, large, strict=True)]
    expected = {"anomaly.count": count, "anomaly.fraud": fraud, "anomaly.large": large, "anomaly.sure": sure}
    assert done["scores"] == close(NEW)
    assert 0 < sum(fraud) < 8
    assert done["answer"] == done["arrow"] == expected
    assert done["log"] == {name: values[::-1] for name, values in expected.items()}
    assert sorted(done["log_columns"]) == sorted(done["columns"])
    assert done["arrow_types"] == ["uint32", "bool"]
    assert done["log_arrow"] == "bool"
    assert sorted(done["kept"]) == ["anomaly.count", "out.dense_1", "time"]
    assert done["one"] == {name: values[6:7] for name, values in expected.items()}
    assert done["chained"] == {"between": fraud, "behind": fraud}
    assert done["fraud"] == [int(row) for row in fraud]
    assert "there is no column 'out.nothing' here, only out.dense_1" in done["unknown_column"]
    assert "step 1 (Check): Agg looks at many rows together" in done["unserved"]
    assert "'wrong' takes true or false, not numbers" in done["no_truth"]
