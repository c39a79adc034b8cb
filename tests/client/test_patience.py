import pytest

from openledger_node.client.patience import LONGEST_S, Patience


def test_what_never_failed_is_always_due() -> None:
    assert Patience().is_due("post", 0)


def test_what_is_dead_is_tried_ever_more_rarely() -> None:
    patience, tries, hour_s = Patience(), 0, 3_600
    for now_s in range(2 * hour_s):
        if patience.is_due(1, now_s):
            patience.failed(1, "nobody has it", now_s)
            tries += 1
    assert 30 < tries < 80  # twice a second would be 14,400
    assert not patience.is_due(1, 2 * hour_s) or patience.is_due(1, 2 * hour_s + LONGEST_S)


def test_nothing_waits_longer_than_the_longest_pause() -> None:
    patience = Patience()
    patience.failed(1, "nobody has it", 0)
    patience.failed(1, "nobody has it", 10**6)
    assert patience.is_due(1, 10**6 + LONGEST_S)
    assert not patience.is_due(1, 10**6 + LONGEST_S - 1)


def test_a_reason_is_news_once() -> None:
    patience = Patience()
    assert [patience.failed(1, reason, 0) for reason in ("a", "a", "b", "b")] == [True, False, True, False]
    patience.forget(1)
    assert patience.failed(1, "b", 0)


async def test_an_attempt_says_how_it_failed_and_keeps_its_time() -> None:
    patience, tried = Patience(), []

    async def fail() -> None:
        tried.append(1)
        raise LookupError("nobody has it")

    first = await patience.attempt(1, 0, fail, (LookupError,))
    assert first is not None
    assert first.is_news
    assert isinstance(first.error, LookupError)
    again = await patience.attempt(1, 80, fail, (LookupError,))
    assert again is not None
    assert not again.is_news
    assert await patience.attempt(1, 81, fail, (LookupError,)) is None
    assert len(tried) == 2, "it was not due"
    with pytest.raises(LookupError):
        await patience.attempt(2, 0, fail, (ValueError,))


async def test_an_attempt_that_succeeds_forgets_what_was() -> None:
    patience = Patience()
    patience.failed(1, "nobody has it", 0)

    async def succeed() -> None:
        pass

    assert await patience.attempt(1, 0, succeed, (LookupError,)) is None
    assert patience.failed(1, "nobody has it", 0), "news again"
