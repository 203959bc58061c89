"""The first user's part beside ``two_users``: sets the workspace up, adds the other user, removes them."""

from steps import in_workspace, text_of, upload


def run(given):
    client = in_workspace(given)
    workspace = client.get_current_workspace()
    if given["do"] == "set up":
        pipeline = client.build_pipeline("shared").add_model_step(upload(client, given, "ccfraud", "ccfraud.onnx"))
        pipeline.create_version()
        client.create_tag("shared-tag").add_to_pipeline(pipeline.id())
    elif given["do"] == "add":
        workspace.add_user(given["other"])
    elif given["do"] == "promote":
        workspace.add_owner(given["other"])
    elif given["do"] == "remove":
        workspace.remove_user(given["other"])
    return {
        "users": sorted(user.email() for user in workspace.users()),
        "again": text_of(workspace.add_user, given["other"]) if given["do"] == "add" else None,
    }
