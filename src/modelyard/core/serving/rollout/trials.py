"""What is on trial: asked once a second, so apart from what judges it."""

from modelyard.core.kernel.store import Tx
from modelyard.core.serving.rollout.entities import Rollout
from modelyard.core.serving.rollout.states import RolloutState


def on_trial(tx: Tx) -> list[int]:
    """The numbers of the rollouts that are to be judged."""
    return [key for (key,) in tx.values(Rollout, ("id",), state=RolloutState.BAKING)]
