"""Run by the SDK's own interpreter: prints, as JSON, every GraphQL document that the installed SDK can send.

Documents written as literals are found in the SDK's source by reading its syntax tree; those built at run time are
taken from the real methods, called with every combination of their options on a client that only records.
"""

import ast
import contextlib
import itertools
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import wallaroo
from graphql import print_ast
from wallaroo.client import Client
from wallaroo.object import EntityNotFoundError

SDK = Path(wallaroo.__file__).parent

UNREACHABLE = {
    "comment.py": "nothing in the SDK makes a Comment, and some of its documents cannot validate anywhere",
    "model_version.py:_update_visibility": "private and without a caller",
    "pipeline.py:_update_visibility": "private and without a caller",
}
BUILT_AT_RUN_TIME = {
    "client.py:_search_pipeline_versions",
    "client.py:_search_model_versions",
    "client.py:_generate_model_by_name_query",
    "client.py:pipelines_by_name",
}


def literals():
    """(origin, text) of each document that stands in the source, and the places where one is built."""
    for file in sorted(SDK.glob("*.py")):
        for function in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "gql":
                        yield f"{file.name}:{function.name}", text_of(call.args[0], function)


def text_of(argument, function):
    """The document's text, or None where it is built at run time."""
    if isinstance(argument, ast.Constant):
        return argument.value
    if isinstance(argument, ast.Call):  # queries.named("…")
        return (SDK / "graphql" / f"{argument.args[0].value}.graphql").read_text("utf-8")
    if isinstance(argument, ast.JoinedStr) and all(is_own_id(part) for part in argument.values):
        return "".join(part.value if isinstance(part, ast.Constant) else "1" for part in argument.values)
    return None


def is_own_id(part):
    """Whether the part of an f-string is text or ``self._id``, an integer."""
    return isinstance(part, ast.Constant) or ast.unparse(part.value) in {"self._id", "self.id()"}


class Recorder:
    """Stands in for the GraphQL client: keeps what it is given and finds nothing."""

    def __init__(self):
        self.texts = []

    def execute(self, document, **_):
        self.texts.append(print_ast(document))
        return {"search_models": [], "search_pipelines": [], "model": [], "pipeline": []}


class Caller:
    """Answers the one question that the recorded methods ask about the user."""

    def user_id(self):
        return "99cace15-e0d4-4bb6-bf14-35efee181b90"


def built():
    """(origin, text) of every variant of the documents that are built at run time."""
    recorder = Recorder()
    client = Client.__new__(Client)
    client._gql_client = recorder
    client.auth = Caller()
    client._validate_workspace_id = client._validate_workspace_name = lambda _: None
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    place = {"workspace_id": 1, "workspace_name": "w"}
    uploaded = {"uploaded_time_start": moment, "uploaded_time_end": moment}
    changed = {"created_start": moment, "created_end": moment, "updated_start": moment, "updated_end": moment}
    term = {"search_term": "s"}
    for method, fixed, options in [
        ("search_models", {}, term | uploaded | place),
        ("search_model_versions", {}, term | uploaded | place),
        ("_search_my_models", {}, term | uploaded | place),
        ("_search_my_model_versions", {}, term | uploaded | place),
        ("search_pipelines", {}, term | {"deployed": True} | changed | place),
        ("search_pipeline_versions", {}, term | {"deployed": False} | changed),
        ("model_by_name", {"name": "n", "version": "v"}, place),
        ("pipelines_by_name", {"pipeline_name": "n"}, place),
    ]:
        for count in range(len(options) + 1):
            for chosen in itertools.combinations(options.items(), count):
                with contextlib.suppress(EntityNotFoundError):  # the document was recorded all the same
                    getattr(client, method)(**fixed, **dict(chosen))
        yield from ((method, text) for text in dict.fromkeys(recorder.texts))
        recorder.texts.clear()


def main():
    """Fail when the SDK builds a document in a place that nobody has looked at."""
    documents = []
    for origin, text in literals():
        if origin in UNREACHABLE or origin.partition(":")[0] in UNREACHABLE:
            continue
        if text is not None:
            documents.append({"origin": origin, "text": text})
        elif origin not in BUILT_AT_RUN_TIME:
            sys.exit(f"{origin} builds a GraphQL document in a way this scan does not know")
    documents += [{"origin": origin, "text": text} for origin, text in built()]
    json.dump(documents, sys.stdout)


if __name__ == "__main__":
    main()
