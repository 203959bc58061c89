"""Names of what is compared or ordered by: ``start_time``, ``metrics.loss``, ``tags.`release name```."""

from collections.abc import Iterable

from modelyard.dialects.mlflow.grammar.tokens import Tokens, unquoted
from modelyard.dialects.mlflow.grammar.vocabulary import Vocabulary


def read_name(tokens: Tokens, vocabulary: Vocabulary, attributes: Iterable[str]) -> tuple[str, str]:
    """What is named, and its key: for an attribute one of ``attributes``, whatever its spelling. Raises ``INVALID``."""
    token = tokens.next
    if token.lastgroup not in ("name", "double"):
        tokens.expected(f"a name, as in {next(iter(attributes))} or tags.`my key`")
    first, key = unquoted(token["first"] or token["double"]), token["key"]
    what = "attribute" if key is None else vocabulary.prefix(first)
    if what is None:
        tokens.refuse(token, f"no such prefix; before the dot stands one of {', '.join(vocabulary.prefixes())}")
    key = first if key is None else unquoted(key)
    if what == "attribute":
        key = vocabulary.aliases.get(key, key)
        if token["key"] is None and vocabulary.prefix(first):
            tokens.refuse(token, f"a dot and a key must follow, without spaces, as in {first}.`my key`")
        if key not in attributes:
            problem = f"no such attribute of {vocabulary.thing}"
            tokens.refuse(token, f"{problem}; possible are {', '.join(sorted(attributes))}")
    if not key:
        tokens.refuse(token, "the key is empty")
    tokens.take()
    return what, key
