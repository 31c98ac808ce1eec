"""Ranks: whatever is put where, the order is that of a list, and little else has to change for it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.rank import GAP, rank_after_all, rank_before_all, rank_behind

WINDOW = 4


def test_an_empty_section_starts_anywhere_and_grows_at_both_ends() -> None:
    only = rank_after_all(None)
    assert rank_before_all(None) == only
    assert rank_before_all(only) < only < rank_after_all(only)


def test_between_two_neighbours_is_halfway() -> None:
    assert rank_behind([0, 100, 101], to_end=True) == (50, [])


def test_behind_the_last_is_a_gap_further() -> None:
    assert rank_behind([7], to_end=True) == (7 + GAP, [])


def test_without_a_free_number_the_next_ones_are_spread_out() -> None:
    rank, spread = rank_behind([10, 11, 12, 13, 60, 61], to_end=False) or (0, [])
    assert spread == [22, 35, 47]
    assert rank == 16


def test_nothing_is_spread_over_a_width_that_is_not_known() -> None:
    assert rank_behind([10, 11, 12, 13], to_end=False) is None


def test_a_full_end_is_spread_beyond_the_end() -> None:
    rank, spread = rank_behind([10, 11, 12], to_end=True) or (0, [])
    assert [10, rank, *spread] == [10, 10 + GAP, 10 + 2 * GAP, 10 + 3 * GAP]


def put_behind(ranks: list[int], place: int) -> int:
    """Put a rank behind that at the place, as a handler does; how many others changed."""
    window = WINDOW
    while True:
        seen = ranks[place : place + window]
        placed = rank_behind(seen, to_end=len(seen) < window)
        if placed is not None:
            break
        window *= 2
    rank, spread = placed
    ranks[place + 1 : place + 1 + len(spread)] = spread
    ranks.insert(place + 1, rank)
    return len(spread)


@given(
    start=st.lists(st.integers(-50, 50), unique=True, min_size=1),
    places=st.lists(st.integers(0), max_size=60),
)
def test_ranks_stay_distinct_and_ascending(start: list[int], places: list[int]) -> None:
    ranks = sorted(start)
    for place in places:
        put_behind(ranks, place % len(ranks))
        assert all(a < b for a, b in pairwise(ranks))
    assert len(ranks) == len(start) + len(places)


def test_putting_everything_behind_the_same_task_moves_few_others_on_average() -> None:
    ranks = [0, GAP]
    moved = sum(put_behind(ranks, 0) for _ in range(2_000))
    assert moved < 2_000 * 12
    assert ranks == sorted(set(ranks))
