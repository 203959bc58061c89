"""Runs in the environment of the real MLflow: says for each search on stdin (a line of JSON) what MLflow makes of it.

A search is ``{"thing", "filter", "order_by"}``; the answer is ``{"filter": [[type, key, comparator, value], …],
"order_by": [[type, key, descending], …]}``, or ``{"refused": message}`` when a search of MLflow's own store, on an
empty database, does not succeed.
"""

import json
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

from mlflow.entities import ViewType
from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
from mlflow.store.tracking.dbmodels.models import SqlLoggedModel
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking
from mlflow.utils import search_utils
from mlflow.utils.search_logged_model_utils import parse_filter_string
from mlflow.utils.search_utils import SearchUtils

Entries = list[list[Any]]
_LOGGED_TYPES = {"attributes": "attribute", "metrics": "metric", "params": "parameter", "tags": "tag"}


def _conditions(parsed: list[dict[str, Any]]) -> Entries:
    key = SearchUtils.translate_key_alias
    return [[each["type"], key(each["key"]), each["comparator"].upper(), each["value"]] for each in parsed]


def _orders(parse: Callable[[str], tuple[str, str, bool]], order_by: list[str]) -> Entries:
    key = SearchUtils.translate_key_alias
    return [[kind, key(name), not ascending] for kind, name, ascending in map(parse, order_by)]


def _logged_orders(order_by: list[dict[str, Any]]) -> Entries:
    entries = []
    for order in order_by:
        kind, dot, key = order["field_name"].partition(".")
        name = ["metric", key] if dot else ["attribute", SqlLoggedModel.ALIASES.get(kind, kind)]
        entries.append([*name, not order.get("ascending", True)])
    return entries


class Oracle:
    """MLflow's stores on a new database."""

    def __init__(self, folder: str) -> None:
        self._tracking = Tracking(f"sqlite:///{folder}/mlflow.db", f"{folder}/artifacts")
        self._registry = Registry(f"sqlite:///{folder}/mlflow.db")

    def runs(self, text: str, order_by: list[str]) -> tuple[Entries, Entries]:
        self._tracking.search_runs(["0"], text, ViewType.ALL, 1, order_by)
        return _conditions(SearchUtils.parse_search_filter(text)), _orders(
            SearchUtils.parse_order_by_for_search_runs, order_by
        )

    def experiments(self, text: str, order_by: list[str]) -> tuple[Entries, Entries]:
        self._tracking.search_experiments(ViewType.ALL, 1, text, order_by)
        utils = search_utils.SearchExperimentsUtils
        return _conditions(utils.parse_search_filter(text)), _orders(
            utils.parse_order_by_for_search_experiments, order_by
        )

    def registered_models(self, text: str, order_by: list[str]) -> tuple[Entries, Entries]:
        self._registry.search_registered_models(text, 1, order_by)
        parse = SearchUtils.parse_order_by_for_search_registered_models
        return _conditions(search_utils.SearchModelUtils.parse_search_filter(text)), _orders(
            lambda order: ("attribute", *parse(order)), order_by
        )

    def model_versions(self, text: str, order_by: list[str]) -> tuple[Entries, Entries]:
        self._registry.search_model_versions(text, 1, order_by)
        utils = search_utils.SearchModelVersionUtils
        return _conditions(utils.parse_search_filter(text)), _orders(
            utils.parse_order_by_for_search_model_versions, order_by
        )

    def logged_models(self, text: str, order_by: list[dict[str, Any]]) -> tuple[Entries, Entries]:
        self._tracking.search_logged_models(["0"], text, None, 1, order_by)
        parsed = parse_filter_string(text)
        conditions = [[_LOGGED_TYPES[p.entity.type.value], p.entity.key, p.op, p.value] for p in parsed]
        return conditions, _logged_orders(order_by)


def _answer(oracle: Oracle, search: dict[str, Any]) -> dict[str, Any]:
    try:
        conditions, orders = getattr(oracle, search["thing"])(search["filter"], search["order_by"])
    except Exception as error:  # noqa: BLE001  # MLflow answers some searches with whatever error its libraries raise
        return {"refused": f"{type(error).__name__}: {error}"[:200]}
    return {"filter": conditions, "order_by": orders}


def main() -> None:
    """One line of JSON in, one out."""
    warnings.simplefilter("ignore")
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        oracle = Oracle(folder)
        for line in sys.stdin:
            sys.stdout.write(json.dumps(_answer(oracle, json.loads(line))) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
