"""Reading ahead: nothing lost, order kept, errors behind what came before, the source closed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from openledger_node.errors import TemporaryError
from openledger_node.gateway.bunches import MOST_AHEAD, in_bunches


async def counting(count: int, closed: list[bool], fail: bool = False) -> AsyncGenerator[int, None]:
    try:
        for number in range(count):
            yield number
            if number % 7 == 0:
                await asyncio.sleep(0)
        if fail:
            raise TemporaryError("broke off")
    finally:
        closed.append(True)


@pytest.mark.parametrize("count", [0, 1, 5, MOST_AHEAD + 100])
async def test_everything_comes_in_order(count: int) -> None:
    closed: list[bool] = []
    seen: list[int] = []
    async for bunch in in_bunches(counting(count, closed)):
        assert bunch
        seen += bunch
        await asyncio.sleep(0.001)
    assert seen == list(range(count))
    assert closed == [True]


async def test_an_error_comes_last() -> None:
    seen: list[int] = []
    with pytest.raises(TemporaryError):
        async for bunch in in_bunches(counting(20, [], fail=True)):
            seen += bunch
    assert seen == list(range(20))


async def test_leaving_early_closes_the_source() -> None:
    closed: list[bool] = []
    async with aclosing(in_bunches(counting(10_000, closed))) as bunches:
        async for _ in bunches:
            break
    assert closed == [True]
