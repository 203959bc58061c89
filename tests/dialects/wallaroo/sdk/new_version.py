"""Two versions of a model: swap them in a running pipeline, go back, and deploy again without naming steps."""

import pandas as pd
from steps import deployed, in_workspace, sign_in, upload


def run(given):
    client = in_workspace(given)
    frame = pd.read_json(f"{given['examples']}/data/ccfraud_smoke.df.json", orient="records")
    first = upload(client, given, "ccfraud", "ccfraud.onnx")
    pipeline = deployed(client, "new-version", first)
    answers = {"first": scores(pipeline, frame)}

    second = upload(client, given, "ccfraud", "ccfraud_v2.onnx")
    pipeline.replace_with_model_step(0, second).deploy()
    answers["second"] = scores(pipeline, frame)
    pipeline.undeploy()

    later = sign_in(given)
    later.set_current_workspace(later.get_workspace(given["workspace"]))
    found = later.get_pipeline("new-version")
    found.deploy()
    answers["again"] = scores(found, frame)

    versions = [version.name() for version in found.versions()]
    with_first = next(v for v in versions if first.version() in str(found.get_pipeline_configuration(v)))
    later.get_pipeline("new-version", version=with_first).deploy()
    answers["back"] = scores(later.get_pipeline("new-version"), frame)

    later.get_pipeline("new-version").undeploy()
    named = later.get_model("ccfraud")
    return {
        "answers": answers,
        "versions_of_the_model": len(later.list_models()[0].versions()),
        "the_model_by_name_is_the_second": named.version() == second.version(),
        "the_model_by_version_is_the_first": later.get_model("ccfraud", version=first.version()).id() == first.id(),
        "models_share_their_parent": first.models_pk_id() == second.models_pk_id(),
        "pipeline_versions": len(versions),
    }


def scores(pipeline, frame):
    return [row[0] for row in pipeline.infer(frame)["out.dense_1"]]
