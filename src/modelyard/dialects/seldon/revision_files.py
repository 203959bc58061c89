"""Revisions as text: the documents as YAML files, and what changed in them as diffs."""

import difflib
import html
from collections.abc import Mapping
from typing import Any, Final

import yaml

from modelyard.core.serving.entities import Form, Pipeline
from modelyard.core.serving.revisions import Change
from modelyard.dialects.seldon.core2 import without_given
from modelyard.dialects.seldon.dialect import timestamp

FOLDERS: Final = {Form.PREDICTORS: "seldondeployments", Form.MODEL: "models", Form.DATAFLOW: "pipelines"}


def files(pipeline: Pipeline, definition: Mapping[str, Any]) -> dict[str, str]:
    """The documents of a definition as YAML, by file name."""
    parts = [definition["document"], *([definition["explainer"]] if definition.get("explainer") else [])]
    found = {f"{FOLDERS[Form(pipeline.form)]}/{pipeline.name}.yaml": "---\n".join(map(_yaml, parts))}
    experiment = definition.get("experiment")
    if experiment:
        found[experiment_file(experiment["metadata"]["name"])] = _yaml(experiment)
    return found


def _yaml(document: Mapping[str, Any]) -> str:
    return yaml.safe_dump(without_given(document), sort_keys=True, allow_unicode=True)


def experiment_file(name: str) -> str:
    """The file of an experiment."""
    return f"experiments/{name}.yaml"


def log_entry(change: Change) -> dict[str, str]:
    """The change as a log names it."""
    when = timestamp(change.version.created_at)
    return {
        "AuthorName": change.author,
        "AuthorWhen": when,
        "CommitterName": change.author,
        "CommitterWhen": when,
        "Hash": change.hash,
        "Action": change.version.action or "",
        "Message": change.version.message or "",
    }


def file_diff(namespace: str, change: Change) -> dict[str, str]:
    """The change as a unified diff, escaped for pages."""
    file = f"{namespace}/{change.file}"
    kind = "Insert" if change.before is None else "Delete" if change.after is None else "Modify"
    before, after = ((text or "").splitlines(keepends=True) for text in (change.before, change.after))
    names = "" if change.before is None else file, "" if change.after is None else file
    lines = difflib.unified_diff(before, after, names[0] or "/dev/null", names[1] or "/dev/null")
    return {
        "ChangeType": kind,
        "CommitHash": change.hash,
        "Diff": html.escape("".join(lines)),
        "FileName": file,
        "From": names[0],
        "GitHubUrl": "",
        "PrevCommitHash": change.previous,
        "To": names[1],
    }
