"""How large a document may be: checked before it is validated or run, because the graph of types has cycles.

The numbers leave room to what clients send: the SDK's deepest document has 8 levels, and the introspection document of
the usual libraries some 250 fields once its fragments are spread. ``ofType`` adds no level: it is what introspection
repeats to unwrap a list of non-null, and it cannot multiply.
"""

from collections.abc import Iterable, Mapping

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from modelyard.core.kernel.errors import invalid

MAX_CHARACTERS = 16_384
MAX_DEPTH = 12
MAX_ALIASES = 30
MAX_ROOT_FIELDS = 30
MAX_SELECTIONS = 400


def check_size(text: str) -> None:
    """Refuse (``INVALID``) a document that is not worth parsing."""
    if len(text) > MAX_CHARACTERS:
        raise invalid(f"the GraphQL document has {len(text)} characters; at most {MAX_CHARACTERS} are allowed")


def check_shape(document: DocumentNode) -> None:
    """Refuse (``INVALID``) a document that asks for too much: as it runs, fragments spread, and as it is written."""
    operations = [d.selection_set for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    fragments = {d.name.value: d.selection_set for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    _refuse_above(MAX_ROOT_FIELDS, sum(len(root.selections) for root in operations), "root fields")
    _check(operations, fragments)
    _check(fragments.values(), {})


def _check(roots: Iterable[SelectionSetNode], fragments: Mapping[str, SelectionSetNode]) -> None:
    """Stops at the first limit, so that a cycle of fragments ends as well."""
    waiting = [(root, 1) for root in roots]
    selections = aliases = 0
    while waiting:
        chosen, depth = waiting.pop()
        _refuse_above(MAX_DEPTH, depth, "levels")
        selections += len(chosen.selections)
        _refuse_above(MAX_SELECTIONS, selections, "fields and fragments")
        for node in chosen.selections:
            aliases += isinstance(node, FieldNode) and node.alias is not None
            inner = _inner(node, fragments)
            if inner is not None:
                waiting.append((inner, depth + _deepens(node)))
        _refuse_above(MAX_ALIASES, aliases, "aliases")


def _inner(node: SelectionNode, fragments: Mapping[str, SelectionSetNode]) -> SelectionSetNode | None:
    """What is selected below a field or inside a fragment; None below a leaf or an unknown fragment."""
    if isinstance(node, FragmentSpreadNode):
        return fragments.get(node.name.value)
    assert isinstance(node, (FieldNode, InlineFragmentNode))  # noqa: S101  # there is no third kind
    return node.selection_set


def _deepens(node: SelectionNode) -> bool:
    return isinstance(node, FieldNode) and node.name.value != "ofType"


def _refuse_above(limit: int, number: int, what: str) -> None:
    if number > limit:
        raise invalid(f"the GraphQL document has more than {limit} {what}; ask for less in one request", limit=limit)
