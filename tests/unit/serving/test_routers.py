"""Which node of a branch answers: exact weights, the same way for the same value, bandits that learn."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.core.kernel.errors import DomainError
from modelyard.core.serving.graph.result import Result
from modelyard.core.serving.graph.routers import (
    ByHash,
    ByModel,
    ByRow,
    ByValue,
    ByWeight,
    EpsilonGreedy,
    Rewards,
    Router,
    Shares,
    Thompson,
)
from modelyard.core.serving.tensors import Columns

WEIGHTS = st.lists(st.floats(0, 1e6) | st.just(0.0), min_size=1, max_size=6).filter(lambda weights: sum(weights) > 0)


def chosen(router: Router, **columns: object) -> int | list[int]:
    return router.choose(columns, Result())  # type: ignore[arg-type]


@given(weights=WEIGHTS, fraction=st.floats(0, 1))
def test_a_weight_of_zero_is_never_drawn(weights: list[float], fraction: float) -> None:
    assert weights[Shares(weights).at(fraction)] > 0


@given(weights=st.lists(st.integers(0, 50), min_size=1, max_size=5).filter(any))
def test_shares_are_as_wide_as_their_weights(weights: list[int]) -> None:
    shares, total = Shares([float(weight) for weight in weights]), sum(weights)
    counts = Counter(shares.at((slot + 0.5) / total) for slot in range(total))
    assert [counts[place] for place in range(len(weights))] == weights


def test_no_weight_at_all_is_refused() -> None:
    with pytest.raises(DomainError, match="at least one must be above 0"):
        Shares([0, 0])


def test_requests_are_shared_within_binomial_bounds() -> None:
    router, draws, share = ByWeight([2, 0, 1]), 6000, 2 / 3
    counts = Counter(chosen(router) for _ in range(draws))
    assert counts[1] == 0
    assert abs(counts[0] - draws * share) < 5 * np.sqrt(draws * share * (1 - share))


@given(values=st.lists(st.text() | st.integers(), min_size=1, max_size=20))
def test_the_same_value_goes_the_same_way(values: list[object]) -> None:
    router = ByHash([1, 1, 1], "key")
    places = chosen(router, key=values)
    assert isinstance(places, list)
    assert places == [chosen(router, key=[value])[0] for value in values]  # type: ignore[index]


def test_hashes_spread_as_the_weights_say() -> None:
    places = chosen(ByHash([3, 1], "key"), key=[f"user-{number}" for number in range(4000)])
    assert isinstance(places, list)
    assert abs(places.count(0) - 3000) < 5 * np.sqrt(4000 * 0.75 * 0.25)


def test_a_fraction_is_the_draw_itself_and_a_missing_column_leaves_it_to_chance() -> None:
    router = ByHash([1, 1], "key")
    assert chosen(router, key=np.array([0.0, 0.4, 0.5, 0.6, 1.0])) == [0, 0, 1, 1, 1]
    assert chosen(router, key=[[0.4], [0.6]]) == [0, 1]
    assert {chosen(router, other=[1]) for _ in range(100)} == {0, 1}


def test_a_column_that_later_nodes_do_not_see_decides_all_the_same() -> None:
    asked: Columns = {"card": ["gold", "iron"]}
    assert ByValue("card", ["gold"]).choose({"y": [1, 2]}, Result(asked=asked)) == [1, 0]


@pytest.mark.parametrize(
    ("value", "place"), [("1", 1), (1, 1), (1.0, 1), ([1], 1), (True, 2), (np.True_, 2), ("one", 0), (None, 0), (2, 0)]
)
def test_values_are_compared_as_json_writes_them(value: object, place: int) -> None:
    assert chosen(ByValue("key", ["1", "true"]), key=[value]) == [place]


def test_without_the_column_the_first_node_answers() -> None:
    assert chosen(ByValue("key", ["a"]), other=["a"]) == 0


def test_rows_go_to_the_nodes_of_their_numbers() -> None:
    router = ByRow([(0, 1), (1, 0)])
    assert chosen(router, x=[5, 6]) == [1, 0]
    assert chosen(router, x=[5]) == [1]
    with pytest.raises(DomainError, match="no model for row 2"):
        chosen(router, x=[5, 6, 7])


@pytest.mark.parametrize("policy", ["greedy", "thompson"])
def test_bandits_come_to_prefer_the_node_that_is_right_more_often(policy: str) -> None:
    known: list[list[int]] = [[0, 0], [0, 0], [0, 0]]
    chances = np.random.default_rng(3)

    def rewards() -> Sequence[Rewards]:
        return [(tries, right) for tries, right in known]

    router: Router = EpsilonGreedy(3, rewards, 0.2) if policy == "greedy" else Thompson(3, rewards)
    counts = Counter[int]()
    for _ in range(1500):
        place = chosen(router)
        assert isinstance(place, int)
        counts[place] += 1
        known[place][0] += 1
        known[place][1] += int(chances.random() < (0.2, 0.8, 0.4)[place])
    assert counts[1] > 900
    assert min(counts.values()) > 0


def test_a_router_without_feedback_tries_all_nodes() -> None:
    for router in (EpsilonGreedy(3, lambda: (), 0.5), Thompson(3, lambda: ())):
        assert {chosen(router) for _ in range(200)} == {0, 1, 2}


class Says:
    """A model that gives one number."""

    def __init__(self, number: float) -> None:
        self._number = number

    def run(self, columns: Columns, result: Result) -> dict[str, object]:
        del columns, result
        return {"route": np.array([[self._number]])}


def test_a_model_chooses_by_the_number_that_it_gives() -> None:
    assert chosen(ByModel(Says(-1.0))) == -1
    with pytest.raises(DomainError, match="whole number"):
        chosen(ByModel(Says(0.5)))
