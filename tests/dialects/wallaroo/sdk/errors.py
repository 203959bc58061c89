"""What a person sees when something is wrong: the SDK's own exceptions with the server's text in them."""

import pandas as pd
import pyarrow as pa
from steps import deployed, in_workspace, text_of, upload
from wallaroo.framework import Framework


def run(given):
    client = in_workspace(given)
    pipeline = deployed(client, "errors", upload(client, given, "ccfraud", "ccfraud.onnx"))
    not_a_model = given["not_a_model"]
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    result = {
        "wrong_column": text_of(pipeline.infer, frame.rename(columns={"tensor": "tenser"})),
        "wrong_shape": text_of(pipeline.infer, pd.DataFrame({"tensor": [[1.0, 2.0]]})),
        "wrong_type": text_of(pipeline.infer, pd.DataFrame({"tensor": [["a"] * 29]})),
        "wrong_arrow": text_of(pipeline.infer, pa.table({"tensor": pa.array(["x"])})),
        "empty": text_of(pipeline.infer, frame.head(0)),
        "not_a_model": text_of(client.upload_model, "broken", not_a_model, framework=Framework.ONNX),
        "bad_name": text_of(client.build_pipeline, "Not_Allowed"),
        "no_pipeline": text_of(client.get_pipeline, "no-such-pipeline"),
        "no_model": text_of(client.get_model, "no-such-model"),
        "no_workspace": text_of(client.get_workspace, "no-such-workspace"),
        "models_left": [model.name() for model in client.list_models()],
    }
    pipeline.undeploy()
    return result
