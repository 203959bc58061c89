"""Prompts, which MLflow's clients keep as registered models with a tag."""

from modelyard.core.kernel.search import Attached, Condition

_TAG = "mlflow.prompt.is_prompt"


def without_prompts(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The conditions of a search for models or versions: prompts are found only by those who ask for them by their tag.

    Of several conditions on the tag, MLflow looks at the first.
    """
    asked = [c for c in conditions if isinstance(c, Attached) and c.what == "tag" and c.key == _TAG]
    if asked and (asked[0].op, str(asked[0].value).lower()) in {("=", "true"), ("!=", "false")}:
        return conditions
    others = tuple(c for c in conditions if not any(c is each for each in asked))
    return (*others, Attached("tag", _TAG, "IS NULL", None))
