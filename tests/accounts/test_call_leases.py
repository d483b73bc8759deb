"""Leases in memory: what a process draws, spends, loses and forgets."""

import random

import pytest

from accounts import call_leases
from accounts.call_leases import LEASE_SECONDS, CallPolicy, LeaseBook

POLICY = CallPolicy("test", per_minute=120, largest=5)


class Clock:
    """A time that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> LeaseBook:
    return LeaseBook(clock)


def draw(book: LeaseBook, granted: int | None = None) -> int:
    """One call; how many were asked for. ``granted`` None gives what is asked for."""
    drawn = book.draw(POLICY, "key")
    if drawn.ask:
        book.receive(POLICY, "key", drawn.ask if granted is None else granted, 0.0)
    book.note_spent(POLICY, "key")
    return drawn.ask


def test_the_bucket_and_what_is_out_on_lease_are_never_more_than_the_burst() -> None:
    for per_minute in (10, 60, 120, 600, 6000):
        policy = CallPolicy("test", per_minute, 5)
        assert 1 <= policy.capacity <= per_minute / 2 - policy.rate * LEASE_SECONDS


def test_whoever_calls_now_and_then_draws_single_tokens(book: LeaseBook, clock: Clock) -> None:
    asked = []
    for _ in range(10):
        asked.append(draw(book))
        clock.now += LEASE_SECONDS
    assert asked == [1] * 10


def test_whoever_calls_much_draws_more_at_a_time(book: LeaseBook) -> None:
    asked = [draw(book) for _ in range(40)]
    assert max(asked) == POLICY.largest
    assert asked.count(0) > 25
    # Nothing expired in between, so nothing was lost.
    assert sum(asked) - book.leases["key"].tokens == 40


@pytest.mark.parametrize("seed", range(20))
def test_never_are_two_thirds_more_drawn_than_spent(seed: int) -> None:
    chance, clock = random.Random(seed), Clock()  # noqa: S311
    book, asked, calls = LeaseBook(clock), 0, 400
    for _ in range(calls):
        asked += draw(book)
        clock.now += chance.choice((0.0, 0.1, 1.0, 2.9, 3.1, 10.0))
    assert calls <= asked <= calls * 5 / 3


def test_a_lease_ends(book: LeaseBook, clock: Clock) -> None:
    book.receive(POLICY, "key", 5, 0.0)
    clock.now += LEASE_SECONDS - 0.01
    assert book.draw(POLICY, "key").good_until > clock.now
    clock.now += 0.02
    assert book.draw(POLICY, "key").ask == 1


def test_what_was_given_back_is_there_until_its_lease_ends(book: LeaseBook, clock: Clock) -> None:
    held = book.receive(POLICY, "key", 1, 0.0)
    assert book.draw(POLICY, "key").ask == 1
    book.give_back(POLICY, "key", held.good_until)
    again = book.draw(POLICY, "key")
    assert again.good_until == held.good_until
    clock.now += LEASE_SECONDS + 1
    book.receive(POLICY, "key", 1, 0.0)
    book.give_back(POLICY, "key", again.good_until)
    assert book.draw(POLICY, "key").ask == 1


def test_an_empty_bucket_is_not_asked_again_before_it_can_have_a_token(
    book: LeaseBook, clock: Clock
) -> None:
    assert book.receive(POLICY, "key", 0, 0.2).wait == pytest.approx(0.4)
    clock.now += 0.39
    assert 0 < book.draw(POLICY, "key").wait < 0.02
    clock.now += 0.02
    assert book.draw(POLICY, "key").ask == 1


def test_two_draws_at_once_do_not_make_a_lease_longer(book: LeaseBook, clock: Clock) -> None:
    first = book.receive(POLICY, "key", 3, 0.0)
    clock.now += 1
    second = book.receive(POLICY, "key", 3, 0.0)
    assert second.good_until == first.good_until
    assert book.leases["key"].tokens == 4


def test_the_book_does_not_grow_without_end(
    book: LeaseBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_leases, "MOST_KEYS", 3)
    for name in ("a", "b", "c", "a", "d"):
        book.draw(POLICY, name)
    assert list(book.leases) == ["c", "a", "d"]
