"""Routers that learn: what feedback said decides, for the nodes that there are now."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.graph.compiling import compile_plan
from modelyard.core.serving.graph.plan import Node, branch, by_reward, plan
from modelyard.core.serving.graph.routers import Rewards


def leaf(name: str) -> Node:
    return {"kind": "constant", "name": name, "values": [1.0]}


def ways(rewards: Sequence[Rewards], policy: str, epsilon: float | None = None, count: int = 400) -> Counter[Any]:
    bandit = branch("bandit", [leaf("a"), leaf("b")], by_reward(policy, epsilon))
    graph = compile_plan(plan(bandit), [], lambda name: {"bandit": rewards}[name])
    return Counter((graph.run({"x": [1]}).routing or {})["bandit"] for _ in range(count))


@pytest.mark.parametrize("rewards", [(), [(0, 0)], [(0, 0), (0, 0)]])
def test_while_nothing_is_known_every_node_gets_its_share(rewards: Sequence[Rewards]) -> None:
    for policy in ("epsilon_greedy", "thompson"):
        found = ways(rewards, policy, 0.0)
        assert 120 <= found[0] <= 280  # binomial(400, 0.5): eight standard deviations


def test_the_best_node_is_taken_but_for_the_share_of_trying() -> None:
    assert ways([(10, 2), (10, 8)], "epsilon_greedy", 0.0) == {1: 400}
    tried = ways([(10, 2), (10, 8)], "epsilon_greedy", 0.25)
    assert 45 <= tried[0] <= 160  # binomial(400, 0.25)
    assert ways([(1000, 900), (1000, 100)], "thompson") == {0: 400}


def test_what_was_said_of_nodes_that_are_no_more_does_not_count() -> None:
    rewards = [(10, 2), (10, 8), (10, 10), (10, 10)]
    assert ways(rewards, "epsilon_greedy", 0.0) == {1: 400}
    assert set(ways(rewards, "thompson")) <= {0, 1}


def test_a_constant_needs_rows_of_one_length() -> None:
    graph = compile_plan(plan(leaf("a")), [])
    for column, words in (([], "no rows"), ([[1], [1, 2]], "different lengths")):
        with pytest.raises(DomainError, match=words) as caught:
            graph.run({"x": column})
        assert caught.value.details["node"] == "a"
