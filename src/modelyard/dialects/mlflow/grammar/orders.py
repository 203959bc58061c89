"""From the clauses of order_by to orders: ``metrics.loss``, ``metrics.loss DESC``, ``start_time asc``."""

from collections.abc import Iterable, Mapping
from typing import Any

from modelyard.core.kernel.errors import invalid
from modelyard.core.kernel.search import OnDataset, Order
from modelyard.dialects.mlflow.grammar.names import read_name
from modelyard.dialects.mlflow.grammar.tokens import SHOWN, Tokens
from modelyard.dialects.mlflow.grammar.vocabulary import LOGGED_MODELS, Vocabulary

MAX_ORDERS = 30


def read_orders(vocabulary: Vocabulary, clauses: Iterable[str] | None) -> tuple[Order, ...]:
    """One order per clause; what is named again counts no more. Raises ``INVALID``."""
    return _first_of_each(_order(vocabulary, number, clause) for number, clause in enumerate(clauses or (), 1))


def read_logged_model_orders(clauses: Iterable[Mapping[str, Any]] | None) -> tuple[Order, ...]:
    """The same for the JSON objects by which logged models are ordered.

    ``{"field_name": "metrics.acc", "ascending": false, "dataset_name": "d", "dataset_digest": "x"}``, where all but
    the first may be missing or null. A metric's key stands there as it is, without quotes.
    """
    return _first_of_each(_logged_model_order(number, clause) for number, clause in enumerate(clauses or (), 1))


def _first_of_each(orders: Iterable[Order]) -> tuple[Order, ...]:
    kept: dict[tuple[str, str, OnDataset | None], Order] = {}
    for order in orders:
        kept.setdefault((order.what, order.key, order.on), order)
        if len(kept) > MAX_ORDERS:
            raise invalid(f"order_by has more than {MAX_ORDERS} keys; order by fewer")
    return tuple(kept.values())


def _order(vocabulary: Vocabulary, number: int, clause: str) -> Order:
    tokens = Tokens(clause, _label(number))
    token = tokens.next
    what, key = read_name(tokens, vocabulary, vocabulary.orderable)
    if what != "attribute" and what not in vocabulary.orderable_attached:
        tokens.refuse(token, f"{vocabulary.thing} is not ordered by a {what}; {_possible(vocabulary)}")
    direction = tokens.take_word("ASC", "DESC")
    if tokens.next.lastgroup != "end":
        tokens.expected("the end" if direction else "ASC, DESC or the end")
    return Order(what, key, direction == "DESC")


def _logged_model_order(number: int, clause: Mapping[str, Any]) -> Order:
    label = _label(number)
    if not isinstance(clause, Mapping) or not isinstance(clause.get("field_name"), str):
        raise invalid(f"{label} needs a field_name, as in {{'field_name': 'metrics.accuracy', 'ascending': false}}")
    name, ascending = clause["field_name"], clause.get("ascending")
    if not isinstance(ascending, bool | None):
        raise invalid(f"{label} has ascending: {str(ascending)[:SHOWN]!r}; write true or false")
    descending = ascending is False
    prefix, dot, key = name.partition(".")
    if dot and prefix == "metrics" and key:
        Tokens(key, label)  # for its limits
        return Order("metric", key, descending, _dataset(label, clause))
    field = LOGGED_MODELS.aliases.get(name, name)
    if field not in LOGGED_MODELS.orderable:
        raise invalid(f"{label} has the field_name {name[:SHOWN]!r}; {_possible(LOGGED_MODELS)}")
    return Order("attribute", field, descending)


def _dataset(label: str, clause: Mapping[str, Any]) -> OnDataset | None:
    name, digest = clause.get("dataset_name") or None, clause.get("dataset_digest") or None
    if not isinstance(name, str | None) or not isinstance(digest, str | None):
        raise invalid(f"{label} has a dataset_name or dataset_digest that is no string")
    if digest and not name:
        raise invalid(f"{label} has a dataset_digest without a dataset_name; give both or only the name")
    return OnDataset(name, digest) if name else None


def _label(number: int) -> str:
    return f"clause {number} of order_by"


def _possible(vocabulary: Vocabulary) -> str:
    attached = [f"{what}s.<key>" for what in vocabulary.orderable_attached]
    return f"possible are {', '.join([*sorted(vocabulary.orderable), *attached])}"
