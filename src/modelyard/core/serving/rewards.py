"""What this process holds of what feedback said, for the routers that choose by it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from modelyard.core.kernel.store import Store
from modelyard.core.serving.entities import RouterReward
from modelyard.core.serving.graph.routers import Rewards

Held = Mapping[tuple[int, str], Sequence[Rewards]]


class RewardTable:
    """Readers need no lock: a reload replaces the whole mapping."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: Held = {}

    def of(self, pipeline_id: int, branch: str) -> Sequence[Rewards]:
        """(tries, rights) of the nodes of a branch, in their order; empty when nothing was said yet."""
        return self._held.get((pipeline_id, branch), ())

    def reload(self) -> None:
        """Read what the store says. Blocking."""
        found: dict[tuple[int, str], dict[int, Rewards]] = defaultdict(dict)
        for row in self._store.run_read(lambda tx: tx.find(RouterReward)):
            found[row.pipeline_id, row.branch][row.place] = (row.tries, row.rights)
        self._held = {key: _in_order(places) for key, places in found.items()}


def _in_order(places: Mapping[int, Rewards]) -> list[Rewards]:
    return [places.get(place, (0, 0)) for place in range(max(places) + 1)]
