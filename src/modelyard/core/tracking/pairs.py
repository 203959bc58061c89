"""Keys and values that hang on tracked things."""

from collections.abc import Callable, Iterable
from typing import Any

from modelyard.core.kernel.store import Existing, Tx
from modelyard.core.tracking.limits import check_key, check_length


def write_pairs(
    tx: Tx, kind: Callable[..., Any], owner_id: int | str, pairs: Iterable[tuple[str, str]], what: str, most: int
) -> None:
    """Put tags or params (``what``) on a thing, in place of those with the same keys.

    ``kind`` is their entity: number, owner, key, value. Values have at most ``most`` characters, else ``INVALID``.
    """
    rows = [kind(0, owner_id, check_key(what, key), check_length(f"{what}.value", value, most)) for key, value in pairs]
    tx.insert_all(rows, existing=Existing.REPLACE)
