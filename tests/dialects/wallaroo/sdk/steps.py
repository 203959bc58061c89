"""What several scenarios do."""

import wallaroo
from wallaroo.framework import Framework


def sign_in(given):
    """A client; who it is for is in the environment, as the SDK wants it."""
    return wallaroo.Client(api_endpoint=given["url"], auth_type="user_password", request_timeout=30)


def in_workspace(given):
    """A client in the workspace ``given["workspace"]``, made if it is not there."""
    client = sign_in(given)
    client.set_current_workspace(client.get_workspace(given["workspace"], create_if_not_exist=True))
    return client


def upload(client, given, name, file):
    """Upload an example's ONNX file."""
    return client.upload_model(name, f"{given['examples']}/models/{file}", framework=Framework.ONNX)


def deployed(client, name, *models):
    """A pipeline of these models, running."""
    pipeline = client.build_pipeline(name)
    for model in models:
        pipeline.add_model_step(model)
    pipeline.deploy()
    return pipeline


def text_of(call, *args, **kwargs):
    """The error that a call raises, as "Type: text"; None when it raises none."""
    try:
        call(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  # which one it is, is what the test asks
        return f"{type(error).__name__}: {error}"
    return None
