"""Just sign in and make one call; says how it went."""

from steps import sign_in, text_of


def run(given):
    return {"error": text_of(lambda: sign_in(given).list_workspaces())}
