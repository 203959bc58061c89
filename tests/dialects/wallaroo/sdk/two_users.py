"""What a second user sees of the first one's workspace: nothing, then, once added, everything; then nothing again."""

from steps import sign_in, text_of


def run(given):
    client = sign_in(given)
    workspaces = {workspace.name(): workspace for workspace in client.list_workspaces()}
    theirs = workspaces.get(given["workspace"])
    seen = {
        "default": client.get_current_workspace().name(),
        "sees_the_workspace": theirs is not None,
        "search": [version.pipeline().name() for version in client.search_pipelines("shared")],
        "models": [version.name() for version in client.search_models("ccfraud")],
        "tags": [tag.tag() for tag in client.list_tags()],
        "deployments": [deployment.name() for deployment in client.list_deployments()],
        "missing": text_of(client.pipelines_by_name, "shared"),
    }
    if theirs is not None:
        client.set_current_workspace(theirs)
        pipeline = client.get_pipeline("shared")
        seen["users"] = sorted(user.email() for user in theirs.users())
        seen["versions"] = len(pipeline.versions())
        seen["pipeline"] = pipeline.name()
    return seen
